/* SPDX-License-Identifier: MIT */
#include "crawler/known.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/mem.h"

#define WAYS 4

/* A set of four is two cache lines; the tag is one half of the hash, the other one chooses the set. */
struct slot {
    uint64_t tag; /* 0 = empty */
    int64_t id;
    int32_t depth;
    uint8_t reason;
    uint32_t used; /* the clock value of the last put, for replacement */
};

struct known {
    struct slot *slots;
    size_t set_mask;
    uint32_t clock;
    uint64_t seed;
};

enum err known_open(size_t max_bytes, struct known **out)
{
    struct known *k = mem_alloc(sizeof *k);
    size_t sets = 1;

    while (sets * 2 * WAYS * sizeof(struct slot) <= max_bytes)
        sets *= 2;
    k->set_mask = sets - 1;
    k->slots = mem_array(sets * WAYS, sizeof(struct slot)); /* touched as it fills */
    if (getrandom(&k->seed, sizeof k->seed, 0) != (ssize_t)sizeof k->seed) {
        known_close(k);
        return ERR_IO;
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

static struct slot *find_set(const struct known *k, struct span url, uint64_t *out_tag)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(url.ptr ? url.ptr : "", url.len, k->seed);

    *out_tag = h.high64 ? h.high64 : 1;
    return &k->slots[(h.low64 & k->set_mask) * WAYS];
}

bool known_find(const struct known *k, struct span url, struct known_entry *out)
{
    uint64_t tag;
    const struct slot *set = find_set(k, url, &tag);

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].tag == tag) {
            *out = (struct known_entry){ set[i].id, set[i].depth,
                                         (enum url_reason)set[i].reason };
            return true;
        }
    return false;
}

void known_put(struct known *k, struct span url, const struct known_entry *entry)
{
    uint64_t tag;
    struct slot *set = find_set(k, url, &tag);
    size_t victim = 0;

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].tag == tag || !set[i].tag) {
            victim = i;
            break;
        }
        if (set[i].used < set[victim].used)
            victim = i;
    }
    set[victim] = (struct slot){ .tag = tag,
                                 .id = entry->id,
                                 .depth = entry->depth,
                                 .reason = (uint8_t)entry->reason,
                                 .used = ++k->clock };
}

void known_forget(struct known *k)
{
    memset(k->slots, 0, (k->set_mask + 1) * WAYS * sizeof(struct slot));
}
