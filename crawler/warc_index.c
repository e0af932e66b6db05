/* SPDX-License-Identifier: MIT */
#include "crawler/warc_index.h"

#include "config/io.h"
#include "config/mem.h"
#include "crawler/warc_http.h"
#include "parse/url_encode.h"

#define MAX_LINE \
    ((size_t)64 * 1024)       /* of one line; longer mime types and such are cut */
#define MAX_QUERY_PARTS  1000 /* more are left in their order */
#define TIMESTAMP_DIGITS 14

struct warc_index {
    struct buf lines;
};

struct warc_index *warc_index_new(void)
{
    struct warc_index *x = mem_alloc(sizeof *x);

    buf_init(&x->lines, WARC_INDEX_MAX_BYTES + MAX_LINE);
    return x;
}

void warc_index_free(struct warc_index *x)
{
    if (!x)
        return;
    buf_clear(&x->lines);
    mem_free(x);
}

size_t warc_index_bytes(const struct warc_index *x)
{
    return x->lines.len;
}

/* --- the key --------------------------------------------------------------------- */

static int compare_spans(const void *a, const void *b)
{
    return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* "www." and "www2." at the front. */
static struct span without_www(struct span host)
{
    size_t n = 3;

    if (!span_starts_nocase(host, SPAN("www")))
        return host;
    while (n < host.len && host.ptr[n] >= '0' && host.ptr[n] <= '9')
        n++;
    return n < host.len && host.ptr[n] == '.' ? span_skip(host, n + 1) : host;
}

static enum err put_host(struct span host, struct buf *out)
{
    enum err e = OK;

    while (!e && host.len) {
        size_t dot = host.len;

        while (dot && host.ptr[dot - 1] != '.')
            dot--;
        e = buf_append(out, span_skip(host, dot));
        if (dot && !e)
            e = buf_append_byte(out, ',');
        host = span_slice(host, 0, dot ? dot - 1 : 0);
    }
    return e;
}

/* The value of the escape that s ends with, -1: it ends with none. */
static int last_escape(struct span s)
{
    int high =
        s.len < 3 || s.ptr[s.len - 3] != '%' ? -1 : url_encode_hex(s.ptr[s.len - 2]);
    int low = high < 0 ? -1 : url_encode_hex(s.ptr[s.len - 1]);

    return low < 0 ? -1 : high << 4 | low;
}

/*
 * Takes every %XX out, those too that come to light by that (%2541), and writes what needs it
 * as %xx again: one spelling for all of them, in lower case.
 */
static enum err put_plain(struct span s, struct buf *out)
{
    struct buf plain;
    enum err e = OK;

    buf_init(&plain, MAX_LINE);
    for (size_t i = 0; !e && i < s.len; i++) {
        int c;

        e = buf_append_byte(&plain, s.ptr[i]);
        while ((c = last_escape(buf_span(&plain))) >= 0) {
            plain.len -= 2;
            plain.ptr[plain.len - 1] = (char)c;
        }
    }
    for (size_t i = 0; !e && i < plain.len; i++) {
        unsigned char c = (unsigned char)plain.ptr[i];

        if (c <= ' ' || c >= 0x7f || c == '#' || c == '%')
            e = buf_printf(out, "%%%02x", c);
        else
            e = buf_append_byte(out, span_ascii_lower((char)c));
    }
    buf_clear(&plain);
    return e;
}

/* By name, then by value; a name alone comes before one with a value. */
static int compare_parts(const void *a, const void *b)
{
    struct span x = *(const struct span *)a, y = *(const struct span *)b;
    size_t x_name = span_find(x, '='), y_name = span_find(y, '=');
    int order = span_cmp(span_slice(x, 0, x_name), span_slice(y, 0, y_name));

    return order ? order : span_cmp(span_skip(x, x_name), span_skip(y, y_name));
}

static enum err put_sorted(struct span query, struct buf *out)
{
    struct span parts[MAX_QUERY_PARTS], part;
    struct span rest = query;
    enum err e = OK;
    size_t n = 0;

    while (n < MAX_QUERY_PARTS && span_split(&rest, '&', &part))
        parts[n++] = part;
    if (rest.len)
        return buf_append(out, query);
    qsort(parts, n, sizeof *parts, compare_parts);
    for (size_t i = 0; !e && i < n; i++) {
        if (i)
            e = buf_append_byte(out, '&');
        if (!e)
            e = buf_append(out, parts[i]);
    }
    return e;
}

static enum err put_query(struct span query, struct buf *out)
{
    struct buf plain;
    enum err e = buf_append_byte(out, '?');

    buf_init(&plain, MAX_LINE);
    e = e ? e : put_plain(query, &plain);
    e = e ? e : put_sorted(buf_span(&plain), out);
    buf_clear(&plain);
    return e;
}

/* "//" counts as "/", and a "/" at the end for nothing, but where it is all. */
static enum err put_path(struct span path, struct buf *out)
{
    size_t from = out->len, to = from + 1;
    enum err e = path.len ? put_plain(path, out) : buf_append_byte(out, '/');

    if (e)
        return e;
    for (size_t i = from + 1; i < out->len; i++)
        if (out->ptr[i] != '/' || out->ptr[to - 1] != '/')
            out->ptr[to++] = out->ptr[i];
    out->len = to - (to > from + 1 && out->ptr[to - 1] == '/');
    return OK;
}

/* Where the authority ends: at the first of "/?", or the end. */
static size_t authority_end(struct span s)
{
    return MIN(span_find(s, '/'), span_find(s, '?'));
}

/* In lower case, "www." dropped, its labels turned round; a port stays. */
static enum err put_authority(struct span authority, struct buf *out)
{
    size_t colon = authority.len, from = out->len;
    enum err e;

    while (colon && authority.ptr[colon - 1] >= '0' && authority.ptr[colon - 1] <= '9')
        colon--;
    if (!colon || authority.ptr[colon - 1] != ':')
        colon = authority.len + 1; /* no port */
    e = put_host(without_www(span_slice(authority, 0, colon - 1)), out);
    if (!e && colon <= authority.len)
        e = buf_append(out, span_skip(authority, colon - 1));
    for (size_t i = from; i < out->len; i++)
        out->ptr[i] = span_ascii_lower(out->ptr[i]);
    return e ? e : buf_append_byte(out, ')');
}

/* rest: the URL without its scheme. */
static enum err put_key(struct span rest, struct buf *out)
{
    struct span authority = span_slice(rest, 0, authority_end(rest));
    struct span path = span_skip(rest, authority.len);
    size_t mark = span_find(path, '?');
    enum err e = put_authority(authority, out);

    e = e ? e : put_path(span_slice(path, 0, mark), out);
    path = span_skip(path, mark + 1);
    return e || !path.len ? e : put_query(path, out);
}

enum err warc_index_surt(struct span url, struct buf *out)
{
    size_t scheme = span_starts_nocase(url, SPAN("http://"))    ? 7
                    : span_starts_nocase(url, SPAN("https://")) ? 8
                                                                : 0;

    return scheme ? put_key(span_skip(url, scheme), out) : buf_append(out, url);
}

/* --- a line ---------------------------------------------------------------------- */

/* What a line tells, as the record says it. */
struct capture {
    struct span type, uri, date, digest; /* of the WARC fields */
    struct span status, mime;            /* of the HTTP head */
};

static struct span essence(struct span content_type)
{
    return span_trim(span_slice(content_type, 0, span_find(content_type, ';')));
}

/* Indexes name SHA-1 digests by their characters alone. */
static struct span plain_digest(struct span digest)
{
    return span_starts_nocase(digest, SPAN("sha1:")) ? span_skip(digest, 5) : digest;
}

/* False when the record is none that is looked up. */
static bool read_capture(struct span head, struct capture *out)
{
    size_t end = span_find_span(head, SPAN("\r\n\r\n"));
    struct span fields = span_slice(head, 0, end), http = span_skip(head, end + 4);
    struct span status = span_slice(http, 0, span_find(http, '\n')), word;

    *out = (struct capture){ .type = warc_http_value(fields, SPAN("WARC-Type")),
                             .uri = warc_http_value(fields, SPAN("WARC-Target-URI")),
                             .date = warc_http_value(fields, SPAN("WARC-Date")),
                             .digest = plain_digest(warc_http_value(
                                 fields, SPAN("WARC-Payload-Digest"))) };
    if (!span_eq(out->type, SPAN("response")) && !span_eq(out->type, SPAN("revisit")))
        return false;
    http = span_slice(http, 0, span_find_span(http, SPAN("\r\n\r\n")));
    out->mime = span_eq(out->type, SPAN("revisit"))
                    ? SPAN("warc/revisit")
                    : essence(warc_http_value(http, SPAN("Content-Type")));
    if (span_token(&status, &word) && span_token(&status, &word))
        out->status = word;
    return true;
}

/* A JSON string; what is not printable ASCII is written as ISO-8859-1. */
static enum err put_json(struct buf *out, const char *before, struct span s)
{
    enum err e = buf_append(out, span_str(before));

    for (size_t i = 0; !e && i < MIN(s.len, MAX_LINE / 16); i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_append_byte(out, (char)c);
    }
    return e ? e : buf_append_byte(out, '"');
}

/* "2026-11-21T09:20:00.123Z" as 20261121092000. */
static enum err put_timestamp(struct buf *out, struct span date)
{
    size_t n = 0;
    enum err e = OK;

    for (size_t i = 0; !e && i < date.len && n < TIMESTAMP_DIGITS; i++)
        if (date.ptr[i] >= '0' && date.ptr[i] <= '9') {
            e = buf_append_byte(out, date.ptr[i]);
            n++;
        }
    return e;
}

static enum err put_line(const struct capture *c, const char *file_name, int64_t offset,
                         int64_t length, struct buf *out)
{
    enum err e =
        warc_index_surt(span_slice(c->uri, 0, MIN(c->uri.len, MAX_LINE / 8)), out);

    e = e ? e : buf_append_byte(out, ' ');
    e = e ? e : put_timestamp(out, c->date);
    e = e ? e : put_json(out, " {\"url\": \"", c->uri);
    if (!e && c->mime.len)
        e = put_json(out, ", \"mime\": \"", c->mime);
    if (!e && c->status.len)
        e = put_json(out, ", \"status\": \"", c->status);
    if (!e && c->digest.len)
        e = put_json(out, ", \"digest\": \"", c->digest);
    return e ? e
             : buf_printf(
                   out,
                   ", \"length\": \"%lld\", \"offset\": \"%lld\", \"filename\": \"%s\"}\n",
                   (long long)length, (long long)offset, file_name);
}

enum err warc_index_add(struct warc_index *x, struct span head, const char *file_name,
                        int64_t offset, int64_t length)
{
    size_t before = x->lines.len;
    struct capture c;
    enum err e;

    if (!read_capture(head, &c))
        return OK;
    e = put_line(&c, file_name, offset, length, &x->lines);
    if (e)
        x->lines.len = before; /* no half lines */
    return e;
}

enum err warc_index_write(struct warc_index *x, int fd)
{
    struct span rest = buf_span(&x->lines), line;
    struct span *lines;
    struct buf block;
    size_t n = 0;
    enum err e = OK;

    while (span_split(&rest, '\n', &line))
        n++;
    lines = mem_array(n + 1, sizeof *lines);
    rest = buf_span(&x->lines);
    for (size_t i = 0; i < n && span_split(&rest, '\n', &line); i++)
        lines[i] = span_make(line.ptr, line.len + 1);
    qsort(lines, n, sizeof *lines, compare_spans);
    buf_init(&block, MAX_LINE * 2);
    for (size_t i = 0; !e && i < n; i++) {
        e = buf_append(&block, lines[i]);
        if (!e && (block.len >= MAX_LINE || i + 1 == n)) {
            e = io_write_all(fd, buf_span(&block));
            buf_reset(&block);
        }
    }
    buf_clear(&block);
    mem_free(lines);
    buf_clear(&x->lines);
    return e;
}
