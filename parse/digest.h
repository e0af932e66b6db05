/* SPDX-License-Identifier: MIT */
/*
 * The two fingerprints of a page: SHA-256 of its decoded body, which changes
 * with any byte, and a simhash of its visible text, which hardly changes when
 * little does (Charikar 2002; Manku, Jain, Das Sarma 2007). Both are linear.
 * Nothing here suspends.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

#define DIGEST_SHA256_BYTES 32
/* Texts whose simhashes differ in so many bits or fewer count as near-duplicates. */
#define DIGEST_NEAR_BITS 3

struct digest;

/*
 * Makes a hashing context, for one thread. libcrypto looks up the algorithm
 * here and never again, so a worker calls this before it enters its sandbox.
 * ERR_NO_MEMORY, or ERR_UNSUPPORTED when the library has no SHA-256. The caller owns *out.
 */
enum err digest_new(struct digest **out) MUST_USE;
void digest_free(struct digest *d); /* NULL is fine */

/* SHA-256 (FIPS 180-4) of s. ERR_NO_MEMORY. */
enum err digest_sha256(struct digest *d, struct span s,
                       unsigned char out[DIGEST_SHA256_BYTES]) MUST_USE;

/*
 * The simhash of UTF-8 text; 0 when it has no words. The features are the words:
 * letters and digits in a row, case folded (ASCII, Latin, Greek, Cyrillic), each
 * run of digits alike, so that dates and counters do not count. A word weighs as
 * often as it stands there, at most about six times, so that "the" and "of" do
 * not drown the others. Chinese, Japanese and Thai, which have no spaces, give
 * pairs of neighbouring characters instead. Order hardly matters: a text whose
 * paragraphs were moved is a near-duplicate.
 */
uint64_t digest_simhash(struct span text);

/* In how many bits two simhashes differ. */
static inline int digest_distance(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a ^ b);
}
