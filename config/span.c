/* SPDX-License-Identifier: MIT */
#include "config/span.h"

bool span_eq_nocase(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (span_ascii_lower(a.ptr[i]) != span_ascii_lower(b.ptr[i]))
            return false;
    return true;
}

bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq(span_make(s.ptr, prefix.len), prefix);
}

bool span_starts_nocase(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq_nocase(span_make(s.ptr, prefix.len), prefix);
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_eq(span_skip(s, s.len - suffix.len), suffix);
}

int span_cmp(struct span a, struct span b)
{
    size_t n = MIN(a.len, b.len);
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

size_t span_find(struct span s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

    return at ? (size_t)(at - s.ptr) : s.len;
}

size_t span_find_span(struct span s, struct span needle)
{
    const char *at;

    if (needle.len == 0)
        return 0;
    at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? (size_t)(at - s.ptr) : s.len;
}

size_t span_find_nocase(struct span s, struct span needle)
{
    for (size_t i = 0; i + needle.len <= s.len; i++)
        if (span_starts_nocase(span_skip(s, i), needle))
            return i;
    return s.len;
}

struct span span_trim(struct span s)
{
    while (s.len && span_is_space(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len && span_is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool span_split(struct span *rest, char sep, struct span *out)
{
    size_t at;

    if (rest->len == 0)
        return false;
    at = span_find(*rest, sep);
    *out = span_slice(*rest, 0, at);
    *rest = span_skip(*rest, at + 1);
    return true;
}

bool span_token(struct span *rest, struct span *out)
{
    size_t end = 0;

    while (rest->len && span_is_space(rest->ptr[0]))
        *rest = span_skip(*rest, 1);
    if (rest->len == 0)
        return false;
    while (end < rest->len && !span_is_space(rest->ptr[end]))
        end++;
    *out = span_slice(*rest, 0, end);
    *rest = span_skip(*rest, end);
    return true;
}

bool span_parse_u64(struct span s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool span_parse_i64(struct span s, int64_t *out)
{
    bool is_negative = s.len && s.ptr[0] == '-';
    uint64_t value;

    if (!span_parse_u64(is_negative ? span_skip(s, 1) : s, &value))
        return false;
    if (value > (uint64_t)INT64_MAX + is_negative)
        return false;
    *out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Of the eight bytes at p. What a subtraction borrows or an addition carries comes from a byte that is not. */
static bool are_printable(const char *p)
{
    uint64_t word;

    memcpy(&word, p, 8);
    return !((word | (word - EACH(0x20u)) | (word + EACH(0x01u))) & EACH(0x80u));
}

size_t span_printable(struct span s)
{
    size_t i = 0;

    while (i + 8 <= s.len && are_printable(s.ptr + i))
        i += 8;
    if (i < s.len && s.len - i < 8 && s.len >= 8 && are_printable(s.ptr + s.len - 8))
        return s.len;
    while (i < s.len && s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f)
        i++;
    return i;
}

/* Length of the valid sequence at p (n bytes are there), or 0. Unicode table 3-7. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    unsigned char lo = 0x80, hi = 0xbf;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] == 0xe0)
        lo = 0xa0;
    else if (p[0] == 0xed)
        hi = 0x9f;
    else if (p[0] == 0xf0)
        lo = 0x90;
    else if (p[0] == 0xf4)
        hi = 0x8f;
    if (n < len || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool span_is_utf8(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;

    while (i < s.len) {
        uint64_t word;
        size_t n;

        /* Eight ASCII bytes at a time: nearly all of the web. */
        while (i + 8 <= s.len) {
            memcpy(&word, p + i, 8);
            if (word & UINT64_C(0x8080808080808080))
                break;
            i += 8;
        }
        if (i == s.len)
            break;
        n = utf8_sequence(p + i, s.len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

struct span span_clip_utf8(struct span s, size_t max)
{
    size_t n = MIN(s.len, max);

    if (n == s.len)
        return s;
    /* A sequence has at most three bytes behind its first; more of them are broken anyway. */
    for (size_t back = 0; back <= 3 && back <= n; back++)
        if (((unsigned char)s.ptr[n - back] & 0xc0) != 0x80)
            return span_make(s.ptr, n - back);
    return span_make(s.ptr, n);
}
