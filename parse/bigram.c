/* SPDX-License-Identifier: MIT */
#include "parse/bigram.h"

#include "parse/utf8.h"

/* Sorted; Unicode 15 blocks and script extensions, reserved code points included. */
static const struct range {
    uint32_t first, last;
} unspaced[] = {
    { 0x0E01, 0x0E2E },                       /* Thai consonants */
    { 0x0E2F, 0x0E3A },                       /* vowels and marks */
    { 0x0E40, 0x0E4E },                       /* leading vowels, tones */
    { 0x2E80, 0x2FD5 },                       /* radicals */
    { 0x3005, 0x3007 },                       /* iteration mark, closing mark, zero */
    { 0x3021, 0x3029 },                       /* Hangzhou numerals */
    { 0x3031, 0x3035 },                       /* kana repeat marks */
    { 0x3038, 0x303C },   { 0x3041, 0x3096 }, /* Hiragana */
    { 0x3099, 0x309A },                       /* combining sound marks */
    { 0x309D, 0x309F },   { 0x30A1, 0x30FA }, /* Katakana, without the middle dot */
    { 0x30FC, 0x30FF },   { 0x31F0, 0x31FF }, { 0x3400, 0x4DBF }, /* Han, extension A */
    { 0x4E00, 0x9FFF },   { 0xF900, 0xFAFF }, /* compatibility ideographs */
    { 0xFF66, 0xFF9F },                       /* half-width katakana */
    { 0x1AFF0, 0x1B16F },                     /* kana extensions */
    { 0x20000, 0x3FFFD },                     /* Han, planes 2 and 3 */
};

bool bigram_is_unspaced(uint32_t code_point)
{
    size_t low = 0, high = ARRAY_LEN(unspaced);

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (code_point < unspaced[middle].first)
            high = middle;
        else if (code_point > unspaced[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* Does it belong to the unit before it? */
static bool is_mark(uint32_t c)
{
    return c == 0x0E31 || (c >= 0x0E34 && c <= 0x0E3A) ||
           (c >= 0x0E47 && c <= 0x0E4E) || c == 0x3099 || c == 0x309A || c == 0xFF9E ||
           c == 0xFF9F;
}

static bool is_thai(uint32_t c)
{
    return c < 0x1000;
}

/* The first unit of s, if it stands in a run of the kind; its length, or 0. */
static size_t next_unit(struct span s, bool wants_thai)
{
    uint32_t c;
    size_t n, len;

    if (s.len == 0)
        return 0;
    len = utf8_decode(s, &c);
    if (!bigram_is_unspaced(c) || is_thai(c) != wants_thai)
        return 0;
    while (len < s.len) {
        n = utf8_decode(span_skip(s, len), &c);
        if (!is_mark(c) || is_thai(c) != wants_thai)
            break;
        len += n;
    }
    return len;
}

/* Appends the run of units at the start of *s as pairs (a single one as it is), and takes it. */
static enum err append_run(struct span *s, struct buf *out)
{
    uint32_t c;
    bool wants_thai;
    size_t here, next;
    enum err e;

    utf8_decode(*s, &c);
    wants_thai = is_thai(c);
    here = next_unit(*s, wants_thai);
    next = next_unit(span_skip(*s, here), wants_thai);
    e = buf_append(out, span_make(s->ptr, here + next));
    for (;;) {
        *s = span_skip(*s, here);
        if (e || next == 0)
            return e;
        here = next;
        next = next_unit(span_skip(*s, here), wants_thai);
        if (next == 0) {
            *s = span_skip(*s, here); /* the last pair holds it */
            return OK;
        }
        e = buf_append_byte(out, ' ');
        if (!e)
            e = buf_append(out, span_make(s->ptr, here + next));
    }
}

/* How many bytes at the start of s surely begin none of the scripts: their lead bytes are E0 up. */
static size_t plain_prefix(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = utf8_ascii_prefix(s);

    while (i < s.len && p[i] < 0xE0) {
        i++;
        if (i < s.len && p[i] < 0x80)
            i += utf8_ascii_prefix(span_skip(s, i));
    }
    return i;
}

static enum err space_between(struct buf *out, size_t start)
{
    if (out->len == start || span_is_space(out->ptr[out->len - 1]))
        return OK;
    return buf_append_byte(out, ' ');
}

enum err bigram_append(struct span utf8, struct buf *out)
{
    size_t start = out->len;
    bool is_behind_run = false;

    while (utf8.len) {
        size_t n = plain_prefix(utf8);
        enum err e = OK;
        uint32_t c = 0;

        if (n == 0) {
            n = utf8_decode(utf8, &c);
            if (bigram_is_unspaced(c)) {
                e = space_between(out, start);
                if (!e)
                    e = append_run(&utf8, out);
                if (e)
                    return e;
                is_behind_run = true;
                continue;
            }
        }
        if (is_behind_run && !span_is_space(utf8.ptr[0]))
            e = buf_append_byte(out, ' ');
        if (!e)
            e = buf_append(out, span_slice(utf8, 0, n));
        if (e)
            return e;
        is_behind_run = false;
        utf8 = span_skip(utf8, n);
    }
    return OK;
}

/* The first unit of s with its length, or 0 where s begins with no unspaced character. */
static size_t any_unit(struct span s, bool *out_is_thai)
{
    uint32_t c;

    if (!s.len)
        return 0;
    utf8_decode(s, &c);
    *out_is_thai = is_thai(c);
    return next_unit(s, *out_is_thai);
}

bool bigram_next(struct bigram_walk *w, struct span *out_piece, bool *out_is_unspaced)
{
    bool wants_thai = false;
    size_t here = any_unit(w->rest, &wants_thai), next;

    if (here && w->is_in_run) {
        next = next_unit(span_skip(w->rest, here), wants_thai);
        if (!next) { /* the last pair holds it */
            w->rest = span_skip(w->rest, here);
            w->is_in_run = false;
            return bigram_next(w, out_piece, out_is_unspaced);
        }
    } else if (here) {
        next = next_unit(span_skip(w->rest, here), wants_thai);
    } else {
        size_t n = 0;
        uint32_t c;

        while (n < w->rest.len) {
            size_t len = plain_prefix(span_skip(w->rest, n));

            if (!len) {
                len = utf8_decode(span_skip(w->rest, n), &c);
                if (bigram_is_unspaced(c))
                    break;
            }
            n += len;
        }
        *out_piece = span_slice(w->rest, 0, n);
        *out_is_unspaced = false;
        w->rest = span_skip(w->rest, n);
        w->is_in_run = false;
        return n > 0;
    }
    *out_piece = span_slice(w->rest, 0, here + next);
    *out_is_unspaced = true;
    w->rest = span_skip(w->rest, here);
    w->is_in_run = next > 0;
    return true;
}
