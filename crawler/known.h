/* SPDX-License-Identifier: MIT */
/*
 * The loop's memory of URLs it has met: a bounded cache from the hash of a
 * serialised URL to its row. Nine links of ten on a site point at pages already
 * known; for those this saves parsing, deciding and a look-up in the database.
 *
 * A miss means only "ask the store". An entry carries the reason and the depth last put, and the latter only falls in
 * the store. Left out are rows that a later link could change in ways that nobody but the store can tell; of those that
 * are excluded for kind or nofollow discover.c knows which links change nothing. Keys are compared by
 * 64 bits of XXH3-128 with a secret seed, inside a set of four that the other 64
 * choose, so pages cannot make them collide and chance practically does not.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"
#include "store/vocab.h"

struct known;

struct known_entry {
    int64_t id;
    int32_t depth;
    enum url_reason reason; /* why it is excluded; REASON_NONE: it is not */
};

/* Takes at most max_bytes of memory, as it fills. ERR_IO when the kernel gives no random seed. */
enum err known_open(size_t max_bytes, struct known **out, struct err_note *note) MUST_USE;
void known_close(struct known *k);

/* False when not in the cache. */
bool known_find(const struct known *k, struct span url, struct known_entry *out);

/*
 * The same in two steps, for who has many to look up: the key of a URL, after which memory is being read that
 * known_find_key will need. It takes longer than the look, so some others' keys go between. A key stays good.
 */
struct known_key {
    uint64_t tag;
    uint32_t place;
};
struct known_key known_key(const struct known *k, struct span url);
bool known_find_key(const struct known *k, struct known_key key, struct known_entry *out);

/* Adds or updates; may push out another entry. */
void known_put(struct known *k, struct span url, const struct known_entry *entry);

/* Forgets everything: the rules by which URLs were excluded have changed. */
void known_forget(struct known *k);
