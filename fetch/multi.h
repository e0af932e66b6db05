/* SPDX-License-Identifier: MIT */
/*
 * The bridge between curl_multi and the loop, and the only place that knows
 * CURLM: shards of multi handles, their sockets and timers on the loop.
 *
 * libcurl 7.88 walks every connection of a multi handle when a transfer ends,
 * so transfers are spread over shards by host; a host always meets the same
 * shard, where its kept connections are.
 *
 * Everything here runs on the loop's stack, never on a coroutine's, and never
 * from inside a libcurl callback (but the two socket functions, which are
 * made for that). Nothing suspends. Knows nothing of requests and answers.
 */
#pragma once

#include <curl/curl.h>

#include "config/err.h"
#include "fetch/loop.h"

struct multi;

/* A transfer is over and already out of its multi handle. Not inside a libcurl callback. */
typedef void multi_done_fn(void *arg, CURL *easy, CURLcode result);

struct multi_options {
    size_t n_shards;
    size_t max_connects; /* a shard's connections, idle ones included */
    multi_done_fn *done;
    void *arg;
};

/* ERR_NO_MEMORY. */
enum err multi_open(struct loop *l, const struct multi_options *o, struct multi **out,
                    struct err_note *note) MUST_USE;

/* No transfer may be left; closes the kept connections. NULL is fine. */
void multi_close(struct multi *m);

/* Hands over a prepared handle; nothing moves before multi_kick. ERR_NO_MEMORY. */
enum err multi_add(struct multi *m, CURL *easy, uint64_t host_hash) MUST_USE;

/* Sets everything added since the last kick in motion; some may be done when it returns. */
void multi_kick(struct multi *m);

/* Ends a transfer early, without the done callback; its connection is closed. */
void multi_remove(struct multi *m, CURL *easy, uint64_t host_hash);

/* For CURLOPT_OPENSOCKETFUNCTION: a socket, or -1 with errno set. */
int multi_open_socket(struct multi *m, const struct curl_sockaddr *address);

/* CURLOPT_CLOSESOCKETFUNCTION, with the multi as its data (connections outlive easy handles). */
int multi_close_socket(void *m, curl_socket_t fd);

/*
 * The name under which a connection is found again from inside libcurl's
 * callbacks, which tell addresses and ports but no descriptor. Never 0.
 */
uint64_t multi_connection_key(const char *remote_ip, int remote_port, int local_port);

/* The socket just connected from local_port goes by this key from now on. */
void multi_name_connection(struct multi *m, int fd, int local_port, uint64_t key, bool is_tls);

/* Its answers are told apart by themselves (HTTP/2): bytes on the idle connection are no harm. */
void multi_note_multiplexed(struct multi *m, uint64_t key);

/* What failed on it may fail again: libcurl keeps a connection of HTTP/2 of which only a stream was reset. */
void multi_cut(struct multi *m, uint64_t key);

/*
 * May the kept connection carry another request? False when bytes nobody asked
 * for are waiting, which libcurl 7.88 would take for the next answer (promise
 * P29), or when it is dead.
 */
bool multi_is_clean(const struct multi *m, uint64_t key);

/* Sockets open now, those of idle kept connections included. */
size_t multi_n_open(const struct multi *m);
/* Those of them with TLS. */
size_t multi_n_tls(const struct multi *m);

/* A transfer was given data: whoever reads so long is no flood. */
void multi_note_data(struct multi *m);
/* Connections that were cut because they would not let libcurl go (fetch/watchdog.h). */
uint64_t multi_n_cut(const struct multi *m);
