/* SPDX-License-Identifier: MIT */
#include "parse/html_text.h"

#include "parse/bytes8.h"
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

/*
 * Copies what is plain, eight bytes at a time. A space or line feed behind
 * another byte is one space, which is owed again if none follows. The byte before *p was plain.
 */
static char *copy_plain(struct html_text *x, char *at, const char **p, const char *end)
{
    const char *q = *p;
    uint64_t behind = 0, stop; /* behind: marks the first byte when a space is before it */

    do {
        size_t left = (size_t)(end - q), n = 8;
        uint64_t w = left < 8 ? bytes8_load_few(q, left) : bytes8_load(q);
        uint64_t feeds = bytes8_equal(w, '\n'), spaces = feeds | bytes8_equal(w, ' ');
        uint64_t special = bytes8_below(w, ' ' + 1) | bytes8_equal(w, '&');

        stop = special & ~(spaces & ~(spaces << 8 | behind));
        bytes8_store(at, w ^ (feeds >> 7) * ('\n' ^ ' '));
        if (stop) {
            n = bytes8_first(stop);
            spaces &= bytes8_before(n);
        }
        x->n_separators += bytes8_count(spaces);
        behind = spaces >> 56;
        at += n;
        q += n;
    } while (!stop);
    *p = q;
    if (at[-1] != ' ')
        return at;
    x->n_separators--;
    html_text_break(x, ' ');
    return at - 1;
}

/* The most bytes that raw can become, with a separator before it and what copy_plain stores behind it. */
static size_t room_for(struct span raw, enum entities_mode mode, bool is_coded)
{
    if (!is_coded)
        return raw.len + 9;
    /* A reference gives at most six bytes for five; NUL, where it is kept, three. */
    return raw.len * (mode == ENTITIES_TEXT ? 2 : 3) + 9;
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
            at = copy_plain(x, at, &p, end);
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
