/* SPDX-License-Identifier: MIT */
/*
 * Content codings: gzip, deflate, br, zstd, compress and chains of up to three
 * of them (RFC 9110 §8.4; RFC 1950, 1951, 1952, 7932, 8878). Bytes come from
 * strangers, so the output is counted as it grows: it is cut at the caller's
 * limit, and at 200 times the input once it is over 1 MiB.
 *
 * What servers get wrong is repaired where it is plain what was meant: a body
 * that is readable text although a coding is named, gzip or zstd under another
 * name, deflate with and without its zlib wrapper, bytes behind the end.
 *
 * A decoder owns the libraries' contexts and is used for one body after the
 * other. It belongs to one thread. Nothing here suspends.
 */
#pragma once

#include "config/buf.h"
#include "parse/facts.h"

/* Of the input, once the output is over 1 MiB. */
#define DECODE_MAX_RATIO 200

struct decoder;

/* Never NULL. decode_free gives it back; NULL is fine there. */
struct decoder *decode_new(void) MUST_USE;
void decode_free(struct decoder *d);

/*
 * Takes the codings off wire. content_encoding is the header's value ("gzip",
 * "gzip, br"; empty or "identity": none). Without a coding *out is wire itself;
 * else a view of scratch, which is emptied first; both stay the caller's, and
 * *out is always written.
 *
 * max_bytes bounds *out, coded or not; scratch->max must not be smaller.
 * DECODE_TRUNCATED (the input ends early), DECODE_BAD (broken, or a coding that
 * nobody knows) and DECODE_TOO_LARGE (cut) leave in *out what came before. A
 * lack of memory counts as DECODE_TOO_LARGE.
 */
enum decode_outcome decode_body(struct decoder *d, struct span wire,
                                struct span content_encoding, size_t max_bytes,
                                struct buf *scratch, struct span *out);

/* Does s begin like a gzip file? For sitemaps that are stored compressed. */
bool decode_is_gzip(struct span s);
