/* SPDX-License-Identifier: MIT */
#include "parse/robots_path.h"

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

bool robots_path_matches(struct span pattern, struct span target)
{
    bool is_anchored = pattern.len && pattern.ptr[pattern.len - 1] == '$';
    struct span piece;
    size_t end, at;

    if (is_anchored)
        pattern.len--;
    /* By hand: nearly all rules fail within a few bytes, cheaper than two calls. */
    for (end = 0; end < pattern.len && pattern.ptr[end] != '*'; end++)
        if (end == target.len || pattern.ptr[end] != target.ptr[end])
            return false;
    target = span_skip(target, end);
    if (end == pattern.len)
        return !is_anchored || target.len == 0;
    for (;;) {
        pattern = span_skip(pattern, end + 1);
        end = span_find(pattern, '*');
        piece = span_slice(pattern, 0, end);
        if (end == pattern.len && is_anchored)
            return span_ends(target, piece);
        at = span_find_span(target, piece);
        if (piece.len && at == target.len)
            return false;
        if (end == pattern.len)
            return true;
        target = span_skip(target, at + piece.len);
    }
}
