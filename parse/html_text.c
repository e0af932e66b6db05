/* SPDX-License-Identifier: MIT */
#include "parse/html_text.h"

#include "parse/chunk.h"
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
    if (x->pending && at != x->buf.ptr)
        *at++ = x->pending;
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

/* The next bytes, of which n belong to the text; zeros behind them where it would be too far to read. */
static chunk load_some(const char *p, size_t n, const char *readable)
{
    char some[CHUNK_BYTES] = { 0 };

    if (readable - p >= CHUNK_BYTES)
        return chunk_load(p);
    memcpy(some, p, MIN(n, sizeof some));
    return chunk_load(some);
}

/*
 * Copies what is plain, a chunk at a time. A space or line feed behind another
 * byte is one space, which is owed again if none follows. The byte before *p was plain.
 */
static char *copy_plain(struct html_text *x, char *at, const char **p, const char *end)
{
    const char *q = *p, *readable = x->readable ? x->readable : end;
    uint64_t behind = 0, stop; /* behind: marks the first byte when a space is before it */

    do {
        size_t left = (size_t)(end - q), n = CHUNK_BYTES;
        chunk w = load_some(q, left, readable);
        uint64_t spaces = chunk_equal(w, '\n') | chunk_equal(w, ' ');
        uint64_t special = chunk_below(w, ' ' + 1) | chunk_equal(w, '&');

        stop = special & ~(spaces & ~(chunk_behind(spaces) | behind));
        chunk_store(at, chunk_replace(w, '\n', ' '));
        behind = chunk_last(spaces);
        if (stop)
            n = chunk_first(stop);
        if (n > left)
            n = left;
        at += n;
        q += n;
    } while (!stop && q < end);
    *p = q;
    if (at[-1] != ' ')
        return at;
    html_text_break(x, ' ');
    return at - 1;
}

/* How much copy_plain may store behind what it copies. */
#define SPARE CHUNK_BYTES

/* The most bytes that raw can become, with a separator before it. */
static size_t room_for(struct span raw, enum entities_mode mode, bool is_coded)
{
    if (!is_coded)
        return raw.len + 1 + SPARE;
    /* A reference gives at most six bytes for five; NUL, where it is kept, three. */
    return raw.len * (mode == ENTITIES_TEXT ? 2 : 3) + 1 + SPARE;
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

/* How many spaces and line feeds. The inner loop has no exit and adds bytes: it vectorises. */
static int64_t count_separators(struct span text)
{
    int64_t n = 0;

    while (text.len) {
        unsigned char in_part = 0;
        size_t part = MIN(text.len, (size_t)240);

        for (size_t i = 0; i < part; i++)
            in_part = (unsigned char)(in_part + (text.ptr[i] == ' ' || text.ptr[i] == '\n'));
        n += in_part;
        text = span_skip(text, part);
    }
    return n;
}

int64_t html_text_words(const struct html_text *x)
{
    struct span text = buf_span(&x->buf);

    return count_separators(text) + (text.len != 0) + html_text_no_breaks(text);
}

struct span html_text_slice(const struct html_text *x, size_t from, size_t to)
{
    return span_trim(span_slice(buf_span(&x->buf), from, to));
}
