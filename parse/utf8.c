/* SPDX-License-Identifier: MIT */
#include "parse/utf8.h"

#include "parse/bytes8.h"

static inline size_t ascii_run(const unsigned char *p, size_t n)
{
    size_t i = 0;
    uint64_t high;

    while (n - i >= 64) {
        high = 0;
        for (size_t j = 0; j < 64; j += 8)
            high |= bytes8_load(p + i + j);
        if (high & BYTES8_MARKS)
            break;
        i += 64;
    }
    while (n - i >= 8) {
        high = bytes8_load(p + i) & BYTES8_MARKS;
        if (high)
            return i + (size_t)(__builtin_ctzll(high) / 8);
        i += 8;
    }
    while (i < n && p[i] < 0x80)
        i++;
    return i;
}

/* Marks in the high bit of each byte where it has a bit of mask (below 0x80 in each). */
static inline uint64_t nonzero(uint64_t w, uint64_t mask)
{
    return ((w & mask) + ~BYTES8_MARKS) & BYTES8_MARKS;
}

/*
 * Eight bytes of mixed sequences at a time, without a branch for each: every
 * lead byte announces its continuation bytes, some of them in the next word
 * (*pending), and what is announced must be what is there. Flags sit in the
 * high bit of each byte. False where something is wrong, or needs a closer
 * look (four-byte sequences).
 */
static inline bool mixed_word(const unsigned char *p, uint64_t *pending)
{
    uint64_t w = bytes8_load(p), bit6 = w << 1, bit5 = w << 2, bit4 = w << 3;
    uint64_t lead = w & bit6 & BYTES8_MARKS;
    uint64_t lead3 = lead & bit5, lead2 = lead & ~bit5;
    uint64_t cont = w & ~bit6 & BYTES8_MARKS;
    uint64_t next5 = bytes8_load(p + 1) << 2;
    uint64_t is_e0 = ~nonzero(w, 0x0F0F0F0F0F0F0F0Fu);
    uint64_t is_ed = ~nonzero(w ^ 0x0D0D0D0D0D0D0D0Du, 0x0F0F0F0F0F0F0F0Fu);
    uint64_t bad = cont ^ (lead << 8 | lead3 << 16 | *pending);

    bad |= lead3 & bit4;
    bad |= lead2 & ~nonzero(w, 0x1E1E1E1E1E1E1E1Eu);     /* C0, C1 */
    bad |= lead3 & ((is_e0 & ~next5) | (is_ed & next5)); /* overlong, surrogate */
    if (bad)
        return false;
    *pending = lead >> 56 | lead3 >> 48;
    return true;
}

/* How far mixed_word gets, back at the start of a sequence; may be 0. */
static size_t mixed_run(const unsigned char *p, size_t n)
{
    uint64_t pending = 0;
    size_t i = 0;

    while (n - i >= 9) {
        if (!pending && !(bytes8_load(p + i) & BYTES8_MARKS))
            return i;
        if (!mixed_word(p + i, &pending))
            break;
        i += 8;
    }
    if (!pending)
        return i;
    do
        i--;
    while ((p[i] & 0xC0) == 0x80);
    return i;
}

/* Bounds of the second byte by the first; anything beyond the third is 80..BF (table 3-7). */
static size_t sequence(const unsigned char *p, size_t n, bool *is_valid)
{
    unsigned char lo = 0x80, hi = 0xBF;
    size_t len, i;

    *is_valid = false;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 1;
    len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (p[0] == 0xE0)
        lo = 0xA0;
    else if (p[0] == 0xED)
        hi = 0x9F;
    else if (p[0] == 0xF0)
        lo = 0x90;
    else if (p[0] == 0xF4)
        hi = 0x8F;
    for (i = 1; i < len; i++) {
        if (i == n || p[i] < lo || p[i] > hi)
            return i;
        lo = 0x80;
        hi = 0xBF;
    }
    *is_valid = true;
    return len;
}

size_t utf8_ascii_prefix(struct span s)
{
    return ascii_run((const unsigned char *)s.ptr, s.len);
}

size_t utf8_valid_prefix(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    bool is_valid;

    if (!s.len)
        return 0; /* an empty span may have no pointer to add to */
    for (;;) {
        size_t n;

        i += ascii_run(p + i, s.len - i);
        if (i == s.len)
            return i;
        i += mixed_run(p + i, s.len - i);
        if (p[i] < 0x80)
            continue;
        n = sequence(p + i, s.len - i, &is_valid);
        if (!is_valid)
            return i;
        i += n;
    }
}

size_t utf8_decode(struct span s, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    bool is_valid;
    size_t n;

    BUG_IF(s.len == 0);
    *out = p[0];
    if (p[0] < 0x80)
        return 1;
    n = sequence(p, s.len, &is_valid);
    if (!is_valid)
        *out = UTF8_REPLACEMENT;
    else if (n == 2)
        *out = (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    else if (n == 3)
        *out = (p[0] & 0xFu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    else
        *out = (p[0] & 7u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 |
               (p[3] & 0x3Fu);
    return n;
}

enum err utf8_repair(struct span s, struct buf *out)
{
    while (s.len) {
        size_t good = utf8_valid_prefix(s);
        enum err e = buf_append(out, span_make(s.ptr, good));
        bool is_valid;

        if (e)
            return e;
        s = span_skip(s, good);
        if (s.len == 0)
            return OK;
        e = buf_append(out, SPAN("\xEF\xBF\xBD"));
        if (e)
            return e;
        s = span_skip(s, sequence((const unsigned char *)s.ptr, s.len, &is_valid));
    }
    return OK;
}
