/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is among the origins that may be asked. They go round: who had its turn comes behind all that
 * did not in this round, so each gets as much as the others however long its queue is. Within a round
 * the origin goes first whose next URL was found first. What is stored together is then visited together: where
 * thousands of origins may always be asked, the rows that their visits change lie side by side in the file
 * instead of one by one on pages of their own.
 */
#pragma once

#include "config/heap.h"

struct host;

struct turns {
    struct heap waiting; /* origins by the moment when they may be asked */
    struct heap due[2];  /* those whose moment has come, by id of their next URL: of this round, of the next */
    int now;             /* which of the two is this round's */
    uint64_t round;
};

/* Where an origin stands; zeroed at first. */
struct turn {
    struct heap_node node;
    struct heap *in; /* NULL: nowhere */
    uint64_t round;  /* in which it last had its turn; 0 = never */
};

void turns_init(struct turns *t);
void turns_clear(struct turns *t);

/* h may be asked from at on; DEADLINE_NEVER: it may not, or there is nothing to ask for. */
void turns_set(struct turns *t, struct host *h, deadline at, int64_t now_ns);

/* Whose turn it is, or NULL: then nobody's before *out_wait. */
struct host *turns_next(struct turns *t, int64_t now_ns, deadline *out_wait);

/* h has its turn. It stands nowhere until the next turns_set. */
void turns_take(struct turns *t, struct host *h);
