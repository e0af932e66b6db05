/* SPDX-License-Identifier: MIT */
#include "store/headerlist.h"

#include "parse/bytes8.h"

/* RFC 9110 §5.6.2: the characters of a token, a bit each. */
static const uint64_t token_chars[] = { UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe) };

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c >= 0x80 || !(token_chars[c / 64] >> c % 64 & 1))
            return false;
    }
    return s.len > 0;
}

/* Eight bytes that stand for themselves in JSON: bit 7 of none is set by one of the tests of put_escaped. */
static bool is_plain(uint64_t word)
{
    uint64_t low = word & BYTES8(0x7f);
    uint64_t bad = word | (low + BYTES8(0x01)) | ~(low + BYTES8(0x60)) |
                   ~((low ^ BYTES8('"')) + BYTES8(0x7f)) | ~((low ^ BYTES8('\\')) + BYTES8(0x7f));

    return !(bad & BYTES8(0x80));
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

/* Writes a value at to, where six times its length has room; returns its end. */
static char *put_value(char *to, struct span s)
{
    bool is_utf8 = false, is_ascii = true; /* as far as it was looked at */

    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        uint64_t word;

        if (s.len - i >= sizeof word) {
            memcpy(&word, s.ptr + i, sizeof word);
            memcpy(to, &word, sizeof word); /* there is room, whatever it is */
            if (is_plain(word)) {
                to += sizeof word;
                i += sizeof word;
                continue;
            }
        }
        if (c >= 0x80 && is_ascii) {
            is_ascii = false;
            is_utf8 = span_is_utf8(s);
        }
        to += put_escaped(to, c, is_utf8);
        i++;
    }
    return to;
}

static char *put_bytes(char *to, struct span s)
{
    memcpy(to, s.ptr, s.len);
    return to + s.len;
}

/* A name is a token: nothing in it needs escaping. */
static enum err put_pair(struct buf *out, struct span name, struct span value,
                         bool is_first)
{
    enum err e;
    char *to;

    if (value.len > HEADERLIST_MAX_VALUE)
        value = span_clip_utf8(value, HEADERLIST_MAX_VALUE);
    e = buf_reserve(out, name.len + value.len * 6 + strlen(",[\"\",\"\"]"));
    if (e)
        return e;
    to = out->ptr + out->len;
    to = put_bytes(to, is_first ? SPAN("[\"") : SPAN(",[\""));
    to = put_bytes(to, name);
    to = put_bytes(to, SPAN("\",\""));
    to = put_value(to, value);
    to = put_bytes(to, SPAN("\"]"));
    out->len = (size_t)(to - out->ptr);
    return OK;
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
