/* SPDX-License-Identifier: MIT */
/*
 * What the exit code of a run that ends rests on, beyond what this start of it counted: a run
 * may have had several, and a start may have had nothing to ask.
 */
#pragma once

#include "store/reader.h"

struct reader_ending {
    int64_t http_errors; /* answers with 4xx or 5xx in the whole run */
    int64_t seeds_known; /* of the run's seeds: those we know something of, or are kept from asking for */
    int64_t seeds_missed; /* of the run's seeds: those that nothing came from */
    int64_t unread_sitemaps; /* hosts whose sitemaps were not read to their end */
    char first_missed[400]; /* the first of these: "URL: why", unescaped; empty: there is none */
};

enum err reader_ending(struct reader *r, int64_t run_id, struct reader_ending *out,
                       struct err_note *note) MUST_USE;
