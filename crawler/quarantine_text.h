/* SPDX-License-Identifier: MIT */
/*
 * A quarantined page as text: one line of JSON that is a request of `crawl
 * inspect` (parse/inspect.h), so that the same command shows the fault again.
 * Pure; private to crawler/quarantine.c.
 */
#pragma once

#include "config/buf.h"

struct quarantine_page {
    uint8_t kind; /* enum job_kind */
    struct span url, content_type, content_encoding, headers, product_token, body;
    struct span why;
    int64_t at_wall_ms;
};

/* The first part of the file's name for a kind of job; NULL: such jobs are not kept. */
const char *quarantine_text_word(uint8_t job_kind);

/* What a page with so many bytes of body and header lines takes at most, in round figures. */
uint64_t quarantine_text_bound(size_t body_bytes, size_t header_bytes);

/* Appends the line. ERR_NO_MEMORY, ERR_TOO_LARGE. */
enum err quarantine_text_format(const struct quarantine_page *p,
                                struct buf *out) MUST_USE;
