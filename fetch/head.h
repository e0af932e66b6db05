/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP answer as it arrives, line by line (RFC 9112 §2-6):
 * interim answers dropped, the final one's lines kept, bytes and lines counted
 * over everything (interim answers and trailers too), contradictory framing
 * noticed. libcurl 7.88 reports success for an answer that ends inside its
 * header block, and has no limit on headers; this module makes up for both
 * (promises P2, P28, P29).
 *
 * Lines are outside bytes. Pure: no socket, no clock, does not suspend.
 */
#pragma once

#include "config/buf.h"
#include "config/err.h"

enum head_field {
    HEAD_CONTENT_TYPE,
    HEAD_LOCATION,
    HEAD_ETAG,
    HEAD_LAST_MODIFIED,
    HEAD_RETRY_AFTER,
    HEAD_SQUID_ERROR,
    N_HEAD_FIELDS
};

/* Offsets into lines; a position of 0 means absent (a value never starts there). */
struct head_place {
    uint32_t at, len;
};

struct head {
    struct buf lines; /* "Name: value\r\n" of the latest answer, folds joined */
    struct head_place fields[N_HEAD_FIELDS];
    size_t n_bytes, n_lines; /* of everything so far */
    size_t max_bytes, max_lines;
    int status_code;        /* 0 before a status line */
    int http_minor;         /* of HTTP/1.x; 1 where it says anything else */
    int64_t content_length; /* -1: none */
    int8_t last_field;      /* the line before set this field; -1: none */
    bool is_complete;       /* the blank line after the final header came */
    bool has_transfer_encoding;
    bool says_identity; /* a Transfer-Encoding that is none: the length counts */
    const char *refusal; /* static text, or NULL while all is well */
};

/* max_bytes also caps the kept lines. Takes no memory yet. */
void head_init(struct head *h, size_t max_bytes, size_t max_lines);

/* For the next answer, memory kept unless it grew beyond the ordinary. */
void head_reset(struct head *h);
void head_clear(struct head *h);

/*
 * The next line with its line ending: status line, field, blank line or, once
 * complete, a trailer. ERR_INVALID when the answer must not be believed or read
 * further; h->refusal says why.
 */
enum err head_add_line(struct head *h, struct span line) MUST_USE;

/* The field's first value, trimmed; a view of h->lines. SPAN_NONE when absent. */
struct span head_value(const struct head *h, enum head_field field);
