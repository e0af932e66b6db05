/* SPDX-License-Identifier: MIT */
#include "crawler/sitemaps.h"

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/discover.h"
#include "crawler/outbox.h"
#include "crawler/pause.h"
#include "crawler/robots_gate.h"
#include "store/vocab.h"

#define LOOK_UP_NS     (500 * NS_PER_MS)
#define MAX_PER_HOST   1000
#define MAX_LIST_BYTES ((size_t)256 * KIB) /* of the URLs of one list */
#define MAX_SEEN       ((size_t)200000)    /* hashes, of all hosts together */
#define ENTRIES_PER_OP ((size_t)1000)
/* Six answers leave 300 KiB of header lines each, and their content codings as much again. */
#define DOCUMENT_BYTES ((size_t)8 * MIB)
#define OFFERS_BYTES   ((size_t)64 * MIB)
#define ENTRY_ROOM     ((size_t)256 * KIB) /* more than comes of one, whatever it is */
#define ANSWER_BYTES   (64 * MIB) /* what may come of one, about */

/* Why a sitemap is not asked for, as long as its origin's robots.txt is not known. */
static const char other_origin[] = "other origin";

/* A sitemap still to be read. */
struct todo {
    char *url; /* owned */
    int level;
};

struct reader {
    struct crawl *c;
    struct host *h;
    struct todo *list;
    size_t len, cap, at, bytes;
    size_t n_left_out;
};

void sitemaps_open(struct crawl *c)
{
    struct map secret;

    sem_init_permits(&c->sitemap_answers,
                     MAX(c->settings->max_memory / 8 / ANSWER_BYTES, INT64_C(1)));
    idmap_init(&c->sitemaps_seen);
    map_init(&secret); /* for its seed: what is hashed comes from strangers */
    c->sitemaps_seed = secret.seed;
    map_clear(&secret);
}

void sitemaps_close(struct crawl *c)
{
    idmap_clear(&c->sitemaps_seen);
}

/* --- what is to be read ----------------------------------------------------------- */

/* URLs are as long as strangers like, and many: 64 bits of each are kept. */
static uint64_t seen_key(const struct crawl *c, struct span url)
{
    uint64_t hash = map_hash(url, c->sitemaps_seed);

    return hash ? hash : 1;
}

/*
 * In this run, by any host. Where too many would be remembered, all are forgotten: then one is
 * read again when its host's robots.txt is, which is seldom.
 */
static void note_seen(struct crawl *c, struct span url)
{
    if (c->sitemaps_seen.len >= MAX_SEEN)
        idmap_clear(&c->sitemaps_seen);
    idmap_set(&c->sitemaps_seen, seen_key(c, url), c);
}

static void add_todo(struct reader *r, struct span url, int level)
{
    if (idmap_get(&r->c->sitemaps_seen, seen_key(r->c, url)))
        return;
    if (r->h->n_sitemaps >= MAX_PER_HOST || url.len > MAX_LIST_BYTES - r->bytes) {
        r->n_left_out++;
        return;
    }
    if (r->len == r->cap) {
        struct todo *grown = mem_array(r->cap ? r->cap * 2 : 8, sizeof *grown);

        for (size_t i = 0; i < r->len; i++)
            grown[i] = r->list[i];
        mem_free(r->list);
        r->list = grown;
        r->cap = r->cap ? r->cap * 2 : 8;
    }
    note_seen(r->c, url);
    r->h->n_sitemaps++;
    r->bytes += url.len;
    r->list[r->len++] = (struct todo){ mem_str_copy(url), level };
}

static void free_reader(struct reader *r)
{
    if (r->n_left_out && r->len) /* else it was told when the others were read */
        crawl_event(r->c, "warn", "sitemaps", "sitemaps-left-out", 0,
                    "%s: %zu sitemaps are not read: more than one host may have",
                    r->h->name, r->n_left_out);
    for (size_t i = 0; i < r->len; i++)
        mem_free(r->list[i].url);
    mem_free(r->list);
    mem_free(r);
}

/* What is written about a sitemap in the database. */
static void fill_row(struct store_op *op, const struct reader *r, struct span url,
                     const struct document *doc, const char *outcome, size_t entries)
{
    op->u.offers.sitemap_url = arena_copy(&op->mem, url);
    op->u.offers.sitemap_outcome = arena_copy(&op->mem, span_str(outcome));
    op->u.offers.sitemap_host_id = r->h->id;
    op->u.offers.sitemap_fetched_ms = clock_wall_ms();
    op->u.offers.sitemap_status = doc ? doc->result.status_code : 0;
    op->u.offers.sitemap_entries = (int64_t)entries;
}

