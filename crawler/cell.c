/* SPDX-License-Identifier: MIT */
#include "crawler/cell.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "parse/utf8.h"

#define MAX_TEXT ((size_t)256 * MIB)

static enum err put_hex(struct buf *out, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    enum err e = buf_reserve(out, 2 * bytes.len);
    char *at = e ? NULL : out->ptr + out->len;

    for (size_t i = 0; !e && i < bytes.len; i++) {
        *at++ = digits[(unsigned char)bytes.ptr[i] >> 4];
        *at++ = digits[(unsigned char)bytes.ptr[i] & 15];
    }
    out->len += e ? 0 : 2 * bytes.len;
    return e;
}

/* Millions of cells are numbers: printf is the slowest part of a long answer. */
struct span cell_integer(int64_t n, char text[CELL_INTEGER_SIZE])
{
    size_t at = CELL_INTEGER_SIZE;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

    do
        text[--at] = (char)('0' + left % 10);
    while (left /= 10);
    if (n < 0)
        text[--at] = '-';
    return span_make(text + at, CELL_INTEGER_SIZE - at);
}

static enum err put_integer(struct buf *out, int64_t n)
{
    char text[CELL_INTEGER_SIZE];

    return buf_append(out, cell_integer(n, text));
}

/* The bytes that a format cannot have as they are. Looked up, as nearly all bytes of a long answer pass here. */
enum { IN_TSV = 1, IN_MARKDOWN = 2 };
static const unsigned char special[256] = {
    ['\t'] = IN_TSV,
    ['\n'] = IN_TSV,
    ['\r'] = IN_TSV,
    ['\\'] = IN_TSV | IN_MARKDOWN,
    ['|'] = IN_MARKDOWN,
};

/* Appends s; a byte that is special there is put as fn says. */
static enum err put_runs(struct buf *out, struct span s, unsigned char format,
                         enum err (*fn)(struct buf *out, char c))
{
    enum err e = OK;

    while (!e && s.len) {
        size_t n = 0;

        while (n < s.len && !(special[(unsigned char)s.ptr[n]] & format))
            n++;
        e = buf_append(out, span_slice(s, 0, n));
        if (!e && n < s.len)
            e = fn(out, s.ptr[n++]);
        s = span_skip(s, n);
    }
    return e;
}

/* As short as it can be and still be read back as the same number. */
static enum err put_real(struct buf *out, double real)
{
    char text[32];

