/* SPDX-License-Identifier: MIT */
/*
 * What the finished link graph tells of each page: links to it, PageRank
 * (graph.h), and which pages have nearly the same text (near.h). Read from the
 * tables, computed in memory, written into metric and near_pair.
 *
 * meta.metrics_run is the run at whose end they were right; the views of the
 * schema use them while that is the latest run, and count for themselves else.
 * meta.metrics_of is a hash of all that they are made of: where it is the same
 * as last time, nothing is computed.
 */
#pragma once

#include "store/core.h"

/* Pages with fewer words are near nobody: there is too little to tell them apart. */
#define METRICS_MIN_WORDS 20

/*
 * Brings the metrics up to date for the finished run c->run_id, in the transaction that is
 * open. What it came to stands in op->u.graph; without memory, or when told to stop,
 * nothing is written and op->u.graph.skipped says why. Errors: the database's.
 */
enum err metrics_update(struct core *c, struct store_op *op);
