/* SPDX-License-Identifier: MIT */
#include "parse/json_text.h"

struct reader {
    const char *at, *end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && is_space(*r->at))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool is_digit(const struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static bool skip_digits(struct reader *r)
{
    if (!is_digit(r))
        return false;
    while (is_digit(r))
        r->at++;
    return true;
}

/* RFC 8259 §6. */
static bool skip_number(struct reader *r)
{
    take(r, '-');
    if (!take(r, '0') && !skip_digits(r))
        return false;
    if (take(r, '.') && !skip_digits(r))
        return false;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            take(r, '-');
        return skip_digits(r);
    }
    return true;
}

/* Four hexadecimal digits; UINT32_MAX where there are none. */
static uint32_t take_hex(struct reader *r)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->end ? span_ascii_lower(*r->at) : ' ';

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint32_t)(c - 'a' + 10);
        else
            return UINT32_MAX;
    }
    return v;
}

/* Behind "\u": a character, or two halves of one (RFC 7493 §2.1). */
static bool skip_code(struct reader *r)
{
    uint32_t v = take_hex(r);

    if (v < 0xD800 || (v > 0xDFFF && v <= 0xFFFF))
        return true;
    if (v > 0xDBFF || !take(r, '\\') || !take(r, 'u'))
        return false;
    v = take_hex(r);
    return v >= 0xDC00 && v <= 0xDFFF;
}

/* RFC 8259 §7. */
static bool skip_string(struct reader *r)
{
    if (!take(r, '"'))
        return false;
    while (r->at < r->end) {
        unsigned char c = (unsigned char)*r->at++;

        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (r->at == r->end || !*r->at || !strchr("\"\\/bfnrtu", *r->at))
            return false;
        if (*r->at++ == 'u' && !skip_code(r))
            return false;
    }
    return false;
}

static bool skip_word(struct reader *r, struct span word)
{
    if (!span_starts(span_make(r->at, (size_t)(r->end - r->at)), word))
        return false;
    r->at += word.len;
    return true;
}

static bool skip_scalar(struct reader *r)
{
    switch (*r->at) {
    case '"': return skip_string(r);
    case 't': return skip_word(r, SPAN("true"));
    case 'f': return skip_word(r, SPAN("false"));
    case 'n': return skip_word(r, SPAN("null"));
    default: return skip_number(r);
    }
}

/* A member's name and colon. */
static bool skip_name(struct reader *r)
{
    skip_space(r);
    if (!skip_string(r))
        return false;
    skip_space(r);
    return take(r, ':');
}

/* What is open around the reader: '}' or ']', whatever ends it. */
struct nest {
    char ends[JSON_TEXT_MAX_DEPTH];
    size_t depth, max;
};

/* Begins an object or array up to its first value. False: broken; *has_value false: it was empty and is over. */
static bool begin(struct reader *r, struct nest *n, bool *has_value)
{
    char end = *r->at++ == '{' ? '}' : ']';

    if (n->depth == n->max)
        return false;
    skip_space(r);
    *has_value = !take(r, end);
    if (!*has_value)
        return true;
    n->ends[n->depth++] = end;
    return end == ']' || skip_name(r);
}

/* Behind a value: ends what ends here, and goes to the next value. *has_more false: all is over. */
static bool go_on(struct reader *r, struct nest *n, bool *has_more)
{
    *has_more = false;
    while (n->depth) {
        char end = n->ends[n->depth - 1];

        skip_space(r);
        if (take(r, end)) {
            n->depth--;
            continue;
        }
        *has_more = true;
        return take(r, ',') && (end == ']' || skip_name(r));
    }
    return true;
}

/* One value. */
static bool skip_value(struct reader *r, unsigned max_depth)
{
    unsigned max = MIN(max_depth, (unsigned)JSON_TEXT_MAX_DEPTH);
    struct nest n = { .max = max };
    bool has_more = true;

    while (has_more) {
        bool has_value = false;

        skip_space(r);
        if (r->at == r->end)
            return false;
        if (*r->at == '{' || *r->at == '[') {
            if (!begin(r, &n, &has_value))
                return false;
        } else if (!skip_scalar(r)) {
            return false;
        }
        if (!has_value && !go_on(r, &n, &has_more))
            return false;
    }
    return true;
}

