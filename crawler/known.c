/* SPDX-License-Identifier: MIT */
#include "crawler/known.h"

#include <errno.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/mem.h"

#define WAYS       4
#define FIRST_SETS ((size_t)1024)

/* A set of four is two cache lines. */
struct slot {
    uint64_t tag; /* one half of the hash; 0 = empty */
    int64_t id;
    uint32_t place; /* of the other half, which chooses the set */
    int32_t depth;
    uint32_t used; /* the clock value of the last put, for replacement */
    uint8_t reason;
};

/*
 * Linear hashing: while the table is a quarter full (fuller sets would overflow), every
 * new entry splits one set in two, so memory is touched as it fills and no put ever moves more than a
 * set. The slots are reserved at once and cost nothing before.
 */
struct known {
    struct slot *slots;
    size_t n_sets, max_sets;
    size_t mask; /* the smallest 2^n - 1 that numbers every set */
    size_t n_entries;
    uint32_t clock;
    uint64_t seed;
};

static size_t set_number(const struct known *k, uint32_t place)
{
    size_t i = place & k->mask;

    return i < k->n_sets ? i : place & (k->mask >> 1);
}

enum err known_open(size_t max_bytes, struct known **out, struct err_note *note)
{
    struct known *k = mem_alloc(sizeof *k);

    _Static_assert(sizeof(struct slot) == 32, "two a cache line");
    k->max_sets = 1;
    while (k->max_sets * 2 * WAYS * sizeof(struct slot) <= max_bytes &&
           k->max_sets <= UINT32_MAX / 2)
        k->max_sets *= 2;
    k->slots = mem_array(k->max_sets * WAYS, sizeof(struct slot));
    known_forget(k);
    if (getrandom(&k->seed, sizeof k->seed, 0) != (ssize_t)sizeof k->seed) {
        int cause = errno;

        known_close(k);
        return err_set_errno(note, ERR_IO, cause, "no random numbers from the kernel (getrandom)");
    }
    *out = k;
    return OK;
}

void known_close(struct known *k)
{
    if (!k)
        return;
    mem_free(k->slots);
    mem_free(k);
}

static struct slot *set_of(const struct known *k, struct known_key key)
{
    return &k->slots[set_number(k, key.place) * WAYS];
}

static struct known_key key_of(const struct known *k, struct span url)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(url.ptr ? url.ptr : "", url.len, k->seed);

    return (struct known_key){ h.high64 ? h.high64 : 1, (uint32_t)h.low64 };
}

/* One set more: the next in turn gives it what belongs there by one bit more of the place. */
/* Sets are added one after the other: memory for so many at a time. */
static void ready_sets(const struct known *k)
{
    mem_ready(&k->slots[k->n_sets * WAYS],
              MIN(FIRST_SETS, k->max_sets - k->n_sets) * WAYS * sizeof(struct slot));
}

static void split(struct known *k)
{
    struct slot *from, *to;
    size_t n = 0;

    if (k->n_sets > k->mask)
        k->mask = k->mask * 2 + 1;
    if (k->n_sets % FIRST_SETS == 0)
        ready_sets(k);
    from = &k->slots[(k->n_sets & (k->mask >> 1)) * WAYS];
    to = &k->slots[k->n_sets++ * WAYS];
    for (size_t i = 0; i < WAYS; i++) {
        if (!from[i].tag || set_number(k, from[i].place) != k->n_sets - 1)
            continue;
        to[n++] = from[i];
        from[i] = (struct slot){ 0 };
    }
}

struct known_key known_key(const struct known *k, struct span url)
{
    struct known_key key = key_of(k, url);
    const struct slot *set = set_of(k, key);

    __builtin_prefetch(set);
    __builtin_prefetch(set + WAYS / 2);
    return key;
}

bool known_find_key(const struct known *k, struct known_key key, struct known_entry *out)
{
    const struct slot *set = set_of(k, key);

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].tag == key.tag) {
            *out = (struct known_entry){ set[i].id, set[i].depth,
                                         (enum url_reason)set[i].reason };
            return true;
        }
    return false;
}

bool known_find(const struct known *k, struct span url, struct known_entry *out)
{
    return known_find_key(k, key_of(k, url), out);
}

void known_put(struct known *k, struct span url, const struct known_entry *entry)
{
    struct known_key key = key_of(k, url);
    struct slot *set = set_of(k, key), *slot = set;

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].tag == key.tag) {
            slot = &set[i];
            break;
        }
        if (!set[i].tag || (slot->tag && set[i].used < slot->used))
            slot = &set[i];
    }
    k->n_entries += !slot->tag;
    *slot = (struct slot){ .tag = key.tag,
                           .place = key.place,
                           .id = entry->id,
                           .depth = entry->depth,
                           .reason = (uint8_t)entry->reason,
                           .used = ++k->clock };
    if (k->n_entries > k->n_sets && k->n_sets < k->max_sets)
        split(k);
}

void known_forget(struct known *k)
{
    memset(k->slots, 0, k->n_sets * WAYS * sizeof(struct slot));
    k->n_sets = MIN(FIRST_SETS, k->max_sets);
    k->mask = k->n_sets - 1;
    k->n_entries = 0;
}