/* --- what is in one ------------------------------------------------------------------- */

/*
 * Walks the URLs of a sitemap: all entries, then their other languages, each once
 * and without those that have an entry of their own, as they should.
 */
struct finds {
    const struct sitemap *map;
    size_t at, alternate;
    bool has_entries;  /* they were all given out */
    struct idmap seen; /* hashes of what was given out */
};

/* False when it was there already. */
static bool is_first(struct finds *f, struct span url)
{
    uint64_t hash = map_hash(url, 0);

    hash = hash ? hash : 1;
    if (idmap_get(&f->seen, hash))
        return false;
    idmap_set(&f->seen, hash, f);
    return true;
}

static bool next_entry(struct finds *f, struct span *out_url, int64_t *out_lastmod_ms)
{
    const struct sitemap_entry *entry;

    if (f->at == f->map->n_urls)
        return false;
    entry = &f->map->urls[f->at++];
    is_first(f, entry->loc);
    *out_url = entry->loc;
    *out_lastmod_ms = entry->lastmod_wall_ms;
    return true;
}

static bool next_alternate(struct finds *f, struct span *out_url)
{
    while (f->at < f->map->n_urls) {
        const struct sitemap_entry *entry = &f->map->urls[f->at];

        if (f->alternate == entry->n_alternates) {
            f->at++;
            f->alternate = 0;
            coro_breathe();
        } else if (is_first(f, entry->alternates[f->alternate++])) {
            *out_url = entry->alternates[f->alternate - 1];
            return true;
        }
    }
    return false;
}

static bool next_find(struct finds *f, struct span *out_url, int64_t *out_lastmod_ms)
{
    if (!f->has_entries && next_entry(f, out_url, out_lastmod_ms))
        return true;
    if (!f->has_entries)
        f->at = 0;
    f->has_entries = true;
    *out_lastmod_ms = -1; /* it is stated of the entry */
    return next_alternate(f, out_url);
}

/* Takes the next of finds (NULL: none) as offers; false when there are no more. */
static bool fill_offers(struct reader *r, struct store_op *op, struct finds *finds)
{
    struct span url;
    int64_t lastmod_ms;

    op->u.offers.offers =
        arena_array(&op->mem, ENTRIES_PER_OP, sizeof(struct store_offer));
    while (op->u.offers.n_offers < ENTRIES_PER_OP && arena_has_room(&op->mem, ENTRY_ROOM)) {
        struct store_offer *o = &op->u.offers.offers[op->u.offers.n_offers];

        if (!finds || !next_find(finds, &url, &lastmod_ms))
            return false;
        if (discover_entry(r->c, url, HOP_SITEMAP, lastmod_ms, &op->mem, o))
            op->u.offers.n_offers++;
        coro_breathe();
    }
    return true;
}

/* Hands over what op offers and waits for the commit: a long sitemap must not flood the writer. */
static enum err commit(struct reader *r, struct store_op *op)
{
    enum err e = outbox_wait(r->c, op, DEADLINE_NEVER);

    if (e)
        return e;
    e = op->result;
    store_op_free(op);
    return e;
}

/* Writes the sitemap's row and offers its URLs; map may be NULL. */
static enum err offer_all(struct reader *r, const struct todo *todo,
                          const struct document *doc, const char *outcome,
                          const struct sitemap *map)
{
    struct finds finds = { .map = map };
    bool has_more = true;
    enum err e = OK;

    idmap_init(&finds.seen);
    while (!e && has_more) {
        struct store_op *op = store_op_new(STORE_OFFERS, OFFERS_BYTES);

        fill_row(op, r, span_str(todo->url), doc, outcome,
                 map ? map->n_urls + map->n_sitemaps : 0);
        has_more = fill_offers(r, op, map ? &finds : NULL);
        e = commit(r, op);
    }
    idmap_clear(&finds.seen);
    return e;
}

/* Whose limit left entries out, or NULL. */
static const char *cut_by(const struct document *doc, const struct answer *answer)
{
    if (doc->result.outcome == FETCH_TOO_LARGE)
        return "cut by --max-size";
    if (answer->decode == DECODE_TOO_LARGE || answer->sitemap.is_cut)
        return "longer than a sitemap may be";
    return answer->decode ? "its content coding is broken" : NULL;
}

