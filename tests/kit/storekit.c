/* SPDX-License-Identifier: MIT */
#include "tests/kit/storekit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "config/map.h"
#include "config/mem.h"
#include "parse/digest.h"
#include "parse/pack.h"

/* --- the directory ---------------------------------------------------------------- */

void storekit_init(struct storekit *k)
{
    *k = (struct storekit){ 0 };
    snprintf(k->dir, sizeof k->dir, "/tmp/crawl-store-XXXXXX");
    BUG_IF(!mkdtemp(k->dir));
    snprintf(k->path, sizeof k->path, "%s/crawl.db", k->dir);
    pthread_mutex_init(&k->mutex, NULL);
    pthread_cond_init(&k->notified, NULL);
    k->options = (struct store_options){
        .path = k->path,
        .keeps_text = true,
        .keeps_bodies = true,
        .revisit_min_ms = 3600 * 1000,
        .revisit_max_ms = INT64_C(30) * 24 * 3600 * 1000,
        .max_depth = -1,
    };
}

void storekit_clear(struct storekit *k)
{
    DIR *dir;
    struct dirent *entry;

    storekit_close(k);
    dir = opendir(k->dir);
    BUG_IF(!dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0))
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    closedir(dir);
    rmdir(k->dir);
    pthread_cond_destroy(&k->notified);
    pthread_mutex_destroy(&k->mutex);
}

/* --- the store -------------------------------------------------------------------- */

static void on_news(void *arg)
{
    struct storekit *k = arg;

    pthread_mutex_lock(&k->mutex);
    k->has_news = true;
    pthread_cond_signal(&k->notified);
    pthread_mutex_unlock(&k->mutex);
}

enum err storekit_try_open(struct storekit *k, struct err_note *note)
{
    return store_open(&k->options, &k->store, note);
}

static bool decide(void *arg, const struct store_excluded *url, struct store_verdict *out)
{
    struct storekit *k = arg;

    k->n_decided++;
    return k->decide(k, url, out);
}

enum err storekit_try_begin(struct storekit *k, enum store_revisit revisit,
                            struct err_note *note)
{
    struct store_run_params params = {
        .version = SPAN("test"),
        .settings_json = SPAN("{}"),
        .rules = span_str(k->rules ? k->rules : "{}"),
        .revisit = revisit,
        .now_wall_ms = STOREKIT_NOW + k->later_ms,
    };
    enum err e = store_begin_run(k->store, &params, &k->run, note);

    k->n_decided = 0;
    if (!e && k->decide && k->run.has_known_urls && !(k->run.is_decided && k->run.is_queue_decided))
        e = store_decide_again(k->store, k->run.is_decided, decide, k, note);
    return e ? e : store_start(k->store, on_news, k, note);
}

void storekit_open(struct storekit *k, enum store_revisit revisit)
{
    struct err_note note = { "" };

    if (storekit_try_open(k, &note) || storekit_try_begin(k, revisit, &note)) {
        fprintf(stderr, "storekit: %s\n", note.text);
        abort();
    }
}

void storekit_close(struct storekit *k)
{
    store_close(k->store, NULL);
    k->store = NULL;
}

void storekit_do(struct storekit *k, struct store_op *op)
{
    struct list_node done;

    list_init(&done);
    store_submit(k->store, op);
    while (list_is_empty(&done)) {
        pthread_mutex_lock(&k->mutex);
        while (!k->has_news)
            pthread_cond_wait(&k->notified, &k->mutex);
        k->has_news = false;
        pthread_mutex_unlock(&k->mutex);
        store_take_done(k->store, SIZE_MAX, &done);
    }
    BUG_IF(list_take_first(&done) != &op->node || !list_is_empty(&done));
}

static void must_work(struct storekit *k, const struct store_op *op)
{
    struct err_note note = { "" };

    if (!op->result)
        return;
    store_failure(k->store, &note);
    fprintf(stderr, "storekit: %s: %s\n", err_name(op->result), note.text);
    abort();
}

