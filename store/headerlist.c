/* SPDX-License-Identifier: MIT */
#include "store/headerlist.h"

/* RFC 9110 §5.6.2: the characters of a token. */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool is_alnum =
            (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

        if (!is_alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.len > 0;
}

/* Writes c (one byte of text) at to; returns how many bytes that took, at most 6. */
static size_t put_escaped(char *to, unsigned char c, bool is_utf8)
{
    static const char hex[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        to[0] = '\\';
        to[1] = (char)c;
        return 2;
    }
    if (c < 0x20 || c == 0x7f) {
        memcpy(to, "\\u00", 4);
        to[4] = hex[c >> 4];
        to[5] = hex[c & 15];
        return 6;
    }
    if (c < 0x80 || is_utf8) {
        to[0] = (char)c;
        return 1;
    }
    to[0] = (char)(0xc0 | c >> 6);
    to[1] = (char)(0x80 | (c & 0x3f));
    return 2;
}

static enum err put_string(struct buf *out, struct span s)
{
    bool is_utf8 = span_is_utf8(s);
    enum err e = buf_reserve(out, s.len * 6 + 2);

    if (e)
        return e;
    out->ptr[out->len++] = '"';
    for (size_t i = 0; i < s.len; i++)
        out->len += put_escaped(out->ptr + out->len, (unsigned char)s.ptr[i], is_utf8);
    out->ptr[out->len++] = '"';
    return OK;
}

static enum err put_pair(struct buf *out, struct span name, struct span value,
                         bool is_first)
{
    enum err e = buf_append(out, is_first ? SPAN("[") : SPAN(",["));

    if (value.len > HEADERLIST_MAX_VALUE)
        value = span_clip_utf8(value, HEADERLIST_MAX_VALUE);
    if (!e)
        e = put_string(out, name);
    if (!e)
        e = buf_append_byte(out, ',');
    if (!e)
        e = put_string(out, value);
    if (!e)
        e = buf_append_byte(out, ']');
    return e;
}

enum err headerlist_format(struct span lines, struct buf *out)
{
    size_t start = out->len;
    bool is_first = true;
    struct span line;
    enum err e = buf_append_byte(out, '[');

    while (!e && span_split(&lines, '\n', &line)) {
        size_t colon = span_find(line, ':');
        struct span name = span_slice(line, 0, colon);

        if (colon == line.len || !is_token(name))
            continue;
        if (out->len - start + line.len > HEADERLIST_MAX_BYTES)
            break;
        e = put_pair(out, name, span_trim(span_skip(line, colon + 1)), is_first);
        is_first = false;
    }
    return e ? e : buf_append_byte(out, ']');
}
