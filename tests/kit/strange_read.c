/* SPDX-License-Identifier: MIT */
#include "tests/kit/strange.h"

#include <math.h>

#include "config/mem.h"
#include "crawler/report.h"
#include "store/reader.h"
#include "store/reader_diff.h"
#include "store/search.h"

/* --- reading ----------------------------------------------------------------------- */

/* Looks at all that it is given. */
static enum err on_row(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    volatile uint64_t *sum = arg;

    (void)columns;
    for (size_t i = 0; values && i < n; i++) {
        bool has_bytes = values[i].type == READER_TEXT || values[i].type == READER_BLOB;

        *sum += (uint64_t)values[i].type;
        for (size_t k = 0; has_bytes && k < values[i].text.len; k++)
            *sum += (unsigned char)values[i].text.ptr[k];
    }
    return OK;
}

static void tell(const char *what, enum err e, const struct err_note *note)
{
    BUG_IF(e && e != ERR_NO_MEMORY && e != ERR_CANCELLED && !note->text[0]);
    if (strange_tells())
        fprintf(stderr, "%s: %s %s\n", what, e ? err_name(e) : "ok", e ? note->text : "");
}

static void ask(struct reader *r, const struct reader_report *p, const struct span *params, size_t n)
{
    volatile uint64_t sum = 0;
    struct err_note note = { "" };
    enum err e = reader_query(r, span_str(p->sql), params, n, on_row, (void *)(uintptr_t)&sum, &note);

    tell(p->name, e, &note);
}

static void ask_all(struct reader *r, const struct reader_report *p, const struct span *params, size_t n)
{
    for (; p->name; p++)
        ask(r, p, params, n);
}

static void search(struct reader *r, const char *query, const char *host)
{
    struct search_question q = { .query = span_str(query), .host = host ? span_str(host) : SPAN_NONE, .limit = 5 };
    struct search_answer answer;
    struct err_note note = { "" };
    struct arena mem;
    enum err e;

    arena_init(&mem, (size_t)64 * MIB);
    e = search_ask(r, &q, &mem, &answer, &note);
    tell(query, e, &note);
    for (size_t i = 0; !e && i < answer.n_hits; i++)
        BUG_IF(!isfinite(answer.hits[i].score));
    search_close(&answer);
    arena_clear(&mem);
}

static void search_all(struct reader *r)
{
    static const char *const queries[] = { "lion",           "l*",
                                           "\"event loop\"", "loop NOT tiger",
                                           "title:page wor*", "\"side by side\" OR description:about" };

    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        search(r, queries[i], NULL);
        search(r, queries[i], "a.example");
    }
}

static void write_report(struct reader *r)
{
    struct report_options o = { .db_name = SPAN("crawl.db"), .rows = 5 };
    struct err_note note = { "" };
    struct buf page;
    enum err e;

    buf_init(&page, (size_t)16 * MIB);
    e = report_write(r, &o, &page, &note);
    tell("report", e, &note);
    buf_clear(&page);
}

static void diff(struct reader *r)
{
    volatile uint64_t sum = 0;
    struct err_note note = { "" };
    struct reader_diff d;
    enum err e = reader_diff_choose(r, NULL, 0, &d, &note);

    for (int q = 0; !e && q < N_READER_DIFF_QUESTIONS; q++)
        e = reader_diff_query(r, &d, (enum reader_diff_question)q, 12, on_row, (void *)(uintptr_t)&sum, &note);
    tell("diff", e, &note);
}

static void ask_parts(struct reader *r, struct span id)
{
    struct span params[] = { id, SPAN("10") };
    volatile uint64_t sum = 0;

    for (const struct reader_part *p = reader_parts; p->name; p++) {
        struct err_note note = { "" };
        enum err e = reader_query(r, span_str(p->sql), params, 2, on_row, (void *)(uintptr_t)&sum, &note);

        tell(p->name, e, &note);
    }
    ask_all(r, reader_explanations + 1, params, 1);
    for (int i = 0; i < N_LOOKUPS; i++)
        ask(r, &reader_lookups[i], params, 1);
}

static void verify(struct reader *r)
{
    struct reader_text text;
    struct err_note note = { "" };

    ask_all(r, reader_checks, NULL, 0);
    tell("text", reader_check_text(r, -1, &text, &note), &note);
}

