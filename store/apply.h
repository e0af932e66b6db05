/* SPDX-License-Identifier: MIT */
/*
 * One op, done inside the running transaction (which it begins if need be).
 */
#pragma once

#include "store/core.h"

struct apply;

/* For ops on c, which must stay. Heap; the caller frees it. */
struct apply *apply_new(struct core *c);
/* NULL is fine. */
void apply_free(struct apply *a);

/* Does op and fills its out fields. */
enum err apply_op(struct apply *a, struct store_op *op);

/* Goes on with offering links again (depth.h), about max_links of them. */
enum err apply_depth(struct apply *a, size_t max_links);

/* Hands the consequences gathered so far to op. */
enum err apply_give_extra(struct apply *a, struct store_op *op);
