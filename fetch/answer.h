/* SPDX-License-Identifier: MIT */
/*
 * From a finished transfer to what the caller gets: everything it keeps is
 * copied into its arena, the body changes hands. Runs on the caller's
 * coroutine; calls no libcurl function and does not suspend.
 */
#pragma once

#include "config/arena.h"
#include "fetch/transfer.h"

/*
 * Fills in *r but for what is known before a transfer (times of start, dns_ms)
 * and total_ms. Header fields that do not fit into mem make it a bad_response.
 */
void answer_take(struct transfer *t, struct arena *mem, struct fetch_result *r);
