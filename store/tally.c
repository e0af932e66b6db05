/* SPDX-License-Identifier: MIT */
#include "store/tally.h"

#include <string.h>

#include "config/map.h"
#include "config/mem.h"

/* Ids that are more than so many, and so many times as many as URLs, are not ours. */
#define SPARSE_FROM  ((int64_t)1 << 24)
#define SPARSE_SHARE 64

struct host_tally {
    int64_t pages, bytes;
};

struct tally {
    int64_t by_state[N_URL_STATES];
    int64_t written[N_URL_STATES]; /* what the file says */
    int64_t requests, pages, bytes, new_urls, last_request_ms;
    int64_t done; /* pages that count for --max-pages: fetched or not modified */
    bool has_run_counts;
    struct idmap hosts; /* host id -> struct host_tally */
};

struct tally *tally_new(void)
{
    struct tally *t = mem_alloc(sizeof *t);

    idmap_init(&t->hosts);
    return t;
}

static void free_value(void *arg, uint64_t id, void *value)
{
    (void)arg;
    (void)id;
    mem_free(value);
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    idmap_each(&t->hosts, free_value, NULL);
    idmap_clear(&t->hosts);
    mem_free(t);
}

enum err tally_load(struct core *c)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT state, n FROM state_count");
    struct tally *t = c->tally;

    while (db_next(c->db, st)) {
        int64_t state = sqlite3_column_int64(st, 0);

        if (state >= 0 && state < N_URL_STATES)
            t->by_state[state] = t->written[state] = db_number(c->db, st, 1, DB_COUNT, "state_count", state);
    }
    return c->db->failed;
}

void tally_add(struct core *c, enum url_state state)
{
    c->tally->by_state[state]++;
    c->tally->new_urls++;
    c->tally->has_run_counts = true;
}

void tally_move(struct core *c, enum url_state from, enum url_state to)
{
    tally_shift(c, from, to, 1);
}

void tally_shift(struct core *c, enum url_state from, enum url_state to, int64_t n)
{
    c->tally->by_state[from] -= n;
    c->tally->by_state[to] += n;
}

void tally_visit(struct core *c, const struct store_visit *v)
{
    struct tally *t = c->tally;
    struct host_tally *host =
        v->host_id ? idmap_get(&t->hosts, (uint64_t)v->host_id) : NULL;

    if (!host && v->host_id) {
        host = mem_alloc(sizeof *host);
        idmap_set(&t->hosts, (uint64_t)v->host_id, host);
    }
    if (host) {
        host->pages += v->counts_as_page;
        host->bytes += v->n_bytes;
    }
    t->requests += v->has_fetch;
    t->pages += v->counts_as_page;
    t->done += v->state == STATE_FETCHED || v->state == STATE_NOT_MODIFIED;
    t->bytes += v->n_bytes;
    if (v->has_fetch)
        t->last_request_ms =
            MAX(t->last_request_ms, v->fetched_at_ms + MAX(v->total_ms, 0));
    t->has_run_counts = true;
}

static void write_host(void *arg, uint64_t id, void *value)
{
    static const char SQL[] =
        "UPDATE OR FAIL hosts SET pages = pages + ?2, bytes = bytes + ?3,"
        " run_pages = CASE WHEN run_id IS ?4 THEN run_pages ELSE 0 END + ?2,"
        " run_id = ?4 WHERE id = ?1";
    struct core *c = arg;
    struct host_tally *host = value;
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, (int64_t)id);
    db_int(c->db, st, 2, host->pages);
    db_int(c->db, st, 3, host->bytes);
    db_int(c->db, st, 4, c->run_id);
    db_run(c->db, st);
    mem_free(host);
}

static void write_run(struct core *c)
{
    static const char SQL[] =
        "UPDATE OR FAIL runs SET requests = requests + ?2, pages = pages + ?3, bytes"
        " = bytes + ?4,"
        " used_pages = used_pages + ?7, used_bytes = used_bytes + ?4, new_urls ="
        " new_urls + ?5,"
        " last_request_at = nullif(max(coalesce(last_request_at, 0), ?6), 0) WHERE"
        " id = ?1";
    struct tally *t = c->tally;
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, c->run_id);
    db_int(c->db, st, 2, t->requests);
    db_int(c->db, st, 3, t->pages);
    db_int(c->db, st, 4, t->bytes);
    db_int(c->db, st, 5, t->new_urls);
    db_int(c->db, st, 6, t->last_request_ms);
    db_int(c->db, st, 7, t->done);
    db_run(c->db, st);
    t->requests = t->done = t->pages = t->bytes = t->new_urls = 0;
    t->has_run_counts = false;
}

static void write_states(struct core *c)
{
    struct tally *t = c->tally;

    for (int i = 0; i < N_URL_STATES; i++) {
        sqlite3_stmt *st;

        if (t->by_state[i] == t->written[i])
            continue;
        st = db_stmt(c->db, "UPDATE OR FAIL state_count SET n = ?2 WHERE state = ?1");
        db_int(c->db, st, 1, i);
        db_int(c->db, st, 2, t->by_state[i]);
        db_run(c->db, st);
        t->written[i] = t->by_state[i];
    }
}

enum err tally_flush(struct core *c)
{
    struct tally *t = c->tally;

    if (t->hosts.len) {
        idmap_each(&t->hosts, write_host, c);
        idmap_clear(&t->hosts);
        idmap_init(&t->hosts);
    }
    if (t->has_run_counts && c->run_id)
        write_run(c);
    write_states(c);
    return c->db->failed;
}

void tally_totals(const struct core *c, int64_t out[N_URL_STATES])
{
    memcpy(out, c->tally->by_state, sizeof c->tally->by_state);
}

bool tally_is_sparse(const struct core *c, int64_t max_id)
{
    int64_t by_state[N_URL_STATES], n = 0;

    tally_totals(c, by_state);
    for (int i = 0; i < N_URL_STATES; i++)
        n += by_state[i];
    return max_id > SPARSE_FROM && max_id / SPARSE_SHARE > n;
}
