/* SPDX-License-Identifier: MIT */
/*
 * Links that lead nowhere now and did not so in the earlier run. The database has the
 * links of the present content only; whether a link to what was broken already stood on
 * a page that has changed, the stored body of then says: a parser process takes it apart
 * once more.
 */
#pragma once

#include "crawler/crawl.h"
#include "store/reader_diff.h"

struct diff_links;

/* Spans belong to the list. */
struct diff_link {
    struct span source, target;
    struct span was,
        now; /* of the target: status code or outcome; was empty: not asked */
    bool
        is_unsure; /* it may have stood there then: that content is not stored, or not readable */
};

/* Asks the database, and copies the bodies that are to be looked into. *out is to be freed. */
enum err diff_links_read(struct reader *r, const struct reader_diff *d,
                         struct diff_links **out, struct err_note *note) MUST_USE;

/* Looks into them; c and s as for diff_finish. */
enum err diff_links_settle(struct diff_links *l, struct crawl *c,
                           const struct settings *s, struct err_note *note) MUST_USE;

/* Calls fn for every link that is news, by source; what fn returns ends it. */
enum err diff_links_each(const struct diff_links *l,
                         enum err (*fn)(void *arg, const struct diff_link *link),
                         void *arg) MUST_USE;

/* NULL is fine. */
void diff_links_free(struct diff_links *l);
