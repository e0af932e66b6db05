/* SPDX-License-Identifier: MIT */
/*
 * One attempt at one address: an easy handle, its callbacks, its clocks, and
 * what came of it. Pooled, but for the handle: each start makes its own. The
 * fetcher owns the order of events; this module knows how to talk to libcurl.
 *
 *   state     -> state     by
 *   idle         queued    transfer_prepare (on a coroutine: plain memory only)
 *   queued       running   transfer_start
 *   running      done      transfer_finish, after libcurl reported or transfer_stop
 *   done         idle      transfer_release
 *
 * transfer_start, _stop, _finish, _free and the callbacks run on the
 * loop's stack. Nothing suspends. A transfer whose is_abandoned is set touches
 * neither its request nor anything else of the caller.
 */
#pragma once

#include <curl/curl.h>

#include "config/list.h"
#include "fetch/fetcher.h"
#include "fetch/head.h"
#include "fetch/multi.h"
#include "fetch/route.h"
#include "fetch/trust.h"

#define TRANSFER_N_MARKS 4 /* sub-windows of the low-speed window */

/* What all transfers of a fetcher share. */
struct transfer_shared {
    struct fetcher_options options;
    struct loop *loop;
    struct multi *multi;
    struct bodies *bodies;
    struct trust *trust;
    struct curl_slist *constant_headers;
    long buffer_bytes;
    size_t large_heads;                  /* bytes of header lines of those that have many, all together */
    size_t reserved;                     /* bytes of bodies, taken for requests that reserve them */
    size_t max_open, max_tls;            /* connections, and those with TLS, are not kept beyond so many */
    deadline short_of_descriptors_until; /* ... nor before then */
    struct fetcher_stats stats;
};

enum transfer_state {
    TRANSFER_IDLE,
    TRANSFER_QUEUED,
    TRANSFER_RUNNING,
    TRANSFER_DONE,
};

/* Which clock runs. */
enum transfer_phase {
    TRANSFER_CONNECTING, /* TCP and TLS */
    TRANSFER_WAITING,    /* the request is out */
    TRANSFER_ANSWERING,  /* header bytes came */
};

/* Why we ended it ourselves. */
enum transfer_stop {
    TRANSFER_NO_STOP,
    TRANSFER_STOP_SKIPPED, /* the body was not wanted */
    TRANSFER_STOP_WHOLE,   /* it is all there; libcurl would wait for more */
    TRANSFER_STOP_TOO_LARGE,
    TRANSFER_STOP_NO_ROOM,   /* for bodies, or shed */
    TRANSFER_STOP_UNSTARTED, /* the room it should reserve is not there */
    TRANSFER_STOP_BAD_HEAD,  /* see head.refusal */
    TRANSFER_STOP_PROXY,     /* the answer is the proxy's own */
    TRANSFER_STOP_LATE,      /* see late_why */
    TRANSFER_STOP_ABANDONED, /* the caller is gone */
};

struct transfer {
    struct list_node
        active;             /* in the pool, or by start among those queued or running */
    struct list_node queue; /* waiting to be started or stopped */
    struct transfer_shared *shared;
    CURL *easy;
    const struct fetch_request *request; /* the caller's; only while not abandoned */
    struct coro_waiter waiter;

    enum transfer_state state;
    enum transfer_phase phase;
    enum transfer_stop stop;
    bool is_abandoned;
    bool is_reused;     /* on a kept connection */
    bool was_sent;      /* the request went out once; a second time is refused */
    bool wanted_resend; /* libcurl tried to */
    bool is_out_of_descriptors;
    bool has_resolved; /* address is set: libcurl is told where to connect */

    uint64_t host_hash;
    uint64_t connection_key; /* of the connection used; see multi_connection_key */
    int fd;                  /* of the socket opened, unless is_reused */
    union address address;
    const char *refusal;  /* the address guard's phrase */
    const char *late_why; /* which clock */

    struct head head;
    size_t large_head; /* bytes of shared->large_heads that are this one's */
    struct body_ref body;
    size_t reserved; /* bytes of shared->reserved that are this one's */
    int64_t wire_size;
    int64_t started_at, phase_at, total_at, ended_at; /* ns */
    int64_t waited_ns; /* for the addresses' permits; not the peer's time */
    int64_t connect_share_ns;
    int64_t marks[TRANSFER_N_MARKS], next_mark_at; /* bytes received at past moments */
    unsigned n_marks;

    /* What libcurl said in the end. */
    enum fetch_outcome outcome;
    bool was_reused_and_lost;
    bool is_connect_failure; /* another address may do better */
    bool is_http2;
    int os_errno;
    struct fetch_timings timings;
    char error_text[CURL_ERROR_SIZE];

    /* What libcurl borrows while it runs. */
    char connect_to_text[80];
    struct curl_slist connect_to;
    struct buf header_text, url_text;
    struct curl_slist *header_nodes;
    size_t n_header_nodes;
};

/* Plain memory; the handle comes with the start. */
struct transfer *transfer_new(struct transfer_shared *shared) MUST_USE;
/* Idle ones only. */
void transfer_free(struct transfer *t);

/* Takes note of one attempt; request must live until the end or until is_abandoned. */
void transfer_prepare(struct transfer *t, const struct fetch_request *request,
                      const struct sockaddr *address, int64_t connect_share_ns);

/* Makes and configures the handle and adds it to its shard (multi_kick is the caller's). ERR_NO_MEMORY,
 * ERR_TOO_LARGE for an absurd URL, ERR_FULL without the room it should reserve. */
enum err transfer_start(struct transfer *t, bool is_http1_only) MUST_USE;

/* Takes a running transfer out of its shard; transfer_finish comes next. */
void transfer_stop(struct transfer *t);

/* Outcome, timings and error of a transfer that is over. */
void transfer_finish(struct transfer *t, CURLcode result);

/* Which clock has run out by now, as a phrase, or NULL. */
const char *transfer_overdue(struct transfer *t, int64_t now_ns);

/* Back to idle; the body, if still there, is freed. */
void transfer_release(struct transfer *t);
