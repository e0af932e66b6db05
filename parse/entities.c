/* SPDX-License-Identifier: MIT */
#include "parse/entities.h"

#include "parse/bytes8.h"
#include "parse/utf8.h"

struct entity {
    uint32_t first;
    uint16_t second;
    uint16_t name_at;
    uint8_t name_len;
};

#include "parse/entities.inc"

/* §13.2.5.80, "numeric character reference end state": what 0x80 to 0x9F mean. */
static const uint16_t c1_points[32] = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, /* 80 */
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   /* 88 */
    0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, /* 90 */
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178, /* 98 */
};

/* Nine of ten named references of a page: all that could be longer ends in the same semicolon. */
static const struct {
    char name[8];
    uint16_t point;
} common[] = {
    { "lt;", '<' }, { "gt;", '>' }, { "nbsp;", 0xA0 }, { "amp;", '&' }, { "quot;", '"' },
};
#define MAX_COMMON 5u

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') ||
           (span_ascii_lower(c) >= 'a' && span_ascii_lower(c) <= 'z');
}

static int digit_of(char c, uint32_t radix)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = span_ascii_lower(c);
    if (radix == 16 && c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static uint32_t repair_number(uint32_t n)
{
    if (n == 0 || n > 0x10FFFF || (n >= 0xD800 && n <= 0xDFFF))
        return 0xFFFD;
    if (n >= 0x80 && n <= 0x9F)
        return c1_points[n - 0x80];
    return n;
}

/* s begins with "&#". */
static bool match_number(struct span s, struct entities_ref *out)
{
    size_t i = 2;
    uint32_t radix = 10;

    if (i < s.len && (s.ptr[i] == 'x' || s.ptr[i] == 'X')) {
        radix = 16;
        i++;
    }
    size_t digits_at = i;
    uint32_t n = 0;
    for (; i < s.len; i++) {
        int d = digit_of(s.ptr[i], radix);
        if (d < 0)
            break;
        if (n <= 0x10FFFF)
            n = n * radix + (uint32_t)d;
    }
    if (i == digits_at)
        return false;
    if (i < s.len && s.ptr[i] == ';')
        i++;
    *out = (struct entities_ref){ repair_number(n), 0, i };
    return true;
}

static unsigned char name_byte(size_t row, size_t i)
{
    return (unsigned char)entity_names[entity_table[row].name_at + i];
}

/* The first row of [from, to), all long enough, whose byte i is at least c. */
static size_t first_at_least(size_t from, size_t to, size_t i, unsigned c)
{
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (name_byte(mid, i) < c)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/*
 * The longest name that name begins with, as a row plus one; 0 when there is
 * none. The rows that agree so far narrow byte by byte; the one that ends here
 * is the first of them.
 */
static size_t find_name(struct span name)
{
    unsigned char letter = name.len ? (unsigned char)name.ptr[0] : 0;

    if (letter >= ARRAY_LEN(entity_range))
        return 0;
    size_t from = entity_range[letter][0], to = entity_range[letter][1];
    size_t best = 0;
    for (size_t i = 1; from < to; i++) {
        if (entity_table[from].name_len == i) {
            best = from + 1;
            from++;
        }
        if (i >= name.len)
            break;
        unsigned c = (unsigned char)name.ptr[i];
        from = first_at_least(from, to, i, c);
        to = first_at_least(from, to, i, c + 1);
    }
    return best;
}

/* s begins with '&' and has a byte behind it. */
static bool match_common(struct span s, struct entities_ref *out)
{
    uint64_t w = bytes8_load_few(s.ptr + 1, MIN(s.len - 1, MAX_COMMON));

    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        uint64_t name = bytes8_load(common[i].name);
        size_t len = 8 - (size_t)__builtin_clzll(name) / 8;

        if ((w & bytes8_before(len)) == name) {
            *out = (struct entities_ref){ common[i].point, 0, 1 + len };
            return true;
        }
    }
    return false;
}

bool entities_match(struct span s, bool is_attribute, struct entities_ref *out)
{
    if (s.len < 3)
        return false;
    if (s.ptr[1] == '#')
        return match_number(s, out);
    if (match_common(s, out))
        return true;
    if (!is_alnum(s.ptr[1]))
        return false;

    size_t row = find_name(span_skip(s, 1));
    if (row == 0)
        return false;
    const struct entity *e = &entity_table[row - 1];
    size_t len = (size_t)1 + e->name_len;
    bool has_semicolon = s.ptr[len - 1] == ';';
    if (is_attribute && !has_semicolon && len < s.len &&
        (s.ptr[len] == '=' || is_alnum(s.ptr[len])))
        return false;
    *out = (struct entities_ref){ e->first, e->second, len };
    return true;
}

static enum err append_point(uint32_t c, struct buf *out)
{
    char bytes[4];

    if (c == 0)
        return OK;
    return buf_append(out, span_make(bytes, (size_t)(utf8_put(bytes, c) - bytes)));
}

/* Decodes the one special byte at rest's start; moves rest past what it took. */
static enum err decode_special(struct span *rest, enum entities_mode mode,
                               struct buf *out)
{
    struct entities_ref ref;
    char c = rest->ptr[0];

    if (c == '&' && entities_match(*rest, mode == ENTITIES_ATTRIBUTE, &ref)) {
        *rest = span_skip(*rest, ref.len);
        enum err e = append_point(ref.first, out);
        return e ? e : append_point(ref.second, out);
    }
    *rest = span_skip(*rest, 1);
    if (c == 0)
        return mode == ENTITIES_TEXT ? OK : append_point(0xFFFD, out);
    if (c == '\r') {
        if (rest->len && rest->ptr[0] == '\n')
            return OK;
        c = '\n';
    }
    return buf_append_byte(out, c);
}

enum err entities_decode(struct span raw, enum entities_mode mode, struct buf *out)
{
    struct span rest = raw;

    while (rest.len) {
        size_t n = 0;
        while (n < rest.len && rest.ptr[n] != 0 && rest.ptr[n] != '\r' &&
               (rest.ptr[n] != '&' || mode == ENTITIES_RAW))
            n++;
        enum err e = buf_append(out, span_slice(rest, 0, n));
        if (e)
            return e;
        rest = span_skip(rest, n);
        if (rest.len == 0)
            break;
        e = decode_special(&rest, mode, out);
        if (e)
            return e;
    }
    return OK;
}
