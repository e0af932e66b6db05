/* SPDX-License-Identifier: MIT */
/*
 * Questions to an origin's log: who asked for what, how often, in which order,
 * with how much time between. A host is the Host field without its port. For
 * host and path NULL stands for any; a path may end with '*'.
 */
#pragma once

#include "tests/kit/origin.h"

size_t traffic_count(const struct origin *o, const char *host, const char *path);

/* The nth matching request, from 0, or NULL. */
const struct origin_request *traffic_nth(const struct origin *o, const char *host,
                                         const char *path, size_t n);

/* The most often any one path was asked for. */
size_t traffic_most_of_one(const struct origin *o, const char *host, const char *path);

/*
 * The shortest time from the end of one request to the start of the next, in
 * microseconds; 0 when two overlap, INT64_MAX when there are fewer than two.
 * The server sees an end earlier and a start later than the client does.
 */
int64_t traffic_gap_us(const struct origin *o, const char *host);

/* Waits until at least n requests match (at most 20 s). False when it does not happen. */
bool traffic_wait(const struct origin *o, const char *host, const char *path, size_t n);

/* Prints the log to standard error, for a test that fails. */
void traffic_print(const struct origin *o);
