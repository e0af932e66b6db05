/* SPDX-License-Identifier: MIT */
/*
 * A view of bytes that somebody else owns: pointer and length, never relying
 * on a NUL. A span is passed by value. {NULL, 0} is the empty span and also
 * stands for "absent" where a header says so. Nothing here allocates.
 */
#pragma once

#include <string.h>

#include "config/base.h"

struct span {
    const char *ptr;
    size_t len;
};

#define SPAN_NONE ((struct span){ NULL, 0 })
/* A span over a string literal. */
#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct span span_make(const char *ptr, size_t len)
{
    return (struct span){ ptr, len };
}

/* A view of a NUL-terminated string; NULL gives SPAN_NONE. */
static inline struct span span_str(const char *str)
{
    return (struct span){ str, str ? strlen(str) : 0 };
}

/* ptr + n; of a NULL pointer, which only an empty span has, not even 0 may be added (C17 6.5.6). */
static inline const char *span_at(const char *ptr, size_t n)
{
    return n ? ptr + n : ptr;
}

/* The bytes [from, to) of s. Both must lie within s. */
static inline struct span span_slice(struct span s, size_t from, size_t to)
{
    BUG_IF(from > to || to > s.len);
    return (struct span){ span_at(s.ptr, from), to - from };
}

/* s without its first n bytes (all of them if n is larger). */
static inline struct span span_skip(struct span s, size_t n)
{
    n = MIN(n, s.len);
    return (struct span){ span_at(s.ptr, n), s.len - n };
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Lower-cases A-Z only; every other byte stays. */
static inline char span_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Space, tab, LF, FF, CR: "ASCII whitespace" of the WHATWG Infra standard. */
static inline bool span_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* Equal but for the case of ASCII letters. */
bool span_eq_nocase(struct span a, struct span b);

bool span_starts(struct span s, struct span prefix);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);

/* Byte order; a prefix sorts first. <0, 0, >0. */
int span_cmp(struct span a, struct span b);

/* Index of the first c, or s.len if there is none. */
size_t span_find(struct span s, char c);

/* Index of the first needle, or s.len if there is none. An empty needle is at 0. */
size_t span_find_span(struct span s, struct span needle);

/* As span_find_span, folding ASCII case. */
size_t span_find_nocase(struct span s, struct span needle);

/* Without ASCII whitespace at both ends. */
struct span span_trim(struct span s);

/*
 * Takes the part of *rest before the next sep into *out and moves *rest past
 * sep. False when nothing is left. "a,,b" gives "a", "", "b"; "a," gives "a".
 */
bool span_split(struct span *rest, char sep, struct span *out);

/*
 * Takes the next run of non-white-space from *rest. False when none is left.
 */
bool span_token(struct span *rest, struct span *out);

/* A whole decimal number, digits only. False on anything else or overflow. */
bool span_parse_u64(struct span s, uint64_t *out);

/* As span_parse_u64 with an optional leading '-'. */
bool span_parse_i64(struct span s, int64_t *out);

/* How many bytes at its start are printable ASCII, 0x20 to 0x7e; s.len when all are. */
size_t span_printable(struct span s);

/* Is s valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF)? */
bool span_is_utf8(struct span s);

/* The longest prefix of at most max bytes that does not cut a UTF-8 sequence (in broken text, max bytes). */
struct span span_clip_utf8(struct span s, size_t max);
