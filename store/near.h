/* SPDX-License-Identifier: MIT */
/*
 * Pages with nearly the same text: those whose 64-bit fingerprints differ in at
 * most three bits. Pure computation; knows no database.
 *
 * Two such fingerprints agree in one of their four 16-bit parts at least, so
 * only pages that agree in a part are compared. Where many do, the other 48 bits
 * are cut into four parts again, and in what still lies together each is compared
 * with the 128 that follow it in numeric order: time is bounded also for
 * fingerprints that were made to agree, at the price of what such a pile hides.
 */
#pragma once

#include <stdatomic.h>

#include "config/err.h"

#define NEAR_BITS 3
/* Pairs told of each page (with pages of larger ids). */
#define NEAR_MAX_PAIRS 32

struct near_page {
    uint64_t simhash; /* not 0 */
    uint64_t body;    /* equal for pages with equal bodies; 0 = not known */
    uint32_t id;
    uint32_t
        cluster; /* out: the smallest id of those it belongs to, directly or through others; 0 = alone */
};

/* a < b. Of pages with equal bodies only the one with the smallest id is in any. */
struct near_pair {
    uint32_t a, b;
    uint8_t distance;
};

struct near_result {
    struct near_pair *pairs; /* by a, then b; free with mem_free */
    size_t n_pairs;
    size_t n_clusters;
};

/*
 * Sorts pages (by fingerprint) and fills their clusters. ERR_NO_MEMORY; ERR_CANCELLED soon
 * after *stop became true (NULL: never). On error *out holds nothing.
 */
enum err near_find(struct near_page *pages, size_t n, const atomic_bool *stop,
                   struct near_result *out) MUST_USE;
