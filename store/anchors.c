/* SPDX-License-Identifier: MIT */
#include "store/anchors.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/mem.h"

/* 1.5 MiB: 65,536 texts, in sets of four. */
#define N_SETS ((size_t)16384)
#define WAYS   4

/* Compared by 64 bits of XXH3-128, in a set that others choose: chance does not make two the same. */
struct slot {
    uint64_t tag; /* 0: empty */
    int64_t id;
    uint64_t used; /* the clock at the last look */
};

struct anchors {
    uint64_t secret, clock;
    struct slot slots[N_SETS * WAYS];
};

struct anchors *anchors_new(uint64_t secret)
{
    struct anchors *a = mem_alloc(sizeof *a);

    a->secret = secret;
    return a;
}

void anchors_free(struct anchors *a)
{
    mem_free(a);
}

/* The slot of a text: its own, or the one to take. */
static struct slot *find(struct anchors *a, struct span text, uint64_t *out_tag)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(text.ptr, text.len, a->secret);
    struct slot *set = &a->slots[h.low64 % N_SETS * WAYS], *oldest = set;

    *out_tag = h.high64 ? h.high64 : 1;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].tag == *out_tag)
            return &set[i];
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

int64_t anchors_number(struct core *c, struct span text)
{
    struct slot *slot;
    sqlite3_stmt *st;
    uint64_t tag;

    if (text.len <= ANCHORS_SHORT || c->db->failed)
        return 0;
    slot = find(c->anchors, text, &tag);
    slot->used = ++c->anchors->clock;
    if (slot->tag == tag)
        return slot->id;
    st = db_stmt(c->db, "INSERT INTO anchor (text) VALUES (?1)");
    db_text(c->db, st, 1, text);
    if (db_run(c->db, st))
        return 0;
    slot->tag = tag;
    slot->id = sqlite3_last_insert_rowid(c->db->handle);
    return slot->id;
}

enum err anchors_used_init(struct core *c, struct anchors_used *out)
{
    int64_t max_id = db_value(c->db, "SELECT max(id) FROM anchor", 0);
    size_t size = ((size_t)max_id / 64 + 1) * sizeof *out->bits;

    *out = (struct anchors_used){ .bits = mem_try_alloc(size), .max_id = max_id };
    if (!out->bits)
        return ERR_NO_MEMORY;
    memset(out->bits, 0, size);
    return OK;
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
    memset(c->anchors->slots, 0, sizeof c->anchors->slots);
    return d->failed;
}
