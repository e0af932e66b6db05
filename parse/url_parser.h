/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the general URL parser share: the state of one parse
 * and the questions both ask. Internal to parse/url_state.c (scheme, authority,
 * relative and file states) and parse/url_path.c (path, query and fragment).
 *
 * Invariants:
 * 1. Parts are appended to out in the order of the serialisation.
 * 2. u notes where each part begins; out's cap keeps the offsets in 32 bits.
 * 3. A span named rest is what is still to be read of the input.
 */
#pragma once

#include "config/buf.h"
#include "parse/url.h"

struct url_parser_query {
    url_query_encoder *encode; /* NULL: UTF-8 */
    void *arg;
};

struct url_parser {
    const struct url *base; /* NULL without one */
    const struct url_parser_query *query;
    struct buf out;
    struct url u;
};

/* The offset of what is appended next. */
static inline uint32_t url_parser_here(const struct url_parser *p)
{
    return (uint32_t)p->out.len;
}

/* URL standard, "is special". */
static inline bool url_parser_is_special(const struct url_parser *p)
{
    return p->u.scheme != URL_OTHER;
}

/* '/', and in special URLs also '\'. */
static inline bool url_parser_is_slash(const struct url_parser *p, char c)
{
    return c == '/' || (c == '\\' && url_parser_is_special(p));
}

/* Does s begin with such a slash? */
static inline bool url_parser_at_slash(const struct url_parser *p, struct span s)
{
    return s.len && url_parser_is_slash(p, s.ptr[0]);
}

/* Index of the first slash, '?' or '#': the end of an authority or a path segment. */
static inline size_t url_parser_delimiter(const struct url_parser *p, struct span s)
{
    size_t i = 0;

    while (i < s.len && !url_parser_is_slash(p, s.ptr[i]) && s.ptr[i] != '?' &&
           s.ptr[i] != '#')
        i++;
    return i;
}

/* URL standard, "ASCII alpha". */
static inline bool url_parser_is_alpha(char c)
{
    return span_ascii_lower(c) >= 'a' && span_ascii_lower(c) <= 'z';
}

/* "Windows drive letter": "C:" or "C|". */
static inline bool url_parser_is_drive(struct span s)
{
    return s.len == 2 && url_parser_is_alpha(s.ptr[0]) &&
           (s.ptr[1] == ':' || s.ptr[1] == '|');
}
