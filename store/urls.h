/* SPDX-License-Identifier: MIT */
/*
 * Rows of the table url, one at a time: find, insert, change. Everything that
 * changes a row's state, reason or depth after the run began goes through
 * here, so that the cache (seen.h) and the counters (tally.h) stay right.
 *
 *   state        -> state         by
 *   (none)          queued        urls_insert: an offer that may be queued
 *   (none)          excluded      urls_insert: an offer decided against
 *   excluded        queued        urls_set_queued: an offer that allows it
 *   queued          any           urls_set_visited: a visit's end (queued: a retry)
 *   queued          excluded      queue_park
 *   any but queued  queued        runs_requeue at a start; a newer lastmod in a due run
 *   fetched         queued        urls_ask_again: a redirect that leads back (bounce.h)
 */
#pragma once

#include "store/core.h"
#include "store/seen.h"

struct deferred_index;

/* What of a row is written when it changes for a visit. */
struct urls_visited {
    int64_t id;
    enum url_state state;
    enum url_reason reason; /* excluded */
    struct span failure;    /* failed: the outcome's word */
    struct span rule;
    int retries;
    int64_t next_fetch_ms; /* 0 = none */
    int64_t interval_ms;   /* 0 = none */
    int64_t fetch_id;      /* 0 = as it was */
};

/* core.url_index: url_by_hash. */
extern const struct deferred_index urls_index;

/* The row with this key; false when there is none (or after an error). */
bool urls_find(struct core *c, struct span key, struct seen_row *out);
/* The row with this id; false when there is none (or after an error). */
bool urls_get(struct core *c, int64_t id, struct seen_row *out);

/* A new row for o, discovered by parent (0 = none). */
enum err urls_insert(struct core *c, const struct store_offer *o, int64_t parent_id,
                     struct seen_row *out);

/* Excluded before (or known), now to be asked: as o says, at its depth, in its spelling if any. row is updated. */
enum err urls_set_queued(struct core *c, struct seen_row *row,
                         const struct store_offer *o);

/* Stays excluded, but for the reason, rule, hop and depth of o. row is updated. */
enum err urls_set_excluded(struct core *c, struct seen_row *row,
                           const struct store_offer *o);

/* It was asked, and is to be once more, with that many redirects behind it. row is updated. */
enum err urls_ask_again(struct core *c, struct seen_row *row, int redirects);

/* Only the depth falls (and with it the redirects so far). row is updated. */
enum err urls_set_depth(struct core *c, struct seen_row *row, int depth, int redirects);

/* After a visit. row is updated. */
enum err urls_set_visited(struct core *c, struct seen_row *row,
                          const struct urls_visited *v);

/* The key as it is stored: an offer's, or its URL where it has none; at most 8 KiB. */
struct span urls_key(const struct store_offer *o);
