/* SPDX-License-Identifier: MIT */
#include "store/seen.h"

#include <string.h>

#include "config/map.h"
#include "config/mem.h"

/* Sets of four: one look touches two cache lines at most. */
#define WAYS       4
#define FIRST_SETS ((size_t)1 << 10)
#define CHECK_BITS 24
#define MAX_ID     (((int64_t)1 << 40) - 1)

struct seen_entry { /* 32 bytes */
    uint64_t hash;
    uint64_t id_check; /* id << 24 | check; 0 = empty */
    int64_t parent_id;
    uint32_t host_id;
    uint16_t depth;
    uint8_t state;
    uint8_t reason;
};

struct seen {
    uint64_t secret;
    struct seen_entry *by_key;
    uint32_t *by_id; /* as long: place in by_key plus 1, where that has the id (0: nowhere) */
    size_t n_sets, max_sets;
    size_t n_added; /* an upper bound of what is in it */
};

static void allocate(struct seen *s, size_t n_sets)
{
    s->n_sets = n_sets;
    s->by_key = mem_array(n_sets * WAYS, sizeof *s->by_key);
    s->by_id = mem_array(n_sets * WAYS, sizeof *s->by_id);
    /* What was in the one before, or is found first, lies everywhere in it. */
    mem_ready(s->by_key, n_sets * WAYS * sizeof *s->by_key);
    mem_ready(s->by_id, n_sets * WAYS * sizeof *s->by_id);
}

struct seen *seen_new(uint64_t secret, size_t max_bytes)
{
    struct seen *s = mem_alloc(sizeof *s);

    _Static_assert(sizeof(struct seen_entry) == 32, "two a cache line");
    s->secret = secret;
    s->max_sets = FIRST_SETS;
    while (s->max_sets * 2 * WAYS * (sizeof *s->by_key + sizeof *s->by_id) <= max_bytes &&
           s->max_sets * 2 * WAYS < UINT32_MAX)
        s->max_sets *= 2;
    allocate(s, FIRST_SETS);
    return s;
}

void seen_free(struct seen *s)
{
    if (!s)
        return;
    mem_free(s->by_key);
    mem_free(s->by_id);
    mem_free(s);
}

/* Everything before the path of "scheme://host:port/path"; the whole of anything else. */
static struct span origin_of(struct span key)
{
    size_t colon = span_find(key, ':'), end = colon + 3;

    if (!span_starts(span_skip(key, colon), SPAN("://")))
        return key;
    while (end < key.len && key.ptr[end] != '/' && key.ptr[end] != '?')
        end++;
    return span_slice(key, 0, end);
}

#define OF_WHOLE (UINT64_MAX >> SEEN_ORIGIN_BITS)

uint64_t seen_first_hash(uint64_t secret, struct span key)
{
    return map_hash(origin_of(key), secret) & ~OF_WHOLE;
}

uint64_t seen_hash(uint64_t secret, struct span key)
{
    return seen_first_hash(secret, key) | (map_hash(key, secret) & OF_WHOLE);
}

struct seen_key seen_key(const struct seen *s, struct span key)
{
    uint64_t hash = seen_hash(s->secret, key);
    uint64_t check = map_hash(key, s->secret ^ UINT64_C(0x9E3779B97F4A7C15));

    return (struct seen_key){ hash, (uint32_t)(check >> (64 - CHECK_BITS)) };
}

static struct seen_entry *set_of(const struct seen *s, uint64_t hash)
{
    return &s->by_key[(hash & (s->n_sets - 1)) * WAYS];
}

static uint32_t *slot_of(const struct seen *s, int64_t id)
{
    return &s->by_id[(uint64_t)id & (s->n_sets * WAYS - 1)];
}

static bool has_id(const struct seen_entry *entry, int64_t id)
{
    return entry->id_check >> CHECK_BITS == (uint64_t)id;
}

