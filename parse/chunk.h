/* SPDX-License-Identifier: MIT */
/*
 * A few bytes at a time, as many as the machine likes: sixteen with SSE2, which every x86-64 has,
 * else eight by parse/bytes8.h. A question about each byte is answered by a mark; the first byte's
 * is the lowest. The answers are exact: no byte's answer depends on another byte.
 */
#pragma once

#include "parse/bytes8.h"

#if defined(__SSE2__) && !defined(CHUNK_PLAIN) /* the tests try both */
#include <emmintrin.h>

#define CHUNK_BYTES     16u
#define CHUNK_MARK_BITS 1u /* from one byte's mark to the next one's */

typedef __m128i chunk;

static inline chunk chunk_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void chunk_store(char *p, chunk w)
{
    _mm_storeu_si128((__m128i *)(void *)p, w);
}

/* The bytes that are c. */
static inline uint64_t chunk_equal(chunk w, char c)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(w, _mm_set1_epi8(c)));
}

/* Those of which the bits of mask are value. */
static inline uint64_t chunk_masked(chunk w, char mask, char value)
{
    return chunk_equal(_mm_and_si128(w, _mm_set1_epi8(mask)), value);
}

/* Those below c, which is ASCII. */
static inline uint64_t chunk_below(chunk w, char c)
{
    __m128i most = _mm_set1_epi8((char)(c - 1));

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(w, most), w));
}

/* Those below c, which is ASCII, and those beyond ASCII. */
static inline uint64_t chunk_below_or_high(chunk w, char c)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(w, _mm_set1_epi8(c)));
}

/* w with each byte that is from replaced by to. */
static inline chunk chunk_replace(chunk w, char from, char to)
{
    __m128i hits = _mm_cmpeq_epi8(w, _mm_set1_epi8(from));

    return _mm_xor_si128(w, _mm_and_si128(hits, _mm_set1_epi8((char)(from ^ to))));
}

/* The marks as bits without gaps. */
static inline uint64_t chunk_bits(uint64_t marks)
{
    return marks;
}

#else

#define CHUNK_BYTES     8u
#define CHUNK_MARK_BITS 8u

typedef uint64_t chunk;

static inline chunk chunk_load(const char *p)
{
    return bytes8_load(p);
}

static inline void chunk_store(char *p, chunk w)
{
    bytes8_store(p, w);
}

static inline uint64_t chunk_equal(chunk w, char c)
{
    return bytes8_equal(w, c);
}

static inline uint64_t chunk_masked(chunk w, char mask, char value)
{
    return bytes8_equal(w & BYTES8((unsigned char)mask), value);
}

static inline uint64_t chunk_below(chunk w, char c)
{
    return bytes8_below(w, (unsigned char)c);
}

static inline uint64_t chunk_below_or_high(chunk w, char c)
{
    return bytes8_below(w, (unsigned char)c) | (w & BYTES8_MARKS);
}

static inline chunk chunk_replace(chunk w, char from, char to)
{
    return w ^ (bytes8_equal(w, from) >> 7) * (unsigned char)(from ^ to);
}

static inline uint64_t chunk_bits(uint64_t marks)
{
    return (marks >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

#endif

/* Index of the first marked byte; there is one. */
static inline size_t chunk_first(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / CHUNK_MARK_BITS;
}

/* Each mark moved to the byte behind it; the last one's is lost. */
static inline uint64_t chunk_behind(uint64_t marks)
{
    return marks << CHUNK_MARK_BITS & (UINT64_MAX >> (64 - CHUNK_BYTES * CHUNK_MARK_BITS));
}

/* The mark of the last byte, as one of the first byte. */
static inline uint64_t chunk_last(uint64_t marks)
{
    return marks >> (CHUNK_BYTES - 1) * CHUNK_MARK_BITS;
}