struct sitemap sitemaps_whole_entries(const struct document *doc,
                                      const struct answer *answer)
{
    struct sitemap map = answer->sitemap;

    if (doc->result.outcome == FETCH_TOO_LARGE || answer->decode) {
        map.n_urls -= map.n_urls > 0;
        map.n_sitemaps -= map.n_sitemaps > 0;
    }
    return map;
}

static enum err take_answer(struct reader *r, const struct todo *todo,
                            const struct document *doc, const struct answer *answer)
{
    const struct sitemap map = sitemaps_whole_entries(doc, answer);
    const char *type = sitemap_type_name(map.type), *cut = cut_by(doc, answer);

    if (cut)
        crawl_event(r->c, "warn", "sitemaps", "sitemap-cut", 0,
                    "%s: %s; the first %zu entries count", todo->url, cut,
                    map.n_urls + map.n_sitemaps);
    for (size_t i = 0; i < map.n_sitemaps && todo->level < SITEMAPS_MAX_LEVEL; i++)
        add_todo(r, map.sitemaps[i].loc, todo->level + 1);
    return offer_all(r, todo, doc, type ? type : "no sitemap", &map);
}

static enum err parse(struct reader *r, const struct todo *todo, struct document *doc)
{
    struct job job = { .kind = JOB_SITEMAP,
                       .url = doc->url.href,
                       .content_type = doc->result.content_type,
                       .content_encoding = doc->result.content_encoding,
                       .max_decoded_bytes = SITEMAP_MAX_BYTES };
    struct pool_job *answer;
    struct span why;
    enum err e = pool_run(r->c->pool, &job, &doc->result.body, DEADLINE_NEVER, &answer);

    if (e)
        return e;
    bodies_free(r->c->bodies, &doc->result.body);
    if (pool_job_failure(answer, &why) == POOL_OK)
        e = take_answer(r, todo, doc, pool_job_answer(answer));
    else
        e = offer_all(r, todo, doc, "not readable", NULL);
    pool_job_free(answer);
    return e;
}

/* What is in a sitemap may be 50 MB, from the parser until all of it is in the database. */
static enum err parse_in_turn(struct reader *r, const struct todo *todo,
                              struct document *doc)
{
    enum err e = sem_enter(&r->c->sitemap_answers, DEADLINE_NEVER);

    if (e)
        return e;
    e = parse(r, todo, doc);
    sem_leave(&r->c->sitemap_answers);
    return e;
}

static struct host *origin_of(const struct reader *r, const struct url *u)
{
    return frontier_find_origin(r->c->frontier, u->scheme == URL_HTTPS, url_site_hostname(u),
                                (uint16_t)url_port(u));
}

/* May we ask for this sitemap? The origin's own rules decide; origins we do not know are left alone. */
static const char *refusal(void *arg, const struct url *u, struct arena *mem)
{
    struct reader *r = arg;
    struct host *h = origin_of(r, u);

    if (!url_is_web(u))
        return "scheme";
    /* Its rules may have been forgotten, or are being read anew. */
    if (h && h->is_loaded && robots_gate_await(r->c, h))
        return other_origin;
    if (h && h->state == HOST_PARKED)
        return vocab_reason(h->park_reason);
    if (!h || h->state != HOST_READY || h->is_blocked)
        return other_origin;
    return robots_gate_allows(r->c, h, u, mem, NULL) ? NULL : "robots";
}

bool sitemaps_have_come(const struct document *doc)
{
    return !doc->problem &&
           (doc->result.outcome == FETCH_OK || doc->result.outcome == FETCH_TOO_LARGE);
}

/*
 * The row of a sitemap that could not be read; doc may be NULL: nobody was asked.
 * One of an origin that is not known yet may be named again by that origin's robots.txt.
 */
static enum err note_miss(struct reader *r, const struct todo *todo,
                          const struct document *doc, const char *why)
{
    if (why == other_origin) {
        (void)idmap_remove(&r->c->sitemaps_seen, seen_key(r->c, span_str(todo->url)));
        r->h->n_sitemaps--;
    }
    return offer_all(r, todo, doc, why, NULL);
}

/* As for a page: after what may pass it is tried again, at *out_at. */
static bool is_tried_again(const struct reader *r, const struct document *doc, int attempt,
                           deadline *out_at)
{
    const struct host *h = origin_of(r, &doc->url);
    struct retry_verdict verdict;

    if (doc->problem || doc->result.is_name_unknown || r->c->stop || h->state == HOST_PARKED)
        return false;
    verdict = pause_decide(r->c, h, &doc->result, attempt);
    if (verdict.action == RETRY_NO)
        return false;
    *out_at = clock_after(clock_now_ns(), verdict.delay_ms * NS_PER_MS);
    return true;
}