static void load(const struct seen_entry *entry, struct seen_row *out)
{
    *out = (struct seen_row){
        .id = (int64_t)(entry->id_check >> CHECK_BITS),
        .key_hash = entry->hash,
        .host_id = entry->host_id,
        .parent_id = entry->parent_id,
        .depth = entry->depth,
        .state = entry->state,
        .reason = entry->reason,
    };
}

/* Rows that do not fit the compact form are not remembered; the index knows them. */
static bool fits(const struct seen_row *row)
{
    return row->id > 0 && row->id <= MAX_ID && row->host_id >= 0 &&
           row->host_id <= UINT32_MAX && row->depth >= 0 && row->depth <= UINT16_MAX;
}

static struct seen_entry pack(struct seen_key key, const struct seen_row *row)
{
    return (struct seen_entry){
        .hash = key.hash,
        .id_check = (uint64_t)row->id << CHECK_BITS | key.check,
        .parent_id = row->parent_id,
        .host_id = (uint32_t)row->host_id,
        .depth = (uint16_t)row->depth,
        .state = row->state,
        .reason = row->reason,
    };
}

bool seen_find(const struct seen *s, struct seen_key key, struct seen_row *out)
{
    const struct seen_entry *set = set_of(s, key.hash);
    uint32_t mask = ((uint32_t)1 << CHECK_BITS) - 1;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].hash != key.hash || !set[i].id_check ||
            (set[i].id_check & mask) != key.check)
            continue;
        load(&set[i], out);
        return true;
    }
    return false;
}

bool seen_find_id(const struct seen *s, int64_t id, struct seen_row *out)
{
    uint32_t at = *slot_of(s, id);

    if (!at || !has_id(&s->by_key[at - 1], id))
        return false;
    load(&s->by_key[at - 1], out);
    return true;
}

/* The entry's place: its own, an empty one, or one picked by other bits of the hash. */
static struct seen_entry *place(const struct seen *s, const struct seen_entry *entry)
{
    struct seen_entry *set = set_of(s, entry->hash);

    for (int i = 0; i < WAYS; i++)
        if (set[i].id_check >> CHECK_BITS == entry->id_check >> CHECK_BITS ||
            !set[i].id_check)
            return &set[i];
    return &set[entry->hash >> 62];
}

static void insert(struct seen *s, const struct seen_entry *entry)
{
    struct seen_entry *at = place(s, entry);

    *at = *entry;
    *slot_of(s, (int64_t)(entry->id_check >> CHECK_BITS)) = (uint32_t)(at - s->by_key) + 1;
}

static void grow(struct seen *s)
{
    struct seen old = *s;

    allocate(s, old.n_sets * 2);
    for (size_t i = 0; i < old.n_sets * WAYS; i++)
        if (old.by_key[i].id_check)
            insert(s, &old.by_key[i]);
    mem_free(old.by_key);
    mem_free(old.by_id);
}

void seen_put(struct seen *s, struct seen_key key, const struct seen_row *row)
{
    struct seen_entry entry;

    if (!fits(row))
        return;
    if (++s->n_added > s->n_sets * 3 / 2 && s->n_sets < s->max_sets)
        grow(s);
    entry = pack(key, row);
    insert(s, &entry);
}

void seen_update(struct seen *s, uint64_t hash, const struct seen_row *row)
{
    struct seen_entry *set = set_of(s, hash);

    if (!fits(row)) {
        seen_forget_all(s);
        return;
    }
    for (int i = 0; i < WAYS; i++) {
        struct seen_key key = { hash,
                                set[i].id_check & (((uint32_t)1 << CHECK_BITS) - 1) };

        if (has_id(&set[i], row->id))
            set[i] = pack(key, row);
    }
}

void seen_forget_all(struct seen *s)
{
    memset(s->by_key, 0, s->n_sets * WAYS * sizeof *s->by_key);
    memset(s->by_id, 0, s->n_sets * WAYS * sizeof *s->by_id);
    s->n_added = 0;
}
