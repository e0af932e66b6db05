/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request, as a call that suspends. Behind it: several curl_multi
 * handles on the loop (sharded by host: libcurl 7.88 walks every connection of
 * a handle), pooled easy handles, our own DNS, the address guard at connect
 * time. libcurl never follows redirects, never decodes a body, never reads
 * .netrc, .curlrc or proxy variables, never re-sends a request by itself.
 *
 * The fetcher knows nothing of robots, politeness, retries or the database.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "fetch/bodies.h"
#include "fetch/result.h"
#include "fetch/sched.h"

struct fetcher;
struct dns;
struct address_policy;

struct fetcher_options {
    int64_t connect_timeout_ms;    /* 10 s */
    int64_t first_byte_timeout_ms; /* 30 s, from the request sent */
    int64_t total_timeout_ms;      /* 120 s */
    int64_t low_speed_bytes;       /* 100 B/s ... */
    int64_t low_speed_ms;          /* ... over 30 s */
    size_t max_body_bytes;         /* wire bytes, 10 MiB */
    size_t max_header_bytes;       /* 300 KiB */
    size_t max_headers;            /* 5,000 */
    size_t max_heads_bytes; /* of all answers together whose header lines are more than ordinary */
    size_t max_tls_bytes; /* of TLS connections; beyond it none is kept when its request is done */
    size_t concurrency;            /* in flight at most; sizes shards and caches */
    struct span user_agent;
    struct span proxy;   /* empty: none, whatever the environment says */
    struct span ca_file; /* empty: the system's */
    const struct address_policy *addresses;
};

struct fetch_header {
    struct span name, value;
};

/* What becomes of the connection afterwards. */
enum fetch_keep {
    FETCH_CLOSE,
    FETCH_KEEP_IN_HALF, /* another request to this host may follow: kept while half of the room is free */
    FETCH_KEEP,         /* one will */
};

struct fetch_request {
    struct span url;  /* as parse/url.h serialises it, no fragment, no userinfo */
    struct span host; /* url_hostname */
    uint16_t port;
    bool is_https;
    bool is_insecure; /* --insecure for this host: certificate not checked */
    bool is_fresh;    /* on a new connection, not on a kept one */
    enum fetch_keep keep;
    size_t min_body_bytes; /* read at least so far, also where max_body_bytes is less */
    /*
     * So much room for the body (at most what the longest takes) is taken before anything is sent, and the transfer is
     * not shed. Large ones take at most half of all memory for bodies; when there is none: result is_without_room.
     */
    size_t reserve_bytes;
    struct span etag, last_modified; /* for a conditional request; empty: none */
    const struct fetch_header
        *headers; /* further ones, such as Authorization for this origin */
    size_t n_headers;
    /*
     * Called once when the final headers are complete, on the loop's stack;
     * false stops the transfer there (result: outcome by status, body_skipped).
     * NULL: read every body. Must not suspend or call the fetcher.
     */
    bool (*wants_body)(void *arg, int status_code, struct span content_type);
    void *arg;
    /*
     * Called on the calling coroutine once the peer's address is known and
     * before anything is sent to it; may suspend (per-IP permits), which no clock
     * of the request counts. NULL: none.
     * An error ends the request with that error.
     */
    enum err (*enter_address)(void *arg, struct span ip, deadline until);
    void (*leave_address)(void *arg, struct span ip);
};

/* Descriptors that a fetcher for so many in flight has beside its connections. */
size_t fetcher_descriptors(size_t concurrency);

enum err fetcher_open(struct sched *s, const struct fetcher_options *options,
                      struct dns *dns, struct bodies *bodies, struct fetcher **out,
                      struct err_note *note) MUST_USE;

/* No request may be in flight. Like fetcher_open not on a coroutine: libcurl needs more stack. */
void fetcher_close(struct fetcher *f);

/*
 * Does the request and suspends until it is over. Everything that went wrong
 * with the page is out->outcome; spans of *out live in mem, out->body belongs
 * to the caller (also when the outcome is an error: the part received). On
 * ERR_TIMEOUT (until passed) or ERR_CANCELLED nothing is left behind.
 */
enum err fetcher_fetch(struct fetcher *f, const struct fetch_request *request,
                       struct arena *mem, deadline until,
                       struct fetch_result *out) MUST_USE;

/*
 * Cancels the youngest n transfers (fewer where some are being cancelled already) but those that reserved room for
 * their bodies: their fetcher_fetch returns OK with outcome FETCH_CANCELLED. For when memory for bodies runs out.
 */
void fetcher_shed(struct fetcher *f, size_t n);

struct fetcher_stats {
    size_t in_flight, peak_in_flight;
    uint64_t requests, connections, reused;
    uint64_t body_bytes;
    uint64_t cut; /* connections that would not let libcurl go */
};

void fetcher_get_stats(const struct fetcher *f, struct fetcher_stats *out);