static struct reader reader_of(struct span s)
{
    const char *at = s.ptr ? s.ptr : "";

    return (struct reader){ at, at + s.len };
}

bool json_text_is_value(struct span s, unsigned max_depth)
{
    struct reader r = reader_of(s);

    if (!span_is_utf8(s) || !skip_value(&r, max_depth))
        return false;
    skip_space(&r);
    return r.at == r.end;
}

bool json_text_is_object(struct span s)
{
    struct reader r = reader_of(s);

    skip_space(&r);
    return r.at < r.end && *r.at == '{' && json_text_is_value(s, JSON_TEXT_MAX_DEPTH);
}

/* --- writing ---------------------------------------------------------------------- */

enum err json_text_put_compact(struct span json, struct buf *out)
{
    struct reader r = reader_of(json);
    enum err e = OK;

    while (!e && r.at < r.end) {
        const char *from = r.at;

        if (*from == '"') {
            if (!skip_string(&r))
                return ERR_INVALID;
        } else {
            while (r.at < r.end && *r.at != '"' && !is_space(*r.at))
                r.at++;
        }
        e = buf_append(out, span_make(from, (size_t)(r.at - from)));
        skip_space(&r);
    }
    return e;
}

static enum err put_escape(unsigned char c, struct buf *out)
{
    switch (c) {
    case '"': return buf_append(out, SPAN("\\\""));
    case '\\': return buf_append(out, SPAN("\\\\"));
    case '\n': return buf_append(out, SPAN("\\n"));
    case '\r': return buf_append(out, SPAN("\\r"));
    case '\t': return buf_append(out, SPAN("\\t"));
    default: return buf_printf(out, "\\u%04x", c);
    }
}

enum err json_text_put_string(struct span text, struct buf *out)
{
    enum err e = buf_append_byte(out, '"');
    size_t from = 0;

    for (size_t i = 0; i < text.len && !e; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        e = buf_append(out, span_slice(text, from, i));
        if (!e)
            e = put_escape(c, out);
        from = i + 1;
    }
    if (!e)
        e = buf_append(out, span_slice(text, from, text.len));
    return e ? e : buf_append_byte(out, '"');
}

/* --- parts ------------------------------------------------------------------------- */

/* The value at the reader, which stands behind it then; SPAN_NONE where there is none. */
static struct span take_value(struct reader *r)
{
    const char *from;

    skip_space(r);
    from = r->at;
    return skip_value(r, JSON_TEXT_MAX_DEPTH) ? span_make(from, (size_t)(r->at - from))
                                              : SPAN_NONE;
}

struct span json_text_member(struct span object, struct span name)
{
    struct reader r = reader_of(object);

    skip_space(&r);
    if (!take(&r, '{'))
        return SPAN_NONE;
    do {
        const char *from;
        struct span found, value;

        skip_space(&r);
        from = r.at;
        if (!skip_string(&r))
            return SPAN_NONE;
        found = span_make(from + 1, (size_t)(r.at - from) - 2);
        skip_space(&r);
        if (!take(&r, ':'))
            return SPAN_NONE;
        value = take_value(&r);
        if (!value.ptr || span_eq(found, name))
            return value;
        skip_space(&r);
    } while (take(&r, ','));
    return SPAN_NONE;
}

bool json_text_next(struct span *rest, struct span *out)
{
    struct reader r = reader_of(*rest);
    struct span value;

    skip_space(&r);
    if (!take(&r, '[') && !take(&r, ','))
        return false;
    value = take_value(&r);
    if (!value.ptr)
        return false;
    *out = value;
    *rest = span_make(r.at, (size_t)(r.end - r.at));
    return true;
}
