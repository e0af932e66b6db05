/* SPDX-License-Identifier: MIT */
#include "fetch/head.h"

/* An ordinary head fits; what a flood made larger is given back. */
#define KEEP_BYTES ((size_t)8 << 10)

#define NAME(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }
static const struct span FIELD_NAMES[N_HEAD_FIELDS] = {
    [HEAD_CONTENT_TYPE] = NAME("content-type"),
    [HEAD_LOCATION] = NAME("location"),
    [HEAD_ETAG] = NAME("etag"),
    [HEAD_LAST_MODIFIED] = NAME("last-modified"),
    [HEAD_RETRY_AFTER] = NAME("retry-after"),
    [HEAD_SQUID_ERROR] = NAME("x-squid-error"),
};
#undef NAME

static enum err refuse(struct head *h, const char *why)
{
    h->refusal = why;
    return ERR_INVALID;
}

static void start_answer(struct head *h)
{
    buf_reset(&h->lines);
    memset(h->fields, 0, sizeof(h->fields));
    h->status_code = 0;
    h->http_minor = 1;
    h->content_length = -1;
    h->last_field = -1;
    h->has_transfer_encoding = h->says_identity = false;
}

void head_init(struct head *h, size_t max_bytes, size_t max_lines)
{
    *h = (struct head){ .max_bytes = max_bytes, .max_lines = max_lines };
    buf_init(&h->lines, max_bytes + 2); /* offset 0 is never a value; see head_place */
    start_answer(h);
}

void head_reset(struct head *h)
{
    if (h->lines.cap > KEEP_BYTES)
        buf_clear(&h->lines);
    start_answer(h);
    h->n_bytes = h->n_lines = 0;
    h->is_complete = false;
    h->refusal = NULL;
}

void head_clear(struct head *h)
{
    buf_clear(&h->lines);
}

/* "HTTP/1.1 200 OK" (RFC 9112 §4), also "HTTP/2 200", as libcurl writes it. */
static enum err take_status_line(struct head *h, struct span line)
{
    size_t space = span_find(line, ' ');
    struct span code =
        span_slice(line, MIN(space + 1, line.len), MIN(space + 4, line.len));
    uint64_t status;

    start_answer(h);
    if (code.len != 3 || !span_parse_u64(code, &status) || status < 100)
        return refuse(h, "malformed status line");
    if (span_starts(line, SPAN("HTTP/1.0")))
        h->http_minor = 0;
    h->status_code = (int)status;
    return OK;
}

/* RFC 9110 §8.6: a list of the same number counts once, anything else is an error. */
static enum err take_content_length(struct head *h, struct span value)
{
    struct span one;

    if (!value.len)
        return refuse(h, "invalid Content-Length");
    while (span_split(&value, ',', &one)) {
        uint64_t n;

        if (!span_parse_u64(span_trim(one), &n) || n > INT64_MAX)
            return refuse(h, "invalid Content-Length");
        if (h->content_length >= 0 && h->content_length != (int64_t)n)
            return refuse(h, "contradictory Content-Length");
        h->content_length = (int64_t)n;
    }
    return OK;
}

static void note_field(struct head *h, struct span name, uint32_t at, uint32_t len)
{
    for (int i = 0; i < N_HEAD_FIELDS; i++)
        if (span_eq_nocase(name, FIELD_NAMES[i])) {
            if (!h->fields[i].at) {
                h->fields[i] = (struct head_place){ at, len };
                h->last_field = (int8_t)i;
            }
            return;
        }
}

/* Appends the line, and its CRLF in the proper form. */
static enum err keep_line(struct head *h, struct span text)
{
    if (buf_append(&h->lines, text) || buf_append(&h->lines, SPAN("\r\n")))
        return refuse(h, "header fields too large");
    return OK;
}

/* obs-fold, RFC 9112 §5.2: the line break becomes spaces, the value goes on. */
static enum err take_fold(struct head *h, struct span text)
{
    size_t at = h->lines.len;
    enum err e;

    if (at < 2)
        return refuse(h, "header block begins with white space");
    memcpy(h->lines.ptr + at - 2, "  ", 2);
    e = keep_line(h, text);
    if (!e && h->last_field >= 0) {
        struct head_place *place = &h->fields[h->last_field];

        place->len = (uint32_t)(at + text.len - place->at);
    }
    return e;
}

/* What framing depends on, and the places of the fields somebody will ask for. */
static enum err take_value(struct head *h, struct span name, struct span value,
                           size_t at)
{
    if (span_eq_nocase(name, SPAN("content-length")))
        return take_content_length(h, value);
    if (!span_eq_nocase(name, SPAN("transfer-encoding")))
        note_field(h, name, (uint32_t)at, (uint32_t)value.len);
    else if (span_eq_nocase(value, SPAN("identity")))
        h->says_identity = true;
    else
        h->has_transfer_encoding = true;
    return OK;
}

static enum err take_field(struct head *h, struct span text)
{
    size_t colon = span_find(text, ':');
    struct span name = span_trim(span_slice(text, 0, colon));
    struct span value = span_trim(span_skip(text, colon + 1));
    size_t at = h->lines.len + (value.len ? (size_t)(value.ptr - text.ptr) : colon + 1);
    enum err e;

    h->last_field = -1;
    if (memchr(text.ptr, '\0', text.len))
        return refuse(h, "NUL in a header line");
    e = keep_line(h, text); /* places are only noted of what is kept */
    if (e || colon == text.len)
        return e; /* lines without a colon are kept, as browsers bear them */
    return take_value(h, name, value, at);
}

static enum err take_blank_line(struct head *h)
{
    if (!h->status_code)
        return refuse(h, "no status line");
    if (h->status_code < 200 && h->status_code != 101)
        return OK; /* interim answer, RFC 9110 §15.2 */
    if (h->content_length >= 0 && h->has_transfer_encoding)
        return refuse(h,
                      "both Content-Length and Transfer-Encoding"); /* RFC 9112 §6.1 */
    h->is_complete = true;
    return OK;
}

enum err head_add_line(struct head *h, struct span line)
{
    struct span text = line;
    bool is_whole = line.len && line.ptr[line.len - 1] == '\n';

    h->n_bytes += line.len;
    h->n_lines++;
    if (h->n_bytes > h->max_bytes)
        return refuse(h, "header fields too large");
    if (h->n_lines > h->max_lines)
        return refuse(h, "too many header lines");
    if (h->is_complete)
        return OK; /* a trailer: counted, not kept */
    text.len -= is_whole;
    if (text.len && text.ptr[text.len - 1] == '\r')
        text.len--;
    if (!text.len) /* libcurl 8.23 hands on what came of a line when the connection ended */
        return is_whole ? take_blank_line(h) : OK;
    if (!h->status_code || (h->status_code < 200 && span_starts(text, SPAN("HTTP/"))))
        return take_status_line(h, text);
    if (text.ptr[0] == ' ' || text.ptr[0] == '\t')
        return take_fold(h, text);
    return take_field(h, text);
}

struct span head_value(const struct head *h, enum head_field field)
{
    struct head_place place = h->fields[field];

    if (!place.at)
        return SPAN_NONE;
    return span_trim(span_make(h->lines.ptr + place.at, place.len));
}
