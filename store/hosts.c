/* SPDX-License-Identifier: MIT */
#include "store/hosts.h"

#include <string.h>

#include "config/map.h"
#include "config/mem.h"
#include "parse/digest.h"
#include "store/queue.h"
#include "store/tally.h"

#define MAX_KEY          320
#define MAX_REMEMBERED   100000
#define MAX_ROBOTS_BYTES ((size_t)1 * MIB)
#define MAX_WORD         ((size_t)64)

struct hosts {
    struct map ids; /* "s|port|host" -> id, as a pointer value */
    /* The latest one: links of a page mostly stay on its host. */
    char last[MAX_KEY];
    size_t last_len;
    uint16_t last_port;
    bool last_is_https;
    int64_t last_id;
};

struct hosts *hosts_new(void)
{
    struct hosts *h = mem_alloc(sizeof *h);

    map_init(&h->ids);
    return h;
}

void hosts_free(struct hosts *h)
{
    if (!h)
        return;
    map_clear(&h->ids);
    mem_free(h);
}

static bool is_last(const struct hosts *h, const struct store_offer *o)
{
    return h->last_id && h->last_port == o->port && h->last_is_https == o->is_https &&
           span_eq(span_make(h->last, h->last_len), o->host);
}

static void remember(struct hosts *h, const struct store_offer *o, struct span key,
                     int64_t id)
{
    if (h->ids.len >= MAX_REMEMBERED) {
        map_clear(&h->ids);
        map_init(&h->ids);
    }
    if (!map_get(&h->ids, key))
        map_set(&h->ids, key, (void *)(uintptr_t)id);
    memcpy(h->last, o->host.ptr, o->host.len);
    h->last_len = o->host.len;
    h->last_port = o->port;
    h->last_is_https = o->is_https;
    h->last_id = id;
}

static int64_t find_row(struct db *d, const struct store_offer *o)
{
    sqlite3_stmt *st = db_stmt(
        d, "SELECT id FROM hosts WHERE host = ?1 AND port = ?2 AND scheme = ?3");
    int64_t id = 0;

    db_text(d, st, 1, o->host);
    db_int(d, st, 2, o->port);
    db_text(d, st, 3, o->is_https ? SPAN("https") : SPAN("http"));
    if (db_next(d, st)) {
        id = sqlite3_column_int64(st, 0);
        db_done(st);
    }
    return id;
}

static int64_t insert_row(struct db *d, const struct store_offer *o)
{
    sqlite3_stmt *st =
        db_stmt(d, "INSERT INTO hosts (host, port, scheme) VALUES (?1, ?2, ?3)");

    db_text(d, st, 1, o->host);
    db_int(d, st, 2, o->port);
    db_text(d, st, 3, o->is_https ? SPAN("https") : SPAN("http"));
    return db_run(d, st) ? 0 : sqlite3_last_insert_rowid(d->handle);
}

int64_t hosts_id(struct core *c, const struct store_offer *o)
{
    struct hosts *h = c->hosts;
    char text[MAX_KEY];
    struct span key;
    int64_t id;
    int n;

    if (!o->is_web || !o->host.len || o->host.len > STORE_MAX_HOST)
        return 0;
    if (is_last(h, o))
        return h->last_id;
    n = snprintf(text, sizeof text, "%d|%u|%.*s", o->is_https, o->port,
                 SPAN_ARG(o->host));
    key = span_make(text, (size_t)n);
    id = (int64_t)(uintptr_t)map_get(&h->ids, key);
    if (!id)
        id = find_row(c->db, o);
    if (!id)
        id = insert_row(c->db, o);
    if (id)
        remember(h, o, key, id);
    return id;
}

/* --- state ------------------------------------------------------------------------ */

/* What was stored is no longer than this; the file may be somebody else's. */
static struct span copy_word(struct arena *mem, struct span s)
{
    return arena_copy(mem, span_slice(s, 0, MIN(s.len, MAX_WORD)));
}

static void load_robots(struct core *c, struct store_host_state *s, struct arena *mem)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT fetched_at, expires_at, status_code, outcome, body"
                       " FROM robots WHERE host_id = ?1");

    db_int(c->db, st, 1, s->host_id);
    if (!db_next(c->db, st))
        return;
    s->has_robots = true;
    s->robots_fetched_ms = db_number(c->db, st, 0, DB_COUNT, "robots", s->host_id);
    s->robots_expires_ms = db_number(c->db, st, 1, DB_COUNT, "robots", s->host_id);
    s->robots_status = (int)db_number(c->db, st, 2, DB_SMALL, "robots", s->host_id);
    s->robots_outcome = copy_word(mem, db_column(st, 3));
    s->robots_size = db_column(st, 4).len;
    if ((s->robots_size <= STORE_SMALL_ROBOTS || s->wants_large_robots) &&
        arena_try_copy(mem, db_column(st, 4), &s->robots_body))
        s->has_robots = false; /* too large for the asker: it fetches the file anew */
    db_done(st);
}

enum err hosts_load(struct core *c, struct store_host_state *s, struct arena *mem)
{
    sqlite3_stmt *st;

