/* SPDX-License-Identifier: MIT */
#include "store/anchors.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/mem.h"
#include "store/links.h"

/* 1 MiB: 65,536 texts, in sets of four. */
#define N_SETS ((size_t)16384)
#define WAYS   4
#define LINE   ((size_t)64)
/* A bit each is 4 GiB of addresses at most; ours rise by one a text. */
#define MAX_NUMBERS ((int64_t)1 << 35)

/*
 * Compared by 64 bits of XXH3-128, in a set that others choose: chance does not make two the same. One line of the
 * cache, the text that was looked at last in front.
 */
struct set {
    uint64_t tags[WAYS]; /* 0: empty */
    int64_t ids[WAYS];
};

struct anchors {
    uint64_t secret;
    struct set *sets; /* within memory, where a line begins */
    char memory[N_SETS * sizeof(struct set) + LINE];
};

struct anchors *anchors_new(uint64_t secret)
{
    struct anchors *a = mem_alloc(sizeof *a);

    _Static_assert(sizeof(struct set) == LINE, "a set a cache line");
    a->secret = secret;
    a->sets = (struct set *)(((uintptr_t)a->memory + LINE - 1) & ~(uintptr_t)(LINE - 1));
    return a;
}

void anchors_free(struct anchors *a)
{
    mem_free(a);
}

static struct set *set_of(const struct core *c, struct anchors_key key)
{
    return &c->anchors->sets[key.place % N_SETS];
}

struct anchors_key anchors_key(const struct core *c, struct span text)
{
    struct anchors_key key = { 0, 0 };
    XXH128_hash_t h;

    if (text.len <= ANCHORS_SHORT)
        return key;
    h = XXH3_128bits_withSeed(text.ptr, text.len, c->anchors->secret);
    key = (struct anchors_key){ h.high64 ? h.high64 : 1, h.low64 };
    __builtin_prefetch(set_of(c, key), 1);
    return key;
}

/* Puts it in front of the first n, which move up by one. */
static void put_first(struct set *set, size_t n, uint64_t tag, int64_t id)
{
    for (size_t i = n; i > 0; i--) {
        set->tags[i] = set->tags[i - 1];
        set->ids[i] = set->ids[i - 1];
    }
    set->tags[0] = tag;
    set->ids[0] = id;
}

int64_t anchors_number(struct core *c, struct anchors_key key, struct span text)
{
    struct set *set = set_of(c, key);
    sqlite3_stmt *st;
    int64_t id;

    if (!key.tag || c->db->failed)
        return 0;
    for (size_t i = 0; i < WAYS; i++) {
        if (set->tags[i] != key.tag)
            continue;
        id = set->ids[i];
        put_first(set, i, key.tag, id);
        return id;
    }
    st = db_stmt(c->db, "INSERT INTO anchor (text) VALUES (?1)");
    db_text(c->db, st, 1, text);
    if (db_run(c->db, st))
        return 0;
    id = sqlite3_last_insert_rowid(c->db->handle);
    put_first(set, WAYS - 1, key.tag, id);
    return id;
}

bool anchors_may_be_loose(const struct core *c)
{
    return links_were_removed(c) || db_value(c->db, "SELECT min(id) FROM runs", 0) != c->run_id;
}

enum err anchors_used_init(struct core *c, struct anchors_used *out)
{
    int64_t max_id = MAX(db_value(c->db, "SELECT max(id) FROM anchor", 0), 0);

    *out = (struct anchors_used){ .max_id = max_id };
    if (max_id < MAX_NUMBERS)
        out->bits = mem_try_zeroed(((size_t)max_id / 64 + 1) * sizeof *out->bits);
    return out->bits ? OK : ERR_NO_MEMORY;
}

void anchors_used_clear(struct anchors_used *u)
{
    mem_free(u->bits);
}

void anchors_used_add(struct anchors_used *u, int64_t id)
{
    uint64_t bit = UINT64_C(1) << (id & 63);

    if (id <= 0 || id > u->max_id)
        return;
    u->n += !(u->bits[id / 64] & bit);
    u->bits[id / 64] |= bit;
}

static void is_used(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct anchors_used *u = sqlite3_user_data(ctx);
    int64_t id = sqlite3_value_int64(argv[0]);

    (void)argc;
    sqlite3_result_int(ctx,
                       id > u->max_id || (id > 0 && u->bits[id / 64] >> (id & 63) & 1));
}

enum err anchors_prune(struct core *c, struct anchors_used *u)
{
    struct db *d = c->db;

    if (db_value(d, "SELECT count(*) FROM anchor", 0) <= 2 * u->n || d->failed)
        return d->failed;
    if (sqlite3_create_function(d->handle, "is_used_anchor", 1, SQLITE_UTF8, u, is_used,
                                NULL, NULL))
        return db_fail(d, ERR_NO_MEMORY, "cannot remove texts that no link has");
    db_exec(d, "DELETE FROM anchor WHERE NOT is_used_anchor(id)");
    sqlite3_create_function(d->handle, "is_used_anchor", 1, SQLITE_UTF8, NULL, NULL,
                            NULL, NULL);
    memset(c->anchors->sets, 0, N_SETS * sizeof *c->anchors->sets);
    return d->failed;
}

/* --- without metrics ---------------------------------------------------------------------- */

/* Links between two looks at stop. */
#define LOOK_EVERY 65536

static enum err read_links(struct core *c, const atomic_bool *stop, struct anchors_used *out)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT anchor_id FROM outlink NOT INDEXED WHERE anchor_id IS NOT NULL");
    bool is_stopped = false;

    for (size_t n = 1; !is_stopped && db_next(c->db, st); n++) {
        anchors_used_add(out, sqlite3_column_int64(st, 0));
        is_stopped = n % LOOK_EVERY == 0 && stop && atomic_load(stop);
    }
    db_done(st);
    return is_stopped ? ERR_CANCELLED : OK;
}

static void note_used(struct core *c, int64_t n)
{
    sqlite3_stmt *st = db_stmt(c->db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('anchors_used', ?1)");

    db_int(c->db, st, 1, n);
    db_run(c->db, st);
}

enum err anchors_tidy(struct core *c, const atomic_bool *stop, enum err *skipped)
{
    static const char IS_DUE[] =
        "SELECT count(*) > 2 * coalesce((SELECT value FROM meta WHERE name = 'anchors_used'), 0) FROM anchor";
    struct anchors_used used = { 0 };

    *skipped = OK;
    if (!anchors_may_be_loose(c) || !db_value(c->db, IS_DUE, 0))
        return c->db->failed;
    *skipped = anchors_used_init(c, &used);
    if (!*skipped)
        *skipped = read_links(c, stop, &used);
    if (!*skipped && !c->db->failed) {
        anchors_prune(c, &used);
        note_used(c, used.n);
    }
    anchors_used_clear(&used);
    return c->db->failed;
}
