/* SPDX-License-Identifier: MIT */
/*
 * A loop, a scheduler, name lookups, bodies and a fetcher, ready for tests and
 * benchmarks, with short clocks and loopback allowed. What fails here aborts.
 */
#pragma once

#include "fetch/address.h"
#include "fetch/dns.h"
#include "fetch/fetcher.h"

struct fetchrig {
    /* May be changed between fetchrig_init and fetchrig_open. */
    struct fetcher_options options;
    struct address_policy policy;
    struct span dns_servers;
    size_t bodies_bytes;

    struct loop *loop;
    struct sched *sched;
    struct dns *dns;
    struct bodies *bodies;
    struct fetcher *fetcher;
};

void fetchrig_init(struct fetchrig *rig);
void fetchrig_open(struct fetchrig *rig);
/* Aborts when a coroutine or a transfer is left; returns the bytes in bodies nobody freed. */
size_t fetchrig_close(struct fetchrig *rig);

/* Runs fn(arg) as a coroutine and comes back when no coroutine is left. */
void fetchrig_run(struct fetchrig *rig, coro_fn *fn, void *arg);

/* A GET for "http[s]://host[:port]/path", keep-alive; url must live as long as the request. */
struct fetch_request fetchrig_request(const char *url);

/* One fetch, with what it gave. The result's spans live in mem. */
struct fetchrig_get {
    struct fetch_request request;
    int64_t until_ms; /* from now; 0: no deadline */
    enum err err;
    struct fetch_result result;
    struct arena mem;
    int64_t took_ms;
};

/* Fetches one after another, or all at once. */
void fetchrig_get_each(struct fetchrig *rig, struct fetchrig_get *gets, size_t n);
void fetchrig_get_all(struct fetchrig *rig, struct fetchrig_get *gets, size_t n);

/* Frees body and arena. */
void fetchrig_get_clear(struct fetchrig *rig, struct fetchrig_get *get);