    tally_flush(c);
    st = db_stmt(
        c->db,
        "SELECT next_fetch_at, backoff_until, failures, crawl_delay_ms, ip,"
        " CASE WHEN run_id = ?2 THEN run_pages ELSE 0 END AS run_pages FROM hosts WHERE id = ?1");
    db_int(c->db, st, 1, s->host_id);
    db_int(c->db, st, 2, c->run_id);
    *s = (struct store_host_state){ .host_id = s->host_id,
                                    .crawl_delay_ms = -1,
                                    .wants_large_robots = s->wants_large_robots };
    if (db_next(c->db, st)) {
        s->next_fetch_ms = db_number(c->db, st, 0, DB_COUNT, "hosts", s->host_id);
        s->backoff_until_ms = db_number(c->db, st, 1, DB_COUNT, "hosts", s->host_id);
        s->failures = (int)db_number(c->db, st, 2, DB_SMALL, "hosts", s->host_id);
        if (sqlite3_column_type(st, 3) != SQLITE_NULL)
            s->crawl_delay_ms = db_number(c->db, st, 3, DB_COUNT, "hosts", s->host_id);
        s->ip = copy_word(mem, db_column(st, 4));
        s->run_pages = db_number(c->db, st, 5, DB_COUNT, "hosts", s->host_id);
        db_done(st);
    }
    load_robots(c, s, mem);
    return c->db->failed;
}

/* Of the text as it is stored, in hex. */
static struct span robots_hash(struct core *c, struct span body,
                               char out[2 * DIGEST_SHA256_BYTES + 1])
{
    unsigned char sha256[DIGEST_SHA256_BYTES];

    enum err e = digest_sha256(c->digest, body, sha256);

    if (e) {
        db_fail(c->db, e, err_text(e));
        return SPAN_NONE;
    }
    for (size_t i = 0; i < sizeof sha256; i++)
        snprintf(out + 2 * i, 3, "%02x", sha256[i]);
    return span_make(out, 2 * sizeof sha256);
}

/* Is there a robots.txt of this host with another text, or one that could not be read? */
static bool has_other_robots(struct core *c, int64_t host_id, struct span sha256)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT 1 FROM robots WHERE host_id = ?1"
                       " AND (sha256 IS NOT ?2 OR outcome = 'unreachable')");
    bool has;

    db_int(c->db, st, 1, host_id);
    db_text(c->db, st, 2, sha256);
    has = db_next(c->db, st);
    if (has)
        db_done(st);
    return has;
}

static void save_robots(struct core *c, struct store_host_state *s)
{
    static const char SQL[] =
        "INSERT OR REPLACE INTO robots (host_id, fetched_at, expires_at,"
        " status_code, outcome,"
        " body, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    struct span sha256 = robots_hash(c, s->robots_body, hex);
    bool is_news = !span_eq(s->robots_outcome, SPAN("unreachable")) &&
                   has_other_robots(c, s->host_id, sha256);
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, s->host_id);
    db_id(c->db, st, 2, s->robots_fetched_ms);
    db_id(c->db, st, 3, s->robots_expires_ms);
    db_id(c->db, st, 4, s->robots_status);
    db_wild_text(c->db, st, 5, s->robots_outcome, MAX_WORD);
    db_wild_text(c->db, st, 6, s->robots_body, MAX_ROBOTS_BYTES);
    db_text(c->db, st, 7, sha256);
    db_run(c->db, st);
    st = db_stmt(
        c->db,
        "UPDATE hosts SET robots_state = ?2, robots_fetched_at = ?3 WHERE id = ?1");
    db_int(c->db, st, 1, s->host_id);
    db_wild_text(c->db, st, 2, s->robots_outcome, MAX_WORD);
    db_id(c->db, st, 3, s->robots_fetched_ms);
    db_run(c->db, st);
    if (is_news)
        queue_requeue_robots(c, s->host_id, &s->n_requeued);
}

enum err hosts_save(struct core *c, struct store_host_state *s)
{
    static const char SQL[] =
        "UPDATE hosts SET next_fetch_at = ?2, backoff_until = ?3, failures = ?4,"
        " crawl_delay_ms = ?5, ip = coalesce(?6, ip) WHERE id = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, s->host_id);
    db_id(c->db, st, 2, s->next_fetch_ms);
    db_id(c->db, st, 3, s->backoff_until_ms);
    db_int(c->db, st, 4, s->failures);
    db_int_or_null(c->db, st, 5, s->crawl_delay_ms);
    db_wild_text(c->db, st, 6, s->ip, MAX_WORD);
    db_run(c->db, st);
    if (s->has_robots)
        save_robots(c, s);
    return c->db->failed;
}

bool hosts_is_ours(const struct store_origin *o)
{
    return o->id > 0 && o->host.len <= STORE_MAX_HOST;
}

bool hosts_origin(struct core *c, int64_t id, struct arena *mem,
                  struct store_origin *out)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT scheme, host, port FROM hosts WHERE id = ?1");
    bool is_ours;

    db_int(c->db, st, 1, id);
    if (!db_next(c->db, st))
        return false;
    *out = (struct store_origin){
        .id = id,
        .is_https = span_eq(db_column(st, 0), SPAN("https")),
        .host = db_column(st, 1),
        .port = (uint16_t)db_number(c->db, st, 2, HOSTS_PORTS, "hosts", id),
    };
    is_ours = !c->db->failed && hosts_is_ours(out);
    if (is_ours)
        out->host = arena_copy(mem, out->host);
    db_done(st);
    return is_ours;
}

enum err hosts_note_sitemaps(struct core *c, int64_t host_id, bool are_read)
{
    sqlite3_stmt *st = db_stmt(c->db, are_read ? "DELETE FROM meta WHERE name = 'unread_sitemaps ' || ?1"
                                               : "INSERT OR REPLACE INTO meta (name, value)"
                                                 " VALUES ('unread_sitemaps ' || ?1, ?1)");

    db_int(c->db, st, 1, host_id);
    return db_run(c->db, st);
}
