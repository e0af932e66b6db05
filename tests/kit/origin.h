/* SPDX-License-Identifier: MIT */
/*
 * The web, as tests need it: an HTTP/1.1 server in a child process on
 * loopback, with its own event loop (thousands of connections), whose answers
 * are scripted down to the byte: pauses, resets, ends of file anywhere, bodies
 * without end, silence. Optionally over TLS with a certificate made on the
 * spot. Every request is logged in shared memory.
 *
 * A kit for tests and benchmarks: what fails here aborts. Start it before
 * there are threads; routes must stay unchanged while it runs (the child works
 * on its copy of our memory).
 */
#pragma once

#include "config/buf.h"
#include "config/span.h"

enum origin_step_kind {
    ORIGIN_SEND,    /* bytes */
    ORIGIN_PAUSE,   /* n ms */
    ORIGIN_ENDLESS, /* bytes again and again; n > 0: at most n times */
    ORIGIN_DRIP,    /* bytes one at a time, n ms between them */
    ORIGIN_HANG,    /* nothing more, connection open */
    ORIGIN_CLOSE,   /* FIN */
    ORIGIN_RESET,   /* RST */
    ORIGIN_NEXT,    /* answer over; take the next request */
};

struct origin_step {
    enum origin_step_kind kind;
    struct span bytes;
    int64_t n;
};

/* One logged request. Texts are cut at their arrays' size. */
struct origin_request {
    int64_t at_ns; /* clock_now_ns when its head was complete */
    int64_t
        end_ns; /* when the last of its answer was about to go out; 0: nothing yet */
    uint32_t connection;      /* number of the connection, from 1 */
    uint32_t n_on_connection; /* 1 for the first request on it */
    uint32_t address;         /* index: 0 is 127.0.0.1 */
    uint32_t in_flight;       /* requests unanswered just then, this one included */
    uint32_t in_flight_here;  /* ... on this address */
    char path[256];
    char host[128];
    char headers[1024]; /* raw lines without the request line */
};

enum origin_framing {
    ORIGIN_LENGTH, /* Content-Length */
    ORIGIN_CHUNKED,
    ORIGIN_UNTIL_CLOSE,
};

struct origin_route {
    const char *path; /* exact, or a prefix ended by '*'; NULL: any */
    const char *host; /* of the Host field, with or without port; NULL: any */
    uint32_t on;      /* only at 127.0.0.ON; 0: at any address */
    int status;       /* 0: 200 */
    const char *
        headers; /* further lines, "Name: value\r\n" each, $PORT is our port; NULL: none */
    struct span body;
    /* Makes the body (and status, if it likes) in the server process, instead of body. */
    void (*generate)(void *arg, const struct origin_request *r, int *io_status,
                     struct buf *out);
    void *arg;
    int64_t delay_ms;
    enum origin_framing framing;
    bool closes; /* Connection: close */
    bool has_etag; /* of what generate made, unless that set a status; 304 to a request that has it */
    int uses;    /* answers so many requests, then later routes do; 0: no end */
    /* Raw bytes instead of all that; ends with a step that ends the answer. */
    const struct origin_step *script;
    size_t n_steps;
};

struct origin_options {
    const struct origin_route *routes; /* the first that matches; none: 404 */
    size_t n_routes;
    size_t n_addresses; /* 127.0.0.1, .2, ...; 0: one; over 1,024 share a socket */
    size_t max_log;     /* requests logged; later ones are only counted. 0: 4096 */
    bool is_tls;
    const char
        *tls_names; /* of the certificate, "DNS:a.test,IP:127.0.0.1"; NULL: that IP */
    bool tls_is_expired;
    bool tls_ends_quietly; /* closes without saying so first (close_notify) */
    uint32_t tls_cut_from, tls_cut_to; /* connections of these numbers are closed, or reset where it is even, at hello */
    bool speaks_h2; /* agrees to HTTP/2; its frames are the scripts' business */
    bool is_mute;   /* takes connections and never says a word */
    struct span greeting; /* sent as soon as there is a connection, in clear text */
};

struct origin_counts {
    uint64_t requests, connections, bytes_sent;
    uint64_t open_connections, in_flight, peak_in_flight,
        peak_here; /* peak_here: per address */
};

/* A generate whose arg is the body's text; $PORT in it becomes the port asked at. */
void origin_text(void *arg, const struct origin_request *r, int *io_status,
                 struct buf *out);

struct origin;

struct origin *origin_start(const struct origin_options *o);

/* Kills the child and waits for it. NULL is fine. */
void origin_stop(struct origin *o);

uint16_t origin_port(const struct origin *o);

/* The child. */
int origin_pid(const struct origin *o);

/* A file with the certificate, to be trusted; NULL without TLS. */
const char *origin_ca_file(const struct origin *o);

/* "http://127.0.0.1:port" (or https) and path; stays valid for the next seven calls. */
const char *origin_url(struct origin *o, const char *path);

struct origin_counts origin_counts(const struct origin *o);

/* The ith logged request, or NULL past the last. */
const struct origin_request *origin_request_at(const struct origin *o, size_t i);
