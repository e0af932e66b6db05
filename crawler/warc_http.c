/* SPDX-License-Identifier: MIT */
#include "crawler/warc_http.h"

#define ORIGINAL SPAN("X-Crawl-Original-")

static const struct {
    int status_code;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 203, "Non-Authoritative Information" },
    { 204, "No Content" },
    { 205, "Reset Content" },
    { 206, "Partial Content" },
    { 300, "Multiple Choices" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 305, "Use Proxy" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 407, "Proxy Authentication Required" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 425, "Too Early" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 451, "Unavailable For Legal Reasons" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 511, "Network Authentication Required" },
};

const char *warc_http_reason(int status_code)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status_code == status_code)
            return reasons[i].reason;
    return "";
}

/* --- header lines ---------------------------------------------------------------- */

/*
 * The next line without its line end, however many returns that has. False when none
 * is left.
 */
static bool next_line(struct span *rest, struct span *out)
{
    if (!span_split(rest, '\n', out))
        return false;
    while (out->len && out->ptr[out->len - 1] == '\r')
        out->len--;
    return true;
}

static struct span name_of(struct span line)
{
    return span_trim(span_slice(line, 0, span_find(line, ':')));
}

static struct span value_of(struct span line)
{
    return span_trim(span_skip(line, span_find(line, ':') + 1));
}

struct span warc_http_value(struct span headers, struct span name)
{
    struct span line;

    while (next_line(&headers, &line))
        if (line.len && span_eq_nocase(name_of(line), name))
            return value_of(line);
    return SPAN_NONE;
}

/*
 * RFC 9110 §8.6, RFC 9112 §6.3: answers without a body; their Content-Length speaks
 * of something else.
 */
static bool has_no_body(int status_code)
{
    return status_code < 200 || status_code == 204 || status_code == 304;
}

/* Do the lines say this length, once and rightly? */
static bool says_length(struct span headers, int64_t length)
{
    struct span line;
    size_t n = 0;
    uint64_t said;

    while (next_line(&headers, &line)) {
        if (!span_eq_nocase(name_of(line), SPAN("content-length")))
            continue;
        if (n++ || !span_parse_u64(value_of(line), &said) || said != (uint64_t)length)
            return false;
    }
    return n == 1;
}

/* --- messages -------------------------------------------------------------------- */

static enum err put_line(struct buf *out, struct span before, struct span line)
{
    enum err e = buf_append(out, before);

    e = e ? e : buf_append(out, line);
    return e ? e : buf_append(out, SPAN("\r\n"));
}

/* Is this a field that no longer describes what is behind the head? */
static bool is_outdated(const struct warc_http_answer *a, struct span name,
                        bool sets_length)
{
    return span_eq_nocase(name, SPAN("transfer-encoding")) ||
           (a->is_decoded && span_eq_nocase(name, SPAN("content-encoding"))) ||
           (sets_length && span_eq_nocase(name, SPAN("content-length")));
}

static enum err put_fields(const struct warc_http_answer *a, bool sets_length,
                           struct buf *out)
{
    struct span rest = a->headers, line;
    enum err e = OK;

    while (!e && next_line(&rest, &line)) {
        if (!line.len)
            continue; /* a blank line would end the head here */
        e = put_line(out,
                     a->payload_len >= 0 && is_outdated(a, name_of(line), sets_length)
                         ? ORIGINAL
                         : SPAN(""),
                     line);
    }
    return e;
}

enum err warc_http_format_answer(const struct warc_http_answer *a, struct buf *out)
{
    bool sets_length = a->payload_len >= 0 && !has_no_body(a->status_code) &&
                       !says_length(a->headers, a->payload_len);
    enum err e = buf_printf(out, "HTTP/%s %03d %s\r\n",
                            span_eq(a->http_version, SPAN("1.0")) ? "1.0" : "1.1",
                            a->status_code, warc_http_reason(a->status_code));

    e = e ? e : put_fields(a, sets_length, out);
    if (!e && sets_length)
        e = buf_printf(out, "Content-Length: %lld\r\n", (long long)a->payload_len);
    return e ? e : buf_append(out, SPAN("\r\n"));
}

enum err warc_http_format_request(struct span url, struct span headers, struct buf *out)
{
    struct span path = span_skip(url, span_find_span(url, SPAN("://")) + 3), line;
    enum err e;

    path = span_skip(path, span_find(path, '/'));
    e = buf_append(out, SPAN("GET "));
    e = e ? e : buf_append(out, path.len ? path : SPAN("/"));
    e = e ? e : buf_append(out, SPAN(" HTTP/1.1\r\n"));
    while (!e && next_line(&headers, &line))
        if (line.len)
            e = put_line(out, SPAN(""), line);
    return e ? e : buf_append(out, SPAN("\r\n"));
}
