/* SPDX-License-Identifier: MIT */
/*
 * Consequences for the frontier: items for rows that became queued, or
 * shallower while queued, through an op that did not name them. Collected while
 * the op is done, copied into it before it is handed back. At most
 * EXTRA_MAX items; beyond that one for each host not yet among them, and the
 * op says that more changed (extra_is_cut).
 */
#pragma once

#include "store/core.h"

#define EXTRA_MAX 20000

struct extra;

/* An empty list. Heap; the caller frees it. */
struct extra *extra_new(void);
/* NULL is fine. */
void extra_free(struct extra *x);

/* A row the frontier must hear of. */
void extra_add(struct extra *x, int64_t url_id, int64_t host_id);

/* Reads the rows and hands them to op; the list is empty then. */
enum err extra_give(struct core *c, struct extra *x, struct store_op *op);
