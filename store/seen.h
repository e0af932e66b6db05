/* SPDX-License-Identifier: MIT */
/*
 * The writer's memory of rows of the table url: a bounded cache in front of
 * the index on key_hash, and a second one by id for offers whose row the loop
 * knows. It holds all that deciding about a known URL needs, so nine links of
 * ten cost no look-up in the database.
 *
 * Invariant: an entry equals its row. Whoever changes state, reason or depth
 * of a row calls seen_put, seen_update or seen_forget_all. Keys are told apart by the 64
 * bits of the column key_hash, 16 of them of the origin, and 24 bits of a second hash, all
 * with the file's secret.
 */
#pragma once

#include "config/span.h"
#include "store/vocab.h"

struct seen;

/*
 * The value of url.key_hash for a normalised URL: 16 bits of its origin (all before the path)
 * and 48 of the whole. So what a site has lies side by side in the index: a page with a
 * hundred new links to its own site changes a page or two of the file, not a hundred.
 */
#define SEEN_ORIGIN_BITS 16
/* Schemas before this one took all 64 bits of the whole. */
#define SEEN_HASH_SINCE 4
uint64_t seen_hash(uint64_t secret, struct span key);
/* The least of the origin that key has. */
uint64_t seen_first_hash(uint64_t secret, struct span key);

struct seen_key {
    uint64_t hash;  /* column key_hash, as unsigned */
    uint32_t check; /* 24 bits, in memory only */
};

struct seen_row {
    int64_t id;
    uint64_t key_hash; /* written by seen_find and seen_find_id; who puts a row says it with the key */
    int64_t host_id;
    int64_t parent_id;
    int32_t depth;
    uint8_t state;  /* enum url_state */
    uint8_t reason; /* enum url_reason; REASON_NONE unless excluded */
};

/* Grows up to max_bytes (a power of two is used), then forgets. */
struct seen *seen_new(uint64_t secret, size_t max_bytes);
/* NULL is fine. */
void seen_free(struct seen *s);

/* The key of a normalised URL. */
struct seen_key seen_key(const struct seen *s, struct span key);

/* False when not in memory. */
bool seen_find(const struct seen *s, struct seen_key key, struct seen_row *out);
/* The same by row id. */
bool seen_find_id(const struct seen *s, int64_t id, struct seen_row *out);

/* Adds or replaces. */
void seen_put(struct seen *s, struct seen_key key, const struct seen_row *row);

/* Updates the row with this id where it is in memory; hash is its column key_hash. */
void seen_update(struct seen *s, uint64_t hash, const struct seen_row *row);

/* Empties it: after a change of many rows at once. */
void seen_forget_all(struct seen *s);
