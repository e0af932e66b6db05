/* SPDX-License-Identifier: MIT */
#include "crawler/diff_links.h"

#include "config/mem.h"
#include "crawler/parts.h"

#define MAX_LINKS_BYTES  ((size_t)1 * GIB)
#define MAX_BODIES_BYTES ((size_t)256 * MIB) /* as stored; what is more stays unsure */
#define MAX_URL_BYTES    ((size_t)64 * KIB)
#define MAX_PAGE_LINKS   100000

struct entry {
    struct diff_link link;
    struct span key; /* the target's */
    int64_t look_in; /* a fetch, or 0 */
    bool was_there;
    struct entry *next;
};

/* The content that a page had then, and what is to be looked for in it. */
struct source {
    int64_t fetch_id;
    struct span url, content_type, headers, data; /* data empty: not stored */
    uint32_t dictionary_id; /* that data needs, and its bytes; 0: none, or it is missing */
    struct span dictionary;
    struct entry *first, *last; /* that have it in look_in; others of the page may stand between */
    struct source *next;
};

struct diff_links {
    struct reader *reader;
    struct arena mem, bodies;
    struct entry *first, *last;
    struct source *sources, *last_source;
    uint32_t dictionary_id; /* the one copied last */
    struct span dictionary;
};

/* --- reading ------------------------------------------------------------------------ */

static enum err copy_text(struct arena *mem, const struct reader_value *v, struct span *out)
{
    *out = SPAN_NONE;
    return v->type == READER_TEXT ? arena_try_copy(mem, v->text, out) : OK;
}

static enum err on_row(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    struct diff_links *l = arg;
    struct entry *it;
    enum err e;

    (void)columns;
    if (!values)
        return OK;
    BUG_IF(n < N_READER_DIFF_LINK_COLUMNS);
    it = arena_try_array(&l->mem, 1, sizeof *it);
    if (!it)
        return ERR_TOO_LARGE;
    e = copy_text(&l->mem, &values[READER_DIFF_SRC_URL], &it->link.source);
    if (!e)
        e = copy_text(&l->mem, &values[READER_DIFF_DST_URL], &it->link.target);
    if (!e)
        e = copy_text(&l->mem, &values[READER_DIFF_WAS], &it->link.was);
    if (!e)
        e = copy_text(&l->mem, &values[READER_DIFF_NOW], &it->link.now);
    if (!e)
        e = copy_text(&l->mem, &values[READER_DIFF_DST_KEY], &it->key);
    if (e)
        return e;
    it->look_in = values[READER_DIFF_LOOK_IN].integer;
    it->link.is_unsure = it->look_in != 0;
    *(l->last ? &l->last->next : &l->first) = it;
    l->last = it;
    return OK;
}

/* One for nearly all: it is copied when it is another than the last. A missing one leaves the links unsure. */
static enum err keep_dictionary(struct diff_links *l, struct source *s)
{
    struct span dictionary;
    enum err e = reader_dictionary(l->reader, s->data, &s->dictionary_id, &dictionary, NULL);

    if (e || !s->dictionary_id) {
        s->dictionary_id = 0;
        return e == ERR_NO_MEMORY ? e : OK;
    }
    if (l->dictionary_id != s->dictionary_id &&
        arena_try_copy(&l->mem, dictionary, &l->dictionary))
        return ERR_NO_MEMORY;
    l->dictionary_id = s->dictionary_id;
    s->dictionary = l->dictionary;
    return OK;
}

static enum err on_body(void *arg, const struct span *columns,
                        const struct reader_value *values, size_t n)
{
    struct diff_links *l = arg;
    struct source *s = l->last_source;
    struct span data;
    enum err e;

    (void)columns;
    if (!values)
        return OK;
    BUG_IF(n < N_READER_DIFF_BODY_COLUMNS);
    data = values[READER_DIFF_BODY_DATA].text;
    if (!span_eq(values[READER_DIFF_BODY_CODEC].text, SPAN("zstd")))
        return OK;
    e = copy_text(&l->mem, &values[READER_DIFF_BODY_URL], &s->url);
    if (!e)
        e = copy_text(&l->mem, &values[READER_DIFF_BODY_TYPE], &s->content_type);
    if (!e)
        e = copy_text(&l->mem, &values[READER_DIFF_BODY_HEADERS], &s->headers);
    if (e)
        return e;
    if (arena_try_copy(&l->bodies, data, &s->data))
        s->data = SPAN_NONE;
    return keep_dictionary(l, s);
}

/* A source for each row of entries that have to look into the same content. */
static enum err read_bodies(struct diff_links *l, struct reader *r,
                            const struct reader_diff *d, struct err_note *note)
{
    enum err e = OK;

    for (struct entry *it = l->first; !e && it; it = it->next) {
        struct source *s;

        if (!it->look_in)
            continue;
        if (l->last_source && l->last_source->fetch_id == it->look_in) {
            l->last_source->last = it;
            continue;
        }
        s = arena_try_array(&l->mem, 1, sizeof *s);
        if (!s)
            return ERR_TOO_LARGE;
        s->fetch_id = it->look_in;
        s->first = s->last = it;
        *(l->last_source ? &l->last_source->next : &l->sources) = s;
        l->last_source = s;
        e = reader_diff_query(r, d, READER_DIFF_BODY, s->fetch_id, on_body, l, note);
    }
    return e;
}