/* attempt counts from 0. Reads and records it, unless *out_again says when to try again. */
static enum err read_one(struct reader *r, const struct todo *todo, int attempt,
                         deadline *out_again)
{
    struct document_way way = { .max_redirects = DOCUMENT_MAX_REDIRECTS,
                                .refusal = refusal,
                                .arg = r };
    struct document doc;
    struct arena mem;
    struct url url;
    const char *why;
    enum err e;

    arena_init(&mem, DOCUMENT_BYTES);
    if (!discover_took(url_parse(span_str(todo->url), NULL, &mem, &url),
                       span_str(todo->url), &mem) ||
        !discover_took(url_page(&url, &mem, &url), url.href, &mem)) {
        arena_clear(&mem);
        return OK;
    }
    why = refusal(r, &url, &mem);
    if (why) {
        e = note_miss(r, todo, NULL, why);
        arena_clear(&mem);
        return e;
    }
    r->c->counts.sitemap_requests++;
    e = document_fetch(r->c, &url, &way, &mem, DEADLINE_NEVER, &doc);
    if (!e) {
        pause_keep(r->c, origin_of(r, &doc.url), &doc.result);
        if (sitemaps_have_come(&doc))
            e = parse_in_turn(r, todo, &doc);
        else if (!is_tried_again(r, &doc, attempt, out_again))
            e = note_miss(r, todo, &doc,
                          doc.problem ? doc.problem
                                      : result_outcome_name(doc.result.outcome));
        bodies_free(r->c->bodies, &doc.result.body);
    }
    arena_clear(&mem);
    return e;
}

/* Until then, or until the crawl stops: nobody waits for a try that will not be made. */
static enum err wait_until(const struct crawl *c, deadline at)
{
    enum err e = OK;

    while (!e && !c->stop && clock_now_ns() < at)
        e = coro_sleep_until(MIN(at, clock_after(clock_now_ns(), LOOK_UP_NS)));
    return e;
}

/* In the file, for a start that goes on with this run: its pages may all be known by then. */
static void note_reading(struct crawl *c, const struct host *h, bool are_read)
{
    struct store_op *op = store_op_new(STORE_HOST_SITEMAPS, (size_t)4 * KIB);

    op->u.sitemaps.host_id = h->id;
    op->u.sitemaps.are_read = are_read;
    op->on_done = store_op_free_done;
    outbox_submit(c, op);
}

static intptr_t sitemaps_main(void *arg)
{
    struct reader *r = arg;
    struct crawl *c = r->c;
    enum err e = OK;

    for (; !e && r->at < r->len && !r->c->stop; r->at++) {
        struct todo todo = r->list[r->at]; /* the list may move */
        deadline again;
        int attempt = 0;

        do {
            again = DEADLINE_NEVER;
            e = read_one(r, &todo, attempt++, &again);
            if (!e && again != DEADLINE_NEVER)
                e = wait_until(r->c, again);
        } while (!e && again != DEADLINE_NEVER && !r->c->stop);
    }
    if (!e && !c->stop)
        note_reading(c, r->h, true);
    free_reader(r);
    crawl_task_done(c);
    return 0;
}

void sitemaps_start(struct crawl *c, struct host *h)
{
    struct reader *r;
    struct arena mem;
    struct url base, u;
    struct span text;

    if (c->settings->has_no_sitemaps || !h->rules.n_sitemaps)
        return;
    arena_init(&mem, DOCUMENT_BYTES);
    r = mem_alloc(sizeof *r);
    *r = (struct reader){ .c = c, .h = h };
    text = arena_format(&mem, "%s://%s:%u/robots.txt", h->is_https ? "https" : "http",
                        h->name, h->port);
    if (discover_took(url_parse(text, NULL, &mem, &base), text, &mem))
        for (size_t i = 0; i < h->rules.n_sitemaps; i++)
            if (discover_took(url_parse(h->rules.sitemaps[i], &base, &mem, &u),
                              h->rules.sitemaps[i], &mem) &&
                discover_took(url_page(&u, &mem, &u), u.href, &mem))
                add_todo(r, u.href, 1);
    arena_clear(&mem);
    if (r->len)
        note_reading(c, h, false);
    if (r->len && crawl_spawn(c, "sitemaps", sitemaps_main, r))
        return;
    if (r->len)
        crawl_event(c, "warn", "sitemaps", "not-read", 0,
                    "%s: no memory to read its sitemaps in this run", h->name);
    free_reader(r);
}
