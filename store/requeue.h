/* SPDX-License-Identifier: MIT */
/*
 * What a start turns into queued, so that it is asked for again.
 */
#pragma once

#include "store/core.h"

/*
 * In the running transaction. is_new: the start begins a run; was_crash: the one that it continues had not been
 * stopped in an orderly way. Returns how many of these rows were last changed by a run before the run from.
 */
int64_t requeue_known(struct core *c, enum store_revisit revisit, bool is_new, bool was_crash, int64_t from);
