/* SPDX-License-Identifier: MIT */
/*
 * The trust store: the certificates of authorities by which servers are judged, read once and shared by all
 * connections. Left to itself libcurl reads them again for each: Debian's 145 take 24 ms of the loop, as its own cache
 * is for files only and Debian names a directory, too; and that cache is one for each multi handle.
 *
 * Servers that do not know RFC 5746 (secure renegotiation) are spoken to, and the end of a connection is one even where
 * it was not announced (close_notify), as browsers do; OpenSSL 3 and newer libcurl would not.
 *
 * They are read when the first handle wants them, and once more where that failed. Everything here runs on the loop's
 * stack.
 */
#pragma once

#include <curl/curl.h>

#include "config/span.h"

struct trust;

/* ca_file: PEM, instead of what libcurl was built to trust, which an empty one means. Reads nothing yet. */
struct trust *trust_new(struct span ca_file) MUST_USE;
/* No connection may be left. NULL is fine. */
void trust_free(struct trust *t);

/*
 * Has the servers of this handle judged by t, which stays the caller's and must outlive it. CURLE_OUT_OF_MEMORY. Where
 * nothing could be read its connections fail.
 */
CURLcode trust_use(struct trust *t, CURL *easy) MUST_USE;

/* Has them not judged at all, but for a proxy, which trust_use is for then, too: for --insecure. */
CURLcode trust_nobody(CURL *easy) MUST_USE;

/* Why nobody can be trusted (CURLE_SSL_CACERT_BADFILE), with what helps; "" while there is no such reason. */
const char *trust_problem(const struct trust *t);