enum err diff_links_read(struct reader *r, const struct reader_diff *d,
                         struct diff_links **out, struct err_note *note)
{
    struct diff_links *l = mem_alloc(sizeof *l);
    enum err e;

    l->reader = r;
    arena_init(&l->mem, MAX_LINKS_BYTES);
    arena_init(&l->bodies, MAX_BODIES_BYTES);
    *out = l;
    e = reader_diff_query(r, d, READER_DIFF_BROKEN, 0, on_row, l, note);
    return e ? e : read_bodies(l, r, d, note);
}

/* --- looking into bodies ------------------------------------------------------------ */

/* The entry of a source behind one of its own; NULL: it is the last. */
static struct entry *entry_after(const struct source *s, struct entry *it)
{
    if (it == s->last)
        return NULL;
    do
        it = it->next;
    while (it->look_in != s->fetch_id);
    return it;
}

/* The entries of a source that lead to this URL stood on the page then. */
static void meet(struct source *s, struct span href, struct arena *mem)
{
    struct span key;
    struct url u;

    if (url_parse(span_slice(href, 0, span_find(href, '#')), NULL, mem, &u) ||
        url_page(&u, mem, &u) || url_normalize(&u, mem, &key))
        return;
    for (struct entry *it = s->first; it; it = entry_after(s, it))
        it->was_there |= span_eq(it->key, key);
}

/* What the page had is known now; what is not among it is news, if that is all it had. */
static void take_links(struct source *s, const struct page_facts *facts)
{
    struct arena mem;

    arena_init(&mem, MAX_URL_BYTES);
    for (size_t i = 0; i < facts->n_links; i++) {
        meet(s, facts->links[i].url, &mem);
        arena_reset(&mem);
    }
    arena_clear(&mem);
    if (facts->decode != DECODE_OK || facts->links_cut)
        return;
    for (struct entry *it = s->first; it; it = entry_after(s, it))
        it->link.is_unsure = false;
}

/* What a parser makes of a job, into *out; NULL where it could not do it. */
static enum err ask(struct crawl *c, const struct job *job, struct pool_job **out)
{
    struct span why;
    enum err e = pool_run(c->pool, job, NULL, DEADLINE_NEVER, out);

    if (!e && pool_job_failure(*out, &why) != POOL_OK) {
        pool_job_free(*out);
        *out = NULL;
    }
    return e;
}

/* One content: unpacked first, then read as the page it was. */
static enum err look_into(struct crawl *c, struct source *s)
{
    struct job unpack = { .kind = JOB_UNPACK,
                          .max_decoded_bytes = (uint64_t)c->settings->max_size,
                          .inline_body = s->data,
                          .dictionary_id = s->dictionary_id,
                          .inline_dictionary = s->dictionary };
    struct job page = { .kind = JOB_PAGE,
                        .url = s->url,
                        .content_type = s->content_type,
                        .headers = s->headers,
                        .product_token = c->product_token,
                        .max_decoded_bytes = (uint64_t)c->settings->max_size,
                        .max_links = MAX_PAGE_LINKS };
    struct pool_job *unpacked = NULL, *answer = NULL;
    enum err e = ask(c, &unpack, &unpacked);

    if (!e && unpacked && pool_job_answer(unpacked)->decode == DECODE_OK) {
        page.inline_body = pool_job_answer(unpacked)->bytes;
        e = ask(c, &page, &answer);
    }
    if (!e && answer)
        take_links(s, &pool_job_answer(answer)->page);
    pool_job_free(answer);
    pool_job_free(unpacked);
    return e;
}

struct settling {
    struct diff_links *l;
    struct crawl *c;
    enum err result;
};

static intptr_t settle_main(void *arg)
{
    struct settling *job = arg;

    for (struct source *s = job->l->sources; !job->result && s; s = s->next)
        if (s->data.len)
            job->result = look_into(job->c, s);
    sched_stop(job->c->sched);
    return 0;
}

enum err diff_links_settle(struct diff_links *l, struct crawl *c,
                           const struct settings *s, struct err_note *note)
{
    struct crawl own = { .settings = s, .give_up_at = DEADLINE_NEVER };
    struct settling job = { l, c ? c : &own, OK };
    enum err e = OK;

    if (!l->sources)
        return OK;
    if (!c)
        e = parts_open_network(&own, note);
    if (!e && !crawl_run_alone(job.c, "diff", settle_main, &job))
        e = ERR_NO_MEMORY;
    if (!c && parts_close(&own, note))
        e = ERR_IO;
    return e ? e : job.result;
}

/* --- the answer --------------------------------------------------------------------- */

enum err diff_links_each(const struct diff_links *l,
                         enum err (*fn)(void *arg, const struct diff_link *link),
                         void *arg)
{
    enum err e = OK;

    for (const struct entry *it = l->first; !e && it; it = it->next)
        if (!it->was_there)
            e = fn(arg, &it->link);
    return e;
}

void diff_links_free(struct diff_links *l)
{
    if (!l)
        return;
    arena_clear(&l->mem);
    arena_clear(&l->bodies);
    mem_free(l);
}
