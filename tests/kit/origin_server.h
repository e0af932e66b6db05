/* SPDX-License-Identifier: MIT */
/*
 * The child's half of tests/kit/origin: connections, requests, scripts, one
 * epoll loop. What fails aborts.
 */
#pragma once

#include "config/heap.h"
#include "tests/kit/origin.h"
#include "tests/kit/origin_tls.h"

/* Written by the child alone. */
struct origin_shared {
    struct origin_counts counts;
    size_t n_logged;
    struct origin_request log[];
};

struct origin_server {
    const struct origin_options *options;
    struct origin_tls *tls;
    struct origin_shared *shared;
    size_t max_log;
    int epoll_fd;
    struct heap timers;
    int *listeners;
    size_t n_listeners; /* one an address, or one for all of them */
    size_t n_addresses;
    uint32_t *in_flight_here; /* by address */
    int *uses;                /* by route */
    uint32_t n_connections;
};

/* Serves until killed. */
NORETURN void origin_server_run(struct origin_server *s);
