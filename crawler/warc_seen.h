/* SPDX-License-Identifier: MIT */
/*
 * Payloads that were written before, by their digest: so that the same bytes
 * under another URL, or again under the same, become a short revisit record.
 * A fixed number of places; a newer payload takes the place of an older one,
 * so memory is bounded and at worst a payload is written once more.
 */
#pragma once

#include "config/span.h"

struct warc_seen;

/* Where a payload was written. */
struct warc_seen_at {
    struct span uri; /* valid until the next warc_seen_add */
    int64_t date_ms;
};

struct warc_seen *warc_seen_new(size_t n_places);
void warc_seen_free(struct warc_seen *s); /* NULL is fine */

/* digest: text of a digest. False when it is not known (any more). */
bool warc_seen_find(const struct warc_seen *s, struct span digest,
                    struct warc_seen_at *out);

/*
 * Remembers it; URIs longer than 2 KiB and digests longer than 63 bytes are not worth
 * it.
 */
void warc_seen_add(struct warc_seen *s, struct span digest, struct span uri,
                   int64_t date_ms);
