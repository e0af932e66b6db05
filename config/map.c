/* SPDX-License-Identifier: MIT */
#include "config/map.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/mem.h"

/* Linear probing, at most 3/4 full, removal by shifting the run back. */
struct map_slot {
    uint64_t hash;
    char *key; /* owned */
    size_t key_len;
    void *value; /* NULL = empty slot */
};

struct idmap_slot {
    uint64_t id; /* 0 = empty slot */
    void *value;
};

uint64_t map_hash(struct span s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.ptr ? s.ptr : "", s.len, seed);
}

void map_init(struct map *m)
{
    *m = (struct map){ 0 };
    if (getrandom(&m->seed, sizeof m->seed, 0) != (ssize_t)sizeof m->seed)
        m->seed = (uint64_t)(uintptr_t)m; /* early boot only: still not guessable */
}

void map_clear(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        mem_free(m->slots[i].key);
    mem_free(m->slots);
    m->slots = NULL;
    m->len = m->cap = 0;
}

static size_t map_find(const struct map *m, struct span key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);

    while (m->slots[i].value) {
        const struct map_slot *s = &m->slots[i];

        if (s->hash == hash && span_eq(span_make(s->key, s->key_len), key))
            break;
        i = (i + 1) & (m->cap - 1);
    }
    return i;
}

void *map_get(const struct map *m, struct span key)
{
    return m->cap ? m->slots[map_find(m, key, map_hash(key, m->seed))].value : NULL;
}

static void map_grow(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t old_cap = m->cap;

    m->cap = old_cap ? old_cap * 2 : 16;
    m->slots = mem_array(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old_cap; i++) {
        size_t j = old[i].hash & (m->cap - 1);

        if (!old[i].value)
            continue;
        while (m->slots[j].value)
            j = (j + 1) & (m->cap - 1);
        m->slots[j] = old[i];
    }
    mem_free(old);
}

void map_set(struct map *m, struct span key, void *value)
{
    uint64_t hash = map_hash(key, m->seed);
    struct map_slot *s;

    BUG_IF(!value);
    if ((m->len + 1) * 4 > m->cap * 3)
        map_grow(m);
    s = &m->slots[map_find(m, key, hash)];
    if (!s->value) {
        s->hash = hash;
        s->key = mem_str_copy(key);
        s->key_len = key.len;
        m->len++;
    }
    s->value = value;
}

void *map_remove(struct map *m, struct span key)
{
    size_t hole, i, mask = m->cap - 1;
    void *value;

    if (!m->cap)
        return NULL;
    hole = map_find(m, key, map_hash(key, m->seed));
    value = m->slots[hole].value;
    if (!value)
        return NULL;
    mem_free(m->slots[hole].key);
    for (i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;

        /* May move back only if its home is not between the hole and itself. */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct map_slot){ 0 };
    m->len--;
    return value;
}

void map_clear_values(struct map *m, void (*free_value)(void *value))
{
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].value)
            free_value(m->slots[i].value);
    map_clear(m);
}

void idmap_init(struct idmap *m)
{
    *m = (struct idmap){ 0 };
}

void idmap_clear(struct idmap *m)
{
    mem_free(m->slots);
    idmap_init(m);
}

static size_t idmap_home(const struct idmap *m, uint64_t id)
{
    return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (m->cap - 1);
}

static size_t idmap_find(const struct idmap *m, uint64_t id)
{
    size_t i = idmap_home(m, id);

    while (m->slots[i].id && m->slots[i].id != id)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *idmap_get(const struct idmap *m, uint64_t id)
{
    return m->cap ? m->slots[idmap_find(m, id)].value : NULL;
}

static void idmap_grow(struct idmap *m)
{
    struct idmap old = *m;

    m->cap = old.cap ? old.cap * 2 : 16;
    m->slots = mem_array(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].id)
            m->slots[idmap_find(m, old.slots[i].id)] = old.slots[i];
    mem_free(old.slots);
}

void idmap_set(struct idmap *m, uint64_t id, void *value)
{
    struct idmap_slot *s;

    BUG_IF(!id || !value);
    if ((m->len + 1) * 4 > m->cap * 3)
        idmap_grow(m);
    s = &m->slots[idmap_find(m, id)];
    if (!s->id)
        m->len++;
    *s = (struct idmap_slot){ id, value };
}

void *idmap_remove(struct idmap *m, uint64_t id)
{
    size_t hole, i, mask = m->cap - 1;
    void *value;

    if (!m->cap)
        return NULL;
    hole = idmap_find(m, id);
    value = m->slots[hole].value;
    if (!m->slots[hole].id)
        return NULL;
    for (i = (hole + 1) & mask; m->slots[i].id; i = (i + 1) & mask) {
        size_t home = idmap_home(m, m->slots[i].id);

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct idmap_slot){ 0 };
    m->len--;
    return value;
}

void *idmap_at(const struct idmap *m, size_t i)
{
    return i < m->cap && m->slots[i].id ? m->slots[i].value : NULL;
}

void idmap_each(const struct idmap *m, void (*fn)(void *arg, uint64_t id, void *value),
                void *arg)
{
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].id)
            fn(arg, m->slots[i].id, m->slots[i].value);
}
