/* SPDX-License-Identifier: MIT */
/*
 * After a finished run: the full text indexed anew, where most of it is of pages that have changed since
 * (store/renewal.h). The store names stored bodies, parser processes take their texts out.
 */
#pragma once

#include "crawler/crawl.h"

/*
 * Suspends until that is done, or was not due. What fails, or a signal, leaves the index as it was; a later
 * run tries again. ERR_CLOSED and the store's errors: the store has failed.
 */
enum err renewal_run(struct crawl *c) MUST_USE;
