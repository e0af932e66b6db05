/* SPDX-License-Identifier: MIT */
/*
 * Open-addressing hash maps. struct map takes byte strings (copied into the
 * map) to pointers, hashed with a secret seed because keys come from outside;
 * struct idmap takes non-zero 64-bit ids to pointers. Values are borrowed.
 * Inserting may move slots: keep no pointer into a map across a change.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t len, cap; /* cap is a power of two or 0 */
    uint64_t seed;
};

/* Starts empty with a seed from the kernel's random source. */
void map_init(struct map *m);
void map_clear(struct map *m);

/* NULL when absent. */
void *map_get(const struct map *m, struct span key);

/* Sets or replaces; value must not be NULL. Copies key. Aborts without memory. */
void map_set(struct map *m, struct span key, void *value);

/* The removed value, or NULL. */
void *map_remove(struct map *m, struct span key);

/* As map_clear, with free_value for every value, in no order. */
void map_clear_values(struct map *m, void (*free_value)(void *value));

struct idmap_slot;

struct idmap {
    struct idmap_slot *slots;
    size_t len, cap;
};

void idmap_init(struct idmap *m);
void idmap_clear(struct idmap *m);
void *idmap_get(const struct idmap *m, uint64_t id);
void idmap_set(struct idmap *m, uint64_t id, void *value);
void *idmap_remove(struct idmap *m, uint64_t id);
/* The value in slot i (0 <= i < cap), or NULL: for walks that may look things up. */
void *idmap_at(const struct idmap *m, size_t i);
void idmap_each(const struct idmap *m, void (*fn)(void *arg, uint64_t id, void *value),
                void *arg);

/* XXH3-64 of s with a seed. */
uint64_t map_hash(struct span s, uint64_t seed);
