/* SPDX-License-Identifier: MIT */
/*
 * URLs counted by host, state, reason and answer, in table url_stat, for large
 * files only: there the reports on states and hosts would have to read and sort
 * everything. The views use the counts while meta.stats_run is the latest run and
 * the sums by state still agree; else they count for themselves.
 */
#pragma once

#include "store/core.h"

/* From so many URLs on it is worth while. */
#define STATS_FROM 200000

/* Counts anew for the finished run c->run_id, in the transaction that is open. */
enum err stats_update(struct core *c);
