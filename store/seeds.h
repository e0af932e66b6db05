/* SPDX-License-Identifier: MIT */
/*
 * The seeds of a file, and where they lead: what the scope of a later start is made of.
 */
#pragma once

#include "store/core.h"

/*
 * SQL: has the redirect r not ended? For a URL that is a page since it leads to nothing any more. Looked for from the
 * latest fetch back, as far as the redirect: where every night's are kept, each redirect has a year of them.
 */
#define SEEDS_REDIRECT_HOLDS                                                                     \
    " r.run_id = (SELECT max(x.run_id) FROM redirects x WHERE x.src_id = r.src_id)"              \
    " AND coalesce((SELECT f.run_id FROM fetch f WHERE f.url_id = r.src_id AND (f.run_id <= r.run_id" \
    " OR f.outcome IN ('ok', 'too_large')) ORDER BY f.id DESC LIMIT 1), 0) <= r.run_id"

/*
 * SQL: led(id) has every URL that redirects lead to from a seed; a night of "back soon" at a
 * stranger's would else stay in the scope. It begins with the redirects, not the seeds, of which
 * there may be a million: what a seed is shows in its depth first, then in the latest run's seeds, then in each run's.
 * Of each redirect the latest row alone is looked at: the table has one of every night.
 */
#define SEEDS_LED                                                                                \
    "WITH RECURSIVE led(id) AS (SELECT r.dst_id FROM (SELECT src_id, dst_id, max(run_id) AS run_id" \
    " FROM redirects GROUP BY src_id) r CROSS JOIN url u ON u.id = r.src_id WHERE u.depth = 0"   \
    " AND (EXISTS (SELECT 1 FROM seeds s WHERE s.run_id = (SELECT max(run_id) FROM seeds) AND s.url_id = u.id)" \
    " OR EXISTS (SELECT 1 FROM runs CROSS JOIN seeds s ON s.run_id = runs.id AND s.url_id = u.id))" \
    " AND" SEEDS_REDIRECT_HOLDS                                                                  \
    " UNION SELECT r.dst_id FROM led JOIN redirects r ON r.src_id = led.id"                      \
    " WHERE" SEEDS_REDIRECT_HOLDS ")"

/* SQL: reach(id) has the seeds, too. */
#define SEEDS_REACH SEEDS_LED ", reach(id) AS (SELECT url_id FROM seeds UNION SELECT id FROM led)"

/* Each of these. */
enum err seeds_each(struct core *c, void (*fn)(void *arg, struct span url), void *arg);
