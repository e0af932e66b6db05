/* SPDX-License-Identifier: MIT */
/*
 * Which URLs were decided about under the rules of the run, and deciding about the others again. The rules are the
 * text in struct core and where seeds led when the run began. Two marks in the table meta say:
 *
 * decided_for: RULES. Every URL that is excluded by them was decided under RULES.
 * known_decided_for: "RUN RULES". So was every queued URL, and every other one whose row a run from RUN on changed
 * last; all of them if RUN is 0.
 *
 * They stay true because a run decides about what it finds under its own rules, because nothing but a start queues
 * what was not decided, and because a URL that leaves the queue gets the run's id. So
 * - a start under other rules drops the second mark with its first transaction; the first is not of its rules;
 * - a start that queues what a run before RUN changed last drops the second mark with the same transaction;
 * - who decided about all that the marks are of sets them, in the transaction that decided. RUN is then 0 if
 *   all known URLs were in the queue; else it stays, or begins with the run, or after it if other rules began it;
 * - who ended before that drops both.
 * A start at any time after a crash thus finds what there is still to decide.
 */
#pragma once

#include "store/core.h"
#include "store/extra.h"

/* The file has no URLs yet: all that will be is decided. */
void decided_mark_empty(struct core *c);

/*
 * At the start of the run c->run_id, which is_new unless an earlier start began it, in the transaction of its
 * row. Returns whether what is excluded was decided; out_queue: and so was what is queued.
 */
bool decided_begin(struct core *c, bool is_new, bool *out_queue);

/*
 * In that transaction, after what is asked for again was queued: n_older of it by a run before
 * c->decided_from. is_all: that was all there is. Returns whether the queue is decided still.
 */
bool decided_queued(struct core *c, bool was_decided, int64_t n_older, bool is_all);

/* STORE_OUT_OF_SCOPE, for a scope that grew during the run. Items live in op->mem. */
enum err decided_out_of_scope(struct core *c, struct extra *x, struct store_op *op);

/* store_decide_again, in one transaction. */
enum err decided_again(struct core *c, bool is_queue_only,
                       bool (*decide)(void *arg, const struct store_excluded *url, struct store_verdict *out),
                       void *arg);