static void end(struct storekit *k, bool is_finished, bool keeps_budget)
{
    struct store_op *op = store_op_new(STORE_END_RUN, MIB);

    op->u.end_run.is_finished = is_finished;
    op->u.end_run.keeps_budget = keeps_budget;
    op->u.end_run.stop_reason = is_finished ? NULL : "signal";
    op->u.end_run.summary_json = SPAN("{\"urls\":1}");
    storekit_do(k, op);
    store_op_free(op);
    storekit_close(k);
}

void storekit_finish(struct storekit *k)
{
    end(k, true, false);
}

void storekit_stop(struct storekit *k, bool keeps_budget)
{
    end(k, false, keeps_budget);
}

/* --- offers ----------------------------------------------------------------------- */

struct store_offer storekit_offer(const char *url, enum url_hop hop, int depth)
{
    struct span text = span_str(url), host, port;
    bool is_https = span_starts(text, SPAN("https://"));
    struct store_offer o = {
        .url = text,
        .key = text,
        .hop = hop,
        .depth = depth,
        .is_https = is_https,
        .is_web = is_https || span_starts(text, SPAN("http://")),
        .port = is_https ? 443 : 80,
        .lastmod_ms = -1,
    };
    uint64_t number;

    host = span_skip(text, is_https ? 8 : 7);
    host = span_slice(host, 0, span_find(host, '/'));
    port = span_skip(host, span_find(host, ':') + 1);
    if (span_parse_u64(port, &number))
        o.port = (uint16_t)number;
    o.host = span_slice(host, 0, span_find(host, ':'));
    return o;
}

struct store_offer storekit_offer_one(struct storekit *k, struct store_offer o)
{
    struct store_op *op = store_op_new(STORE_OFFERS, MIB);

    op->u.offers.offers = &o;
    op->u.offers.n_offers = 1;
    storekit_do(k, op);
    must_work(k, op);
    store_op_free(op);
    return o;
}

int64_t storekit_seed(struct storekit *k, const char *url)
{
    struct store_offer o = storekit_offer(url, HOP_SEED, 0);

    o.seed_source = SPAN("seeds.txt");
    o.seed_line = 1;
    return storekit_offer_one(k, o).id;
}

/* --- visits ----------------------------------------------------------------------- */

struct store_op *storekit_visit(int64_t url_id, int64_t host_id, int depth)
{
    struct store_op *op = store_op_new(STORE_VISIT, (size_t)64 * MIB);

    op->u.visit = (struct store_visit){
        .url_id = url_id,
        .host_id = host_id,
        .depth = depth,
        .state = STATE_FETCHED,
        .counts_as_page = true,
        .has_fetch = true,
        .attempt = 1,
        .fetched_at_ms = STOREKIT_NOW,
        .outcome = "ok",
        .status_code = 200,
        .content_type = SPAN("text/html"),
        .http_version = SPAN("1.1"),
        .ip = SPAN("192.0.2.1"),
        .size = 1000,
        .wire_size = 500,
        .dns_ms = -1,
        .connect_ms = 1,
        .tls_ms = -1,
        .ttfb_ms = 5,
        .total_ms = 9,
        .request_headers = SPAN("GET / HTTP/1.1\r\nHost: a.example\r\n"),
        .headers = SPAN("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"),
        .body_is_final = true,
        .n_bytes = 500,
    };
    return op;
}

struct page_facts *storekit_page(struct store_op *op, const char *title,
                                 const char *text, const char *body)
{
    struct page_facts *f = arena_alloc(&op->mem, sizeof *f);
    struct span bytes = span_str(body);

    *f = (struct page_facts){
        .outcome = PARSE_OK,
        .size = (int64_t)bytes.len,
        .word_count = 2,
        .simhash = map_hash(bytes, 1),
        .charset = SPAN("utf-8"),
        .charset_source = SPAN("default"),
        .title = arena_copy(&op->mem, span_str(title)),
        .text = arena_copy(&op->mem, span_str(text)),
    };
    for (size_t i = 0; i < 4; i++) {
        uint64_t part = map_hash(bytes, i);

        memcpy(f->sha256 + i * 8, &part, 8);
    }
    op->u.visit.facts = f;
    return f;
}

