/* SPDX-License-Identifier: MIT */
#include "parse/html_text.h"

#include "parse/utf8.h"

enum byte_class {
    PLAIN,
    SPACE,
    CODED, /* '&' and NUL */
};

static const uint8_t class_of[256] = {
    [0] = CODED,    ['&'] = CODED,  [' '] = SPACE,  ['\t'] = SPACE,
    ['\n'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE,
};

void html_text_init(struct html_text *x, size_t max)
{
    buf_init(&x->buf, max);
    html_text_reset(x);
}

/* The separator that is owed, but not at the very beginning. */
static char *put_pending(struct html_text *x, char *at)
{
    if (x->pending && at != x->buf.ptr) {
        *at++ = x->pending;
        x->n_separators++;
    }
    x->pending = 0;
    return at;
}

static char *put_point(struct html_text *x, char *at, uint32_t c)
{
    if (c < 0x80 && class_of[c] == SPACE) {
        html_text_break(x, ' ');
        return at;
    }
    return utf8_put(put_pending(x, at), c);
}

/* '&' or NUL at *p. */
static char *put_coded(struct html_text *x, char *at, const char **p, const char *end,
                       enum entities_mode mode)
{
    struct entities_ref ref;
    const char *from = *p;

    if (*from == '&' && mode != ENTITIES_RAW &&
        entities_match(span_make(from, (size_t)(end - from)), false, &ref)) {
        *p += ref.len;
        at = put_point(x, at, ref.first);
        return ref.second ? put_point(x, at, ref.second) : at;
    }
    ++*p;
    if (*from == '&')
        return put_point(x, at, '&');
    return mode == ENTITIES_TEXT ? at : put_point(x, at, 0xFFFD);
}

#define BYTES(c) (UINT64_C(0x0101010101010101) * (c))

/* Marks (0x80) the bytes of w that are zero. */
static uint64_t zero_bytes(uint64_t w)
{
    return ~(((w & BYTES(0x7F)) + BYTES(0x7F)) | w) & BYTES(0x80);
}

/* Marks the bytes of w that are at most 0x20. */
static uint64_t low_bytes(uint64_t w)
{
    return ~(((w & BYTES(0x7F)) + BYTES(0x5F)) | w) & BYTES(0x80);
}

/*
 * Copies eight bytes while they are plain, or single spaces between plain
 * bytes; most text is. The byte behind them is looked at too.
 */
static char *copy_words(struct html_text *x, char *at, const char **p, const char *end)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                   "the next byte is the next higher");

    while (end - *p > 8) {
        uint64_t w;
        memcpy(&w, *p, sizeof w);
        uint64_t space = zero_bytes(w ^ BYTES(' '));
        uint64_t special = low_bytes(w) | zero_bytes(w ^ BYTES('&'));
        uint64_t next = special >> 8;
        if (class_of[(unsigned char)(*p)[8]] != PLAIN)
            next |= UINT64_C(0x80) << 56;
        if ((special ^ space) | (space & next))
            break;
        memcpy(at, &w, sizeof w);
        x->n_separators += __builtin_popcountll(space);
        at += 8;
        *p += 8;
    }
    return at;
}

/* The same byte by byte, behind a byte that is no space. */
static char *copy_bytes(struct html_text *x, char *at, const char **p, const char *end)
{
    const char *q = *p;

    while (q < end &&
           (class_of[(unsigned char)*q] == PLAIN ||
            (*q == ' ' && end - q > 1 && class_of[(unsigned char)q[1]] == PLAIN))) {
        char c = *q++;
        *at++ = c;
        x->n_separators += c == ' ';
    }
    *p = q;
    return at;
}

/* The most bytes that raw can become, with a separator before it. */
static size_t room_for(struct span raw, enum entities_mode mode, bool is_coded)
{
    if (!is_coded)
        return raw.len + 1;
    /* A reference gives at most six bytes for five; NUL, where it is kept, three. */
    return raw.len * (mode == ENTITIES_TEXT ? 2 : 3) + 1;
}

enum err html_text_add(struct html_text *x, struct span raw, enum entities_mode mode,
                       bool is_coded)
{
    const char *p = raw.ptr, *end = p + raw.len;
    size_t room = room_for(raw, mode, is_coded);

    if (room > x->buf.cap - x->buf.len) {
        enum err e = buf_reserve(&x->buf, room);
        if (e)
            return e;
    }
    char *at = x->buf.ptr + x->buf.len;
    while (p < end) {
        enum byte_class class = (enum byte_class)class_of[(unsigned char)*p];
        if (class == SPACE) {
            html_text_break(x, ' ');
            while (p < end && class_of[(unsigned char)*p] == SPACE)
                p++;

        } else if (class == CODED && is_coded) {
            at = put_coded(x, at, &p, end, mode);
        } else {
            at = put_pending(x, at);
            *at++ = *p++;
            at = copy_words(x, at, &p, end);
            at = copy_bytes(x, at, &p, end);
        }
    }
    x->buf.len = (size_t)(at - x->buf.ptr);
    return OK;
}

#define NO_BREAK SPAN("\u00A0")

/* Index of the next one from at on, or text.len. They are rare, and memchr is fast. */
static size_t find_no_break(struct span text, size_t at)
{
    while (at < text.len) {
        const char *hit = memchr(text.ptr + at, NO_BREAK.ptr[0], text.len - at);

        if (!hit)
            break;
        at = (size_t)(hit - text.ptr);
        if (span_starts(span_skip(text, at), NO_BREAK))
            return at;
        at++;
    }
    return text.len;
}

/* Is there a byte of a word at this place? */
static bool is_of_word(struct span text, size_t at)
{
    return at < text.len && !span_is_space(text.ptr[at]);
}

int64_t html_text_no_breaks(struct span text)
{
    int64_t n = 0;
    size_t end = 0;

    for (;;) {
        size_t at = find_no_break(text, end);
        if (at == text.len)
            return n;
        for (end = at; span_starts(span_skip(text, end), NO_BREAK);)
            end += NO_BREAK.len;
        /* Between two words it makes one more; alone it is none. */
        n += (at > 0 && is_of_word(text, at - 1)) + is_of_word(text, end) - 1;
    }
}

int64_t html_text_words(const struct html_text *x)
{
    return x->n_separators + (x->buf.len != 0) + html_text_no_breaks(buf_span(&x->buf));
}

struct span html_text_slice(const struct html_text *x, size_t from, size_t to)
{
    return span_trim(span_slice(buf_span(&x->buf), from, to));
}
