/* SPDX-License-Identifier: MIT */
/*
 * TLS for tests/kit/origin: a self-signed certificate made at run time, and a
 * server side over non-blocking sockets. What fails aborts.
 */
#pragma once

#include <sys/types.h>

#include "config/base.h"

struct origin_tls;
struct origin_tls_conn;

/* Writes the certificate into a new temporary file whose name goes to ca_path. */
struct origin_tls *origin_tls_new(const char *names, bool is_expired, bool speaks_h2, bool ends_quietly,
                                  char ca_path[64]);
void origin_tls_free(struct origin_tls *t);

struct origin_tls_conn *origin_tls_accept(struct origin_tls *t, int fd);
void origin_tls_end(struct origin_tls_conn *c);

/* As recv and send: -1 with EAGAIN when it has to wait; 0 at the end. */
ssize_t origin_tls_read(struct origin_tls_conn *c, void *to, size_t n);
ssize_t origin_tls_write(struct origin_tls_conn *c, const void *from, size_t n);
