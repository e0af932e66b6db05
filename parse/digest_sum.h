/* SPDX-License-Identifier: MIT */
/*
 * SHA-1 and SHA-256 of bytes that lie in several pieces: the digests that WARC
 * records carry. A context belongs to one thread and is used again and again.
 * SHA-1 names payloads here as the format's readers expect; nothing trusts it.
 * Nothing here suspends.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

#define DIGEST_SUM_SHA1_BYTES   20
#define DIGEST_SUM_SHA256_BYTES 32

struct digest_sum;

/* ERR_UNSUPPORTED when the library lacks one of them. The caller owns *out. */
enum err digest_sum_new(struct digest_sum **out) MUST_USE;
void digest_sum_free(struct digest_sum *d); /* NULL is fine */

/*
 * The digest of n pieces, one behind the other (FIPS 180-4). ERR_UNSUPPORTED when the
 * library fails.
 */
enum err digest_sum_sha1(struct digest_sum *d, const struct span *pieces, size_t n,
                         unsigned char out[DIGEST_SUM_SHA1_BYTES]) MUST_USE;
enum err digest_sum_sha256(struct digest_sum *d, const struct span *pieces, size_t n,
                           unsigned char out[DIGEST_SUM_SHA256_BYTES]) MUST_USE;
