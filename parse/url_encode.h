/* SPDX-License-Identifier: MIT */
/*
 * Percent-encoding for the URL modules: one table that says, for every byte,
 * in which sets of the URL standard (section 1.3, "Percent-encoded bytes", and
 * 3.2, "Host miscellaneous") and of RFC 3986 it is. Internal to parse/url*.c
 * and parse/host.c. Pure; nothing here suspends.
 */
#pragma once

#include "config/buf.h"
#include "config/err.h"
#include "config/span.h"

enum {
    /* Percent-encode sets: what must be encoded in that place. */
    URL_ENCODE_C0 = 1u << 0,
    URL_ENCODE_FRAGMENT = 1u << 1,
    URL_ENCODE_QUERY = 1u << 2,
    URL_ENCODE_SPECIAL_QUERY = 1u << 3,
    URL_ENCODE_PATH = 1u << 4,
    URL_ENCODE_USERINFO = 1u << 5,
    /* Forbidden code points. */
    URL_ENCODE_NO_HOST = 1u << 6,
    URL_ENCODE_NO_DOMAIN = 1u << 7,
    /* a-z, 0-9, '-', '.', '_': a domain of these alone needs no rewriting. */
    URL_ENCODE_PLAIN_HOST = 1u << 8,
    /* Where a path that is copied as it stands must be looked at: PATH, '/' and '\'. */
    URL_ENCODE_PATH_STOP = 1u << 9,
    /* RFC 3986 §2.3: the same with and without percent-encoding. */
    URL_ENCODE_UNRESERVED = 1u << 10,
    /* RFC 3986 §3.3, §3.4: allowed raw in a path or query (a pchar, '/' or '?'). */
    URL_ENCODE_RAW = 1u << 11,
};

extern const uint16_t url_encode_sets[256];

static inline bool url_encode_is(char c, unsigned sets)
{
    return (url_encode_sets[(unsigned char)c] & sets) != 0;
}

/* The value of an ASCII hex digit, or -1. */
static inline int url_encode_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = span_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at index i of s stands for, or -1 when there is no such triple. */
static inline int url_encode_triple(struct span s, size_t i)
{
    int hi, lo;

    if (s.len - i < 3 || s.ptr[i] != '%')
        return -1;
    hi = url_encode_hex(s.ptr[i + 1]);
    lo = url_encode_hex(s.ptr[i + 2]);
    return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

/*
 * Appends s with the bytes of set percent-encoded. Every set has all bytes
 * above 0x7E, so text is read as UTF-8 and what is broken in it becomes U+FFFD
 * (Encoding standard, UTF-8 decoder). The errors are buf_append's.
 */
enum err url_encode_append(struct buf *out, struct span s, unsigned set) MUST_USE;

/* As url_encode_append, byte by byte: s is in some other encoding than UTF-8. */
enum err url_encode_append_bytes(struct buf *out, struct span s, unsigned set) MUST_USE;

/* Appends "%XX" in upper case. */
enum err url_encode_append_byte(struct buf *out, unsigned char byte) MUST_USE;

/* Appends s with every "%XX" replaced by its byte (URL standard, "percent-decode"). */
enum err url_encode_decode(struct buf *out, struct span s) MUST_USE;
