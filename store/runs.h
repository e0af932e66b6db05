/* SPDX-License-Identifier: MIT */
/*
 * Runs: beginning, continuing, ending one; what a start turns into queued; the
 * budget that survives a crash; events.
 */
#pragma once

#include "store/core.h"

/* store_begin_run, in one transaction. */
enum err runs_begin(struct core *c, const struct store_run_params *params,
                    struct store_run *out);

/* STORE_END_RUN. */
enum err runs_end(struct core *c, const struct store_op *op);

/* STORE_EVENT. */
enum err runs_event(struct core *c, const struct store_op *op);
