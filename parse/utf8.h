/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 at the speed of memory: finding the first bad byte, decoding one
 * character, and repairing. "Valid" is the Encoding standard's UTF-8 decoder
 * (no surrogates, no overlong forms, at most U+10FFFF); what is not becomes one
 * U+FFFD for each maximal subpart (Unicode 3.9, table 3-8). NUL is a character
 * like any other. Nothing here suspends, allocates or keeps state.
 */
#pragma once

#include "config/buf.h"

#define UTF8_REPLACEMENT 0xFFFDu

/* How many bytes at the start of s are valid; s.len when all are. */
size_t utf8_valid_prefix(struct span s);

/* How many bytes at the start of s are ASCII; s.len when all are. */
size_t utf8_ascii_prefix(struct span s);

/*
 * The length of the valid sequence at the start of s, its code point in *out;
 * when there is none, the length of the maximal subpart (at least 1) and
 * U+FFFD. s must not be empty.
 */
size_t utf8_decode(struct span s, uint32_t *out);

/* Appends s with U+FFFD for what is broken. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err utf8_repair(struct span s, struct buf *out) MUST_USE;

/* Writes one code point (not a surrogate) at p, which has room for 4 bytes; returns the end. */
static inline char *utf8_put(char *p, uint32_t code_point)
{
    if (code_point < 0x80) {
        *p++ = (char)code_point;
    } else if (code_point < 0x800) {
        *p++ = (char)(0xC0 | code_point >> 6);
        *p++ = (char)(0x80 | (code_point & 0x3F));
    } else if (code_point < 0x10000) {
        *p++ = (char)(0xE0 | code_point >> 12);
        *p++ = (char)(0x80 | (code_point >> 6 & 0x3F));
        *p++ = (char)(0x80 | (code_point & 0x3F));
    } else {
        *p++ = (char)(0xF0 | code_point >> 18);
        *p++ = (char)(0x80 | (code_point >> 12 & 0x3F));
        *p++ = (char)(0x80 | (code_point >> 6 & 0x3F));
        *p++ = (char)(0x80 | (code_point & 0x3F));
    }
    return p;
}
