/* SPDX-License-Identifier: MIT */
/*
 * What a request says: its header lines in order, for libcurl and for the
 * record. One place decides both, so the record is what went out, but for
 * secrets (promise P23). No libcurl here, nothing suspends.
 */
#pragma once

#include "config/arena.h"
#include "fetch/fetcher.h"

struct request_line {
    struct span name, value;
    bool is_automatic; /* libcurl writes this one itself */
};

/* Zero it to start. */
struct request_cursor {
    size_t next;
};

/*
 * The next line to send. The caller's own headers replace ours of the same
 * name; lines that could not be sent as one line (control bytes, bad names) are
 * left out. The value of Host is empty: it follows from the URL.
 */
bool request_next(const struct fetcher_options *o, const struct fetch_request *r,
                  struct request_cursor *c, struct request_line *out);

/* Does the request consist of the automatic and the constant lines only? */
bool request_is_plain(const struct fetch_request *r);

/* The constant lines: i from 0; false past the end. */
bool request_constant(size_t i, struct request_line *out);

/* All lines as "Name: value\r\n" in mem, secret values as "(withheld)". ERR_TOO_LARGE. */
enum err request_record(const struct fetcher_options *o, const struct fetch_request *r,
                        struct arena *mem, struct span *out) MUST_USE;

/*
 * What to ask for, in url_text, the URL with a NUL behind it; is_absolute: of a proxy. NULL where libcurl finds it:
 * from 8.8 on it leaves out a "?" that nothing follows, and servers may tell /a? from /a.
 */
const char *request_target(const struct fetch_request *r, const char *url_text, bool is_absolute);
