/* SPDX-License-Identifier: MIT */
/*
 * The seeds of a file, and where they lead: what the scope of a later start is made of.
 */
#pragma once

#include "store/core.h"

/*
 * SQL: reach(id) has every seed, and every URL that redirects lead to from one. A redirect that has ended, for the
 * URL is a page since, leads to nothing any more: a night of "back soon" at a stranger's would else stay in the scope.
 */
#define SEEDS_REACH                                                                                             \
    "WITH RECURSIVE reach(id) AS (SELECT url_id FROM seeds UNION"                                               \
    " SELECT r.dst_id FROM reach JOIN redirects r ON r.src_id = reach.id"                                       \
    " WHERE r.run_id = (SELECT max(x.run_id) FROM redirects x WHERE x.src_id = r.src_id)"                       \
    " AND NOT EXISTS (SELECT 1 FROM fetch f WHERE f.url_id = r.src_id AND f.run_id > r.run_id"                  \
    " AND f.outcome IN ('ok', 'too_large')))"

/* Each of these. */
enum err seeds_each(struct core *c, void (*fn)(void *arg, struct span url), void *arg);
