/* SPDX-License-Identifier: MIT */
#include "parse/robots_path.h"

#include <string.h>

struct writer {
    char *out; /* NULL: only count */
    size_t len;
};

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = span_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Must this byte be percent-encoded? RFC 3986 §2: what a URI cannot hold raw. */
static bool is_forbidden(unsigned char c)
{
    /* One bit a byte: controls, space, ", <, > and [, \, ], ^, `, {, |, }, DEL. */
    static const uint64_t bits[2] = { UINT64_C(0x50000005ffffffff),
                                      UINT64_C(0xb800000178000000) };

    return c >= 0x80 || (bits[c >> 6] >> (c & 63) & 1);
}

static void put(struct writer *w, unsigned char c)
{
    if (w->out)
        w->out[w->len] = (char)c;
    w->len++;
}

static void put_escaped(struct writer *w, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";

    put(w, '%');
    put(w, (unsigned char)hex[c >> 4]);
    put(w, (unsigned char)hex[c & 15]);
}

/* Does s hold "%XX" at i? */
static bool is_escape(struct span s, size_t i, unsigned char *out)
{
    int hi, lo;

    if (s.ptr[i] != '%' || s.len - i < 3)
        return false;
    hi = hex_digit(s.ptr[i + 1]);
    lo = hex_digit(s.ptr[i + 2]);
    if (hi < 0 || lo < 0)
        return false;
    *out = (unsigned char)(hi * 16 + lo);
    return true;
}

size_t robots_path_normalize(struct span s, bool is_pattern, char *out)
{
    struct writer w = { out, 0 };
    bool is_query = false;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i], value;
        bool is_special =
            c == '*' ? !is_pattern : c == '$' && !(is_pattern && i + 1 == s.len);

        if (is_escape(s, i, &value)) {
            i += 2;
            if (is_unreserved(value))
                put(&w, value);
            else
                put_escaped(&w, value);
        } else if (is_special || is_forbidden(c) || (is_query && c == '\'')) {
            put_escaped(&w, c);
        } else {
            is_query |= c == '?';
            put(&w, c);
        }
    }
    return w.len;
}

/* --- the match --------------------------------------------------------------------- */

void robots_look_init(struct robots_look *l, struct span target)
{
    l->target = target;
    l->searched = 0;
    l->is_indexed = false;
}

static bool is_set(const uint64_t *bits, unsigned n)
{
    return bits[n >> 6] >> (n & 63) & 1;
}

static unsigned char byte_at(struct span s, size_t i)
{
    return (unsigned char)s.ptr[i];
}

/* A number below 4096. */
static unsigned pair_at(struct span s, size_t i)
{
    return (byte_at(s, i) * 61u ^ byte_at(s, i + 1)) & 4095;
}

static void make_index(struct robots_look *l)
{
    memset(l->bytes, 0, sizeof l->bytes);
    memset(l->pairs, 0, sizeof l->pairs);
    for (size_t i = 0; i < l->target.len; i++) {
        unsigned byte = byte_at(l->target, i), pair;

        l->bytes[byte >> 6] |= UINT64_C(1) << (byte & 63);
        if (i + 1 == l->target.len)
            break;
        pair = pair_at(l->target, i);
        l->pairs[pair >> 6] |= UINT64_C(1) << (pair & 63);
    }
    l->is_indexed = true;
}

/* Has the target all that stands in rest, which begins with '*'? */
static bool may_match(struct robots_look *l, struct span rest)
{
    if (!l->is_indexed)
        make_index(l);
    for (size_t i = 1; i < rest.len; i++) {
        if (rest.ptr[i] == '*')
            continue;
        if (rest.ptr[i - 1] == '*' ? !is_set(l->bytes, byte_at(rest, i))
                                   : !is_set(l->pairs, pair_at(rest, i - 1)))
            return false;
    }
    return true;
}

/* The pieces of rest, which begins with '*', one behind the other in target. */
static bool matches_pieces(struct span rest, bool is_anchored, struct span target)
{
    for (size_t end = 0;;) {
        struct span piece;
        size_t at;

        rest = span_skip(rest, end + 1);
        end = span_find(rest, '*');
        piece = span_slice(rest, 0, end);
        if (end == rest.len && is_anchored)
            return span_ends(target, piece);
        at = span_find_span(target, piece);
        if (piece.len && at == target.len)
            return false;
        if (end == rest.len)
            return true;
        target = span_skip(target, at + piece.len);
    }
}

bool robots_look_matches(struct robots_look *l, struct span pattern)
{
    bool is_anchored = pattern.len && pattern.ptr[pattern.len - 1] == '$';
    struct span target = l->target;
    size_t end;

    if (is_anchored)
        pattern.len--;
    /* By hand: nearly all rules fail within a few bytes, cheaper than two calls. */
    for (end = 0; end < pattern.len && pattern.ptr[end] != '*'; end++)
        if (end == target.len || pattern.ptr[end] != target.ptr[end])
            return false;
    target = span_skip(target, end);
    if (end == pattern.len)
        return !is_anchored || target.len == 0;
    pattern = span_skip(pattern, end);
    if (!may_match(l, pattern))
        return false;
    l->searched += target.len;
    return matches_pieces(pattern, is_anchored, target);
}
