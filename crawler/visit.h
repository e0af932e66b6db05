/* SPDX-License-Identifier: MIT */
/*
 * The life of one URL, from its ticket to its commit, as one coroutine:
 *
 *   taken -> robots rules -> request -> body parsed in a worker -> links
 *   decided -> handed to the store -> (committed) -> frontier
 *
 * visit_start is called with a ticket that holds a permit of its site and a
 * slot of the page budget. Whatever happens, exactly one of these ends it: a
 * committed attempt, or the ticket given back unchanged.
 */
#pragma once

#include "crawler/crawl.h"

void visit_start(struct crawl *c, struct ticket *t);

/* When h has had its share of this run (--max-pages-per-host): parks it, and its other URLs are excluded. */
void visit_check_host_limit(struct crawl *c, struct host *h);
