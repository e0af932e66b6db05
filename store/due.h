/* SPDX-License-Identifier: MIT */
/*
 * Which known URLs a start asks for again, as conditions on the table url; said once for the start that does
 * it (store/requeue.c) and for the plan that foretells it (store/reader_explain.c).
 */
#pragma once

#include "store/vocab.h"

/*
 * Known pages, also those that were of another type last time (only what was a page has an
 * interval). Those due are asked from a tenth of their interval early on, and when their moment
 * is farther off than the interval: the clock was set back since. now: wall-clock milliseconds, as SQL.
 */
#define DUE_KNOWN "(state IN (1, 2) OR (state = 4 AND reason = 9 AND interval_ms IS NOT NULL))"
#define DUE_AT(now)                                             \
    "(" DUE_KNOWN " AND NOT coalesce(next_fetch_at, 0) BETWEEN" \
    " " now " + 1 + coalesce(interval_ms, 0) / 10 AND " now " + coalesce(interval_ms, 0))"
/*
 * What did not work out: failed, robots_unreachable, an address that the settings refused,
 * deferred (the host's own row says how long it still has to wait).
 */
#define DUE_MISSED "(state = 3 OR (state = 4 AND reason IN (7, 14, 15)))"

_Static_assert(STATE_QUEUED == 0 && STATE_FETCHED == 1 && STATE_NOT_MODIFIED == 2 && STATE_FAILED == 3 &&
                   STATE_EXCLUDED == 4 && REASON_ROBOTS == 6 && REASON_ROBOTS_UNREACHABLE == 7 &&
                   REASON_CONTENT_TYPE == 9 && REASON_HOST_LIMIT == 11 && REASON_BLOCKED_ADDRESS == 14 &&
                   REASON_DEFERRED == 15,
               "the numbers in the SQL of this file and of who includes it");