    for (int digits = DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    return buf_append(out, span_str(text));
}

enum err cell_put_plain(struct buf *out, const struct output_value *v)
{
    switch (v->type) {
    case OUTPUT_NULL: return OK;
    case OUTPUT_INTEGER: return put_integer(out, v->integer);
    case OUTPUT_REAL: return put_real(out, v->real);
    case OUTPUT_TEXT: return buf_append(out, v->text);
    case OUTPUT_BLOB: return put_hex(out, v->text);
    }
    return ERR_INVALID;
}

/* C1 controls and what turns the direction of text: legal in JSON, but it may end on a terminal. */
static bool must_escape(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* How many bytes of s, from its start, JSON has as they are. */
static size_t plain_run(struct span s)
{
    size_t n = 0;

    while (n < s.len && s.ptr[n] >= ' ' && s.ptr[n] < 0x7f && s.ptr[n] != '"' && s.ptr[n] != '\\')
        n++;
    return n;
}

/* RFC 8259. Bytes that are no UTF-8 come as U+FFFD each. */
enum err cell_put_json_text(struct buf *out, struct span s)
{
    enum err e = buf_append_byte(out, '"');

    while (!e && s.len) {
        uint32_t c = 'a'; /* any that is plain */
        size_t len = plain_run(s);

        if (!len)
            len = utf8_decode(s, &c);
        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", (char)c);
        else if (c == UTF8_REPLACEMENT || must_escape(c))
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_append(out, span_make(s.ptr, len));
        s = span_skip(s, len);
    }
    return e ? e : buf_append_byte(out, '"');
}

enum err cell_put_json(struct buf *out, const struct output_value *v)
{
    enum err e;

    switch (v->type) {
    case OUTPUT_NULL: return buf_append(out, SPAN("null"));
    case OUTPUT_TEXT: return cell_put_json_text(out, v->text);
    case OUTPUT_REAL:
        if (!isfinite(v->real)) /* JSON has no word for it */
            return buf_append(out, SPAN("null"));
        return cell_put_plain(out, v);
    case OUTPUT_BLOB:
        e = buf_append_byte(out, '"');
        e = e ? e : put_hex(out, v->text);
        return e ? e : buf_append_byte(out, '"');
    default: return cell_put_plain(out, v);
    }
}

/* One character of a string, as it is or escaped. */
static enum err put_safe(struct buf *out, struct span character, uint32_t c)
{
    struct buf escaped;
    enum err e;

    buf_init(&escaped, 64);
    e = log_escape(&escaped, character);
    if (!e && span_eq(buf_span(&escaped), character))
        e = buf_append(out, character);
    else if (!e && c < 0x10000)
        e = buf_printf(out, "\\u%04x", c);
    else if (!e)
        e = buf_printf(out, "\\u%04x\\u%04x", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
    buf_clear(&escaped);
    return e;
}

enum err cell_put_json_value(struct buf *out, struct span json)
{
    enum err e = OK;

    while (!e && json.len) {
        size_t n = 0;
        uint32_t c;

        while (n < json.len && json.ptr[n] >= ' ' && json.ptr[n] < 0x7f)
            n++;
        if (n) {
            e = buf_append(out, span_slice(json, 0, n));
        } else {
            n = utf8_decode(json, &c);
            e = put_safe(out, span_slice(json, 0, n), c);
        }
        json = span_skip(json, n);
    }
    return e;
}

static size_t count(struct span s, char c)
{
    size_t n = 0, at;

    for (; (at = span_find(s, c)) < s.len; n++)
        s = span_skip(s, at + 1);
    return n;
}

/* RFC 4180 quoting; a cell that a spreadsheet would run as a formula is disarmed (OWASP CSV injection). */
enum err cell_put_csv(struct buf *out, const struct output_value *v)
{
    struct span rest = v->text;
    size_t n_quotes;
    enum err e;
    char *at;

    if (v->type != OUTPUT_TEXT)
        return cell_put_plain(out, v);
    n_quotes = count(rest, '"');
    e = buf_reserve(out, rest.len + n_quotes + 3);
    if (e)
        return e;
    at = out->ptr + out->len;
    *at++ = '"';
    if (rest.len && memchr("=+-@\t\r", rest.ptr[0], 6))
        *at++ = '\'';
    for (; n_quotes; n_quotes--) {
        size_t n = span_find(rest, '"') + 1;

        memcpy(at, rest.ptr, n);
        at += n;
        *at++ = '"';
        rest = span_skip(rest, n);
    }
    if (rest.len)
        memcpy(at, rest.ptr, rest.len);
    at += rest.len;
    *at++ = '"';
    out->len = (size_t)(at - out->ptr);
    return OK;
}

static enum err put_tsv_escape(struct buf *out, char c)
{
    return buf_printf(out, "\\%c",
                      c == '\t'   ? 't'
                      : c == '\n' ? 'n'
                      : c == '\r' ? 'r'
                                  : '\\');
}

/* Tab, newline, return and backslash as \t, \n, \r, \\ : one row stays one line. */
enum err cell_put_tsv(struct buf *out, const struct output_value *v)
{
    if (v->type != OUTPUT_TEXT)
        return cell_put_plain(out, v);
    return put_runs(out, v->text, IN_TSV, put_tsv_escape);
}

static enum err put_markdown_escape(struct buf *out, char c)
{
    return buf_printf(out, "\\%c", c);
}

/* As log_escape, but white space stays: a tab itself, ends of lines as spaces. */
static enum err escape_all_but_space(struct buf *out, struct span s)
{
    enum err e = OK;

    while (!e && s.len) {
        size_t n = 0;

        while (n < s.len && s.ptr[n] != '\t' && s.ptr[n] != '\n' && s.ptr[n] != '\r')
            n++;
        e = log_escape(out, span_slice(s, 0, n));
        if (!e && n < s.len)
            e = buf_append_byte(out, s.ptr[n++] == '\t' ? '\t' : ' ');
        s = span_skip(s, n);
    }
    return e;
}

enum err cell_put_markdown(struct buf *out, const struct output_value *v)
{
    struct buf safe;
    enum err e;

    if (v->type != OUTPUT_TEXT)
        return cell_put_plain(out, v);
    buf_init(&safe, MAX_TEXT);
    e = escape_all_but_space(&safe, v->text);
    e = e ? e : put_runs(out, buf_span(&safe), IN_MARKDOWN, put_markdown_escape);
    buf_clear(&safe);
    return e;
}

enum err cell_put_terminal(struct buf *out, const struct output_value *v,
                           enum err (*put)(struct buf *out,
                                           const struct output_value *v))
{
    struct output_value safe = *v;
    struct buf text;
    enum err e;

    buf_init(&text, MAX_TEXT);
    e = log_escape(&text, v->text);
    safe.text = buf_span(&text);
    if (!e)
        e = put(out, &safe);
    buf_clear(&text);
    return e;
}
