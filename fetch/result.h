/* SPDX-License-Identifier: MIT */
/*
 * What one request came to. A 404 is an outcome, not an error. Plain data,
 * shared by the fetcher, the visit and the store.
 */
#pragma once

#include "config/span.h"

/* name, text in the database (fetches.outcome) */
#define FETCH_OUTCOME_TABLE(X)                                                         \
    X(FETCH_OK, "ok")                                                                  \
    X(FETCH_REDIRECT, "redirect")                                                      \
    X(FETCH_NOT_MODIFIED, "not_modified")                                              \
    X(FETCH_HTTP_ERROR, "http_error")                                                  \
    X(FETCH_DNS_FAILED, "dns_failed")                                                  \
    X(FETCH_CONNECT_FAILED, "connect_failed")                                          \
    X(FETCH_TLS_FAILED, "tls_failed")                                                  \
    X(FETCH_TIMEOUT, "timeout")                                                        \
    X(FETCH_CONNECTION_LOST, "connection_lost")                                        \
    X(FETCH_INCOMPLETE, "incomplete")                                                  \
    X(FETCH_TOO_LARGE, "too_large")                                                    \
    X(FETCH_BAD_ENCODING, "bad_encoding")                                              \
    X(FETCH_BAD_RESPONSE, "bad_response")                                              \
    X(FETCH_BLOCKED_ADDRESS, "blocked_address")                                        \
    X(FETCH_REDIRECT_LIMIT, "redirect_limit")                                          \
    X(FETCH_CANCELLED, "cancelled")

enum fetch_outcome {
#define X(name, text) name,
    FETCH_OUTCOME_TABLE(X)
#undef X
    N_FETCH_OUTCOMES
};

/* The text in the database, such as "http_error". */
const char *result_outcome_name(enum fetch_outcome outcome);

/* Milliseconds spent, without the wait for a permit; -1 where the step did not happen (a reused
 * connection has no DNS step). */
struct fetch_timings {
    int32_t dns_ms, connect_ms, tls_ms, ttfb_ms, total_ms;
};

/* An answer's body, still coded, in shared memory; see fetch/bodies.h. */
struct body_ref {
    uint32_t offset_pages; /* in units of BODIES_PAGE */
    uint32_t size_pages;   /* of the block; 0 = no body */
    size_t len;            /* bytes that count */
};

struct fetch_result {
    enum fetch_outcome outcome;
    int status_code;          /* 0 without one */
    struct span error;        /* for people; empty when all went well */
    struct span http_version; /* "1.1", "2" */
    struct span ip;           /* of the peer */
    struct span headers;      /* raw lines "Name: value\r\n" of the final answer */
    struct span request_headers; /* raw lines as we sent them, secrets left out */
    /* Views of headers, the first line of a name; of Content-Encoding all lines (empty when absent): */
    struct span content_type, content_encoding, location, etag, last_modified, retry_after;
    struct body_ref body;     /* owned by whoever holds the result */
    int64_t wire_size;        /* body bytes received, coded */
    struct fetch_timings timings;
    int64_t started_wall_ms;
    int64_t ended_ns;         /* when the last byte came; for politeness */
    int64_t waited_ns;        /* for the address's permit: no clock counts it */
    bool body_skipped;        /* stopped after the headers: type not wanted */
    bool was_reused_and_lost; /* a kept-alive connection died before any byte: retry uncharged */
    bool is_name_unknown;     /* dns_failed because the name does not exist: final, no retry helps */
    bool is_cut_off; /* nothing went out: this machine is offline, and knows no way to a name server or the host */
    bool is_out_of_descriptors; /* EMFILE: nothing went out; pause and try again, uncharged */
    bool is_without_room; /* the room to be reserved was not there: cancelled, nothing went out; as above */
};
