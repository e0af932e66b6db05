/* SPDX-License-Identifier: MIT */
/*
 * The window of one host's queue: tickets in order, in a ring. Only the
 * frontier uses this.
 */
#pragma once

#include "crawler/frontier.h"

/* The order of queued URLs: priority, then depth and first seen (reversed for dfs). <0, 0, >0. */
int window_compare(enum store_order order, int priority_a, int depth_a, int64_t id_a,
                   int priority_b, int depth_b, int64_t id_b);

/* Inserts in order. O(1) at the end, where nearly all go. */
void window_insert(struct host *h, enum store_order order, struct ticket *t);

/* Takes the first, the last, or t itself out; NULL when empty. */
struct ticket *window_take_first(struct host *h);
struct ticket *window_take_last(struct host *h);
void window_remove(struct host *h, const struct ticket *t);

/* The first one and the last, still in the window, or NULL. */
struct ticket *window_peek_first(const struct host *h);
struct ticket *window_peek_last(const struct host *h);