static bool submit(struct storekit *k, struct store_op *op)
{
    bool is_done;

    storekit_do(k, op);
    is_done = !op->result;
    if (strange_tells() && op->result) {
        struct err_note note = { "" };

        store_failure(k->store, &note);
        tell("op", op->result, &note);
    }
    store_op_free(op);
    return is_done;
}

static bool refill(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_REFILL, MIB);

    op->u.refill.host_id = 1;
    op->u.refill.from_start = true;
    op->u.refill.limit = 10;
    return submit(k, op);
}

static bool load_host(struct storekit *k)
{
    struct store_op *op = store_op_new(STORE_HOST_LOAD, MIB);

    op->u.host.host_id = 1;
    return submit(k, op);
}

static bool fetch(struct storekit *k)
{
    static const char *const links[] = { "http://a.example/p1", "http://a.example/new", "https://c.example/p5", NULL };
    struct store_op *op = storekit_visit(1, 1, 0);
    struct page_facts *f = storekit_page(op, "Page", "lion event loop", "another body");

    storekit_body(op, f, SPAN("another body"));
    storekit_links(op, links);
    return submit(k, op);
}

static bool step(struct storekit *k, enum store_op_kind kind)
{
    struct store_op *op = store_op_new(kind, MIB);

    if (kind == STORE_END_RUN)
        op->u.end_run.is_finished = true;
    if (kind == STORE_GRAPH)
        op->u.graph.wants_metrics = true;
    return submit(k, op);
}

static bool decide(struct storekit *k, const struct store_excluded *url, struct store_verdict *out)
{
    (void)k;
    *out = (struct store_verdict){ .reason = url->depth % 2 ? REASON_SCOPE : REASON_NONE };
    return true;
}

static void on_seed(void *arg, struct span url)
{
    *(size_t *)arg += url.len;
}

static void on_origin(void *arg, const struct store_origin *o)
{
    *(size_t *)arg += o->host.len + o->port;
}

static void go_on(struct storekit *k)
{
    struct store_dictionary d;
    struct err_note note = { "" };
    struct arena mem;
    size_t sum = 0;
    enum err e;

    arena_init(&mem, (size_t)4 * MIB);
    k->rules = "other";
    k->decide = decide;
    k->options.keep_history = 1;
    e = storekit_try_open(k, &note);
    if (!e)
        e = store_each_seed(k->store, on_seed, &sum, &note);
    if (!e)
        e = store_each_queued_host(k->store, on_origin, &sum, &note);
    if (!e)
        e = store_each_sitemap_host(k->store, false, on_origin, &sum, &note);
    if (!e)
        e = store_load_dictionary(k->store, &mem, &d, &note);
    if (!e)
        e = storekit_try_begin(k, REVISIT_ALL, &note);
    tell("run", e, &note);
    if (!e)
        (void)!(load_host(k) && refill(k) && fetch(k) && fetch(k) && step(k, STORE_END_RUN) && step(k, STORE_GRAPH) &&
                step(k, STORE_TEXTS));
    storekit_close(k);
    arena_clear(&mem);
}

static void ask_status(struct reader *r)
{
    static const struct span after = { "0", 1 };

    ask_all(r, reader_status, NULL, 0);
    ask_all(r, reader_exports, &after, 1);
}

static void ask_about(struct reader *r)
{
    ask_parts(r, SPAN("1"));
    ask_parts(r, SPAN("11"));
}

static void ask_reports(struct reader *r)
{
    ask_all(r, reader_reports, NULL, 0);
}

static void read_by(const char *path, void (*way)(struct reader *r))
{
    struct err_note note = { "" };
    struct reader *r = NULL;
    enum err e = reader_open(path, &r, &note);

    tell("open", e, &note);
    if (!e)
        way(r);
    reader_close(r);
}

void strange_read(struct storekit *k, unsigned by)
{
    static void (*const ways[])(struct reader *r) = { ask_reports, search_all, search_all, write_report,
                                                       diff,        ask_about,  ask_status, verify };

    _Static_assert(ARRAY_LEN(ways) + 2 == STRANGE_WAYS, "each has a number; the last two go on");
    for (unsigned i = 0; i < ARRAY_LEN(ways); i++)
        if (by == 0 || by == i + 1)
            read_by(k->path, ways[i]);
    if (by == 0 || by > ARRAY_LEN(ways))
        go_on(k);
}
