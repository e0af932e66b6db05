/* SPDX-License-Identifier: MIT */
/*
 * SQLite's variable-length integers (the file format's chapter on records; FTS5 writes the same): seven bits a byte,
 * the highest first, and the high bit where more follow; a ninth byte has eight.
 */
#pragma once

#include "config/span.h"

#define VARINT_MAX_BYTES 9

/* Writes v of 56 bits or more. */
static inline unsigned char *varint_put_long(unsigned char *out, uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        out[i] = (unsigned char)(0x80 | v >> (57 - 7 * i));
    out[8] = (unsigned char)v;
    return out + VARINT_MAX_BYTES;
}

/* Writes v; behind its last byte. There must be room for VARINT_MAX_BYTES. */
static inline unsigned char *varint_put(unsigned char *out, uint64_t v)
{
    unsigned shift = 0;

    if (v < 0x4000) { /* one byte or two come as they like: no branch to guess wrong */
        bool is_long = v >= 0x80;

        out[0] = (unsigned char)(is_long ? 0x80 | v >> 7 : v);
        out[1] = (unsigned char)(v & 0x7F);
        return out + 1 + is_long;
    }
    if (v >> 56)
        return varint_put_long(out, v);
    while (v >> shift >= 0x80)
        shift += 7;
    for (; shift; shift -= 7)
        *out++ = (unsigned char)(0x80 | v >> shift);
    *out = (unsigned char)(v & 0x7F);
    return out + 1;
}

/* Bytes of the one that begins at p, where a whole one is. */
static inline size_t varint_len(const unsigned char *p)
{
    size_t n = 1;

    while (n < VARINT_MAX_BYTES && p[n - 1] & 0x80)
        n++;
    return n;
}

/* Takes one off the front of *rest. False where none is whole. */
static inline bool varint_take(struct span *rest, uint64_t *out)
{
    uint64_t v = 0;

    for (size_t i = 0; i < MIN(rest->len, (size_t)VARINT_MAX_BYTES); i++) {
        unsigned char c = (unsigned char)rest->ptr[i];

        v = i == VARINT_MAX_BYTES - 1 ? v << 8 | c : v << 7 | (c & 0x7F);
        if (c < 0x80 || i == VARINT_MAX_BYTES - 1) {
            *rest = span_skip(*rest, i + 1);
            *out = v;
            return true;
        }
    }
    return false;
}
