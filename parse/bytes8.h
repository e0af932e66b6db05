/* SPDX-License-Identifier: MIT */
/*
 * Eight bytes at a time in plain C. A byte that a question is true of is marked
 * in its high bit, all other bits are 0; the first byte is the lowest, on every
 * machine. The answers are exact: no byte's answer depends on another byte.
 */
#pragma once

#include <endian.h>
#include <string.h>

#include "config/base.h"

/* c in each byte. */
#define BYTES8(c) (UINT64_C(0x0101010101010101) * (uint64_t)(c))

#define BYTES8_MARKS BYTES8(0x80)

static inline uint64_t bytes8_load(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

/* The n < 8 bytes at p, and zeros behind them. */
static inline uint64_t bytes8_load_few(const char *p, size_t n)
{
    uint32_t head, tail;
    uint16_t first, last;

    if (n < 2)
        return n ? (unsigned char)*p : 0;
    if (n < 4) {
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + n - sizeof last, sizeof last);
        return le16toh(first) | (uint64_t)le16toh(last) << 8 * (n - sizeof last);
    }
    memcpy(&head, p, sizeof head);
    memcpy(&tail, p + n - sizeof tail, sizeof tail);
    return le32toh(head) | (uint64_t)le32toh(tail) << 8 * (n - sizeof tail);
}

static inline void bytes8_store(void *p, uint64_t w)
{
    w = htole64(w);
    memcpy(p, &w, sizeof w);
}

/* The bytes that are zero. */
static inline uint64_t bytes8_zero(uint64_t w)
{
    return ~(((w & ~BYTES8_MARKS) + BYTES8(0x7F)) | w) & BYTES8_MARKS;
}

/* The bytes that are c. */
static inline uint64_t bytes8_equal(uint64_t w, char c)
{
    return bytes8_zero(w ^ BYTES8((unsigned char)c));
}

/* The bytes below c, which is ASCII. */
static inline uint64_t bytes8_below(uint64_t w, unsigned char c)
{
    return ~(((w & ~BYTES8_MARKS) + BYTES8(0x80 - c)) | w) & BYTES8_MARKS;
}

/* Index of the first marked byte; there is one. */
static inline size_t bytes8_first(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

/* How many are marked. */
static inline unsigned bytes8_count(uint64_t marks)
{
    return (unsigned)((marks >> 7) * BYTES8(1) >> 56);
}

/* All bits of the bytes before the n-th, which is at most the seventh. */
static inline uint64_t bytes8_before(size_t n)
{
    return (UINT64_C(1) << 8 * n) - 1;
}