void storekit_body(struct store_op *op, struct page_facts *f, struct span content)
{
    struct buf packed;
    struct digest *d;
    struct pack *p;

    buf_init(&packed, content.len + MIB);
    BUG_IF(pack_new(&p) != OK || digest_new(&d) != OK);
    BUG_IF(pack_compress(p, content, PACK_LEVEL, &packed) != OK);
    f->body = arena_copy(&op->mem, buf_span(&packed));
    f->size = (int64_t)content.len;
    BUG_IF(digest_sha256(d, content, f->sha256) != OK);
    digest_free(d);
    pack_free(p);
    buf_clear(&packed);
}

void storekit_links(struct store_op *op, const char *const *urls)
{
    struct store_visit *v = &op->u.visit;
    size_t n = 0;

    while (urls && urls[n])
        n++;
    v->links = arena_array(&op->mem, n, sizeof *v->links);
    for (size_t i = 0; i < n; i++) {
        struct store_offer *o = arena_alloc(&op->mem, sizeof *o);
        struct fact_link *found = arena_alloc(&op->mem, sizeof *found);

        *o = storekit_offer(urls[i], HOP_LINK, v->depth + 1);
        *found = (struct fact_link){ .kind = LINK_A, .text = SPAN("here") };
        v->links[i] = (struct store_link){ .found = found, .offer = o, .position = (uint32_t)i, .hop = HOP_LINK };
    }
    v->n_links = n;
}

struct fact_link *storekit_found(struct store_op *op, size_t i)
{
    return (struct fact_link *)(uintptr_t)op->u.visit.links[i].found;
}

void storekit_fetch(struct storekit *k, int64_t url_id, int depth, const char *body,
                    const char *const *urls)
{
    struct store_op *op = storekit_visit(url_id, 1, depth);

    storekit_page(op, "Title", "some text", body);
    storekit_links(op, urls);
    storekit_do(k, op);
    must_work(k, op);
    store_op_free(op);
}

struct store_op *storekit_refill(struct storekit *k, int64_t host_id,
                                 enum store_order order, size_t limit)
{
    struct store_op *op = store_op_new(STORE_REFILL, MIB);

    op->u.refill.host_id = host_id;
    op->u.refill.order = order;
    op->u.refill.from_start = true;
    op->u.refill.limit = limit;
    storekit_do(k, op);
    must_work(k, op);
    return op;
}

/* --- questions -------------------------------------------------------------------- */

static sqlite3_stmt *ask(struct storekit *k, const char *sql, sqlite3 **handle)
{
    sqlite3_stmt *st = NULL;

    BUG_IF(sqlite3_open_v2(k->path, handle, SQLITE_OPEN_READONLY, NULL));
    sqlite3_busy_timeout(*handle, 5000);
    if (sqlite3_prepare_v2(*handle, sql, -1, &st, NULL)) {
        fprintf(stderr, "storekit: %s: %s\n", sql, sqlite3_errmsg(*handle));
        abort();
    }
    return st;
}

int64_t storekit_int(struct storekit *k, const char *sql)
{
    sqlite3 *handle;
    sqlite3_stmt *st = ask(k, sql, &handle);
    int64_t value = INT64_MIN;

    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(handle);
    return value;
}

const char *storekit_text(struct storekit *k, const char *sql, char out[static 512])
{
    sqlite3 *handle;
    sqlite3_stmt *st = ask(k, sql, &handle);

    out[0] = '\0';
    if (sqlite3_step(st) == SQLITE_ROW)
        snprintf(out, 512, "%s",
                 sqlite3_column_type(st, 0) == SQLITE_NULL
                     ? "NULL"
                     : (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(handle);
    return out;
}

int64_t storekit_id(struct storekit *k, const char *url)
{
    char sql[512];
    int64_t id;

    snprintf(sql, sizeof sql, "SELECT id FROM urls WHERE url = '%s'", url);
    id = storekit_int(k, sql);
    return id == INT64_MIN ? 0 : id;
}

int storekit_set_up(void **state)
{
    static struct storekit kit;

    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    *state = &kit;
    return 0;
}

int storekit_tear_down(void **state)
{
    storekit_clear(*state);
    return 0;
}
