/* SPDX-License-Identifier: MIT */
/*
 * HTTP messages as WARC records hold them: HTTP/1.1 framing around the header
 * lines as they were received. The body behind them is never chunked, and from
 * the database never content-coded; so the fields that said otherwise keep
 * their value under the name X-Crawl-Original-NAME, and Content-Length tells
 * the length of what is there (RFC 9112 §6, ISO 28500).
 *
 * Pure: header lines are outside bytes and only copied.
 */
#pragma once

#include "config/buf.h"
#include "config/err.h"
#include "config/span.h"

/* An answer's head, and what lies behind it. */
struct warc_http_answer {
    int status_code;
    struct span http_version; /* "1.0", "1.1", "2"; only 1.0 is not written as 1.1 */
    struct span headers;      /* raw lines "Name: value\r\n" */
    int64_t
        payload_len; /* behind the head, or that it stands for; -1: none, lines stay */
    bool is_decoded; /* the content codings were undone */
};

/* Appends status line, fields and the blank line. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err warc_http_format_answer(const struct warc_http_answer *a,
                                 struct buf *out) MUST_USE;

/*
 * Appends a GET request for url (http or https, as parse/url.h serialises it) with
 * these raw lines. As above.
 */
enum err warc_http_format_request(struct span url, struct span headers,
                                  struct buf *out) MUST_USE;

/* The first value of a field in raw lines, trimmed; SPAN_NONE when absent. */
struct span warc_http_value(struct span headers, struct span name);

/* The phrase that goes with a status code (RFC 9110 §15); "" for unknown ones. */
const char *warc_http_reason(int status_code);
