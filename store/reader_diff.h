/* SPDX-License-Identifier: MIT */
/*
 * Two runs of one database, compared: what each URL was at the end of the one and of the
 * other, told by the last request made for it until then. A 304 and a request without a
 * complete answer rest on the answer before them.
 *
 * Fetch rows are numbered in the order of their runs, so "until the end of a run" is a
 * bound of their ids. What --keep-history took away is noted in meta, so that a question
 * that can no longer be answered is refused.
 */
#pragma once

#include "store/reader.h"

/* What is compared; bounds are ids of fetches. */
struct reader_diff {
    int64_t old_run, new_run; /* old_run 0: before the first run */
    bool is_finished;         /* new_run is over */
    int64_t n_queued;         /* URLs that new_run still has to ask, when it is not */
    int64_t from_id;          /* the first one after old_run's */
    int64_t to_id;            /* the first one after new_run's */
    int64_t settled_id;       /* as to_id, for URLs that are still queued */
};

/*
 * The runs to be compared: runs[0] and runs[1]; with n = 1 runs[0] and the last one; with
 * n = 0 the last one and the one before. ERR_NOT_FOUND: no such run. ERR_USAGE: not an
 * earlier and a later one. ERR_FULL: --keep-history removed what would be needed.
 */
enum err reader_diff_choose(struct reader *r, const int64_t *runs, size_t n,
                            struct reader_diff *out, struct err_note *note) MUST_USE;

/*
 * What is asked of the two runs. A value's columns come in pairs: then and now.
 *   urls      enum reader_diff_url: what became of every URL asked in between
 *   broken    enum reader_diff_link: links that lead nowhere now and did not so then
 *   body      enum reader_diff_body: the stored content of the fetch ?4
 *   coverage  two numbers: URLs asked in between, and URLs with content that were not
 *   outdated  one number: pages whose links of then are no longer in the database
 */
enum reader_diff_question {
    READER_DIFF_URLS,
    READER_DIFF_BROKEN,
    READER_DIFF_BODY,
    READER_DIFF_COVERAGE,
    READER_DIFF_OUTDATED,
    N_READER_DIFF_QUESTIONS
};

/* As reader_query. value is ?4, where the question has one. */
enum err reader_diff_query(struct reader *r, const struct reader_diff *d,
                           enum reader_diff_question question, int64_t value,
                           reader_row_fn *fn, void *arg,
                           struct err_note *note) MUST_USE;

enum reader_diff_change {
    READER_DIFF_IS_NEW,     /* a page or a redirect, never asked before */
    READER_DIFF_IS_GONE,    /* 404 or 410, after it was a page or a redirect */
    READER_DIFF_HAS_FAILED, /* another error, or no complete answer; or never any other */
    READER_DIFF_IS_BACK,    /* a page or a redirect, after an error or none */
    READER_DIFF_MAY_DIFFER, /* the pairs say whether */
};

enum reader_diff_url {
    READER_DIFF_CHANGE, /* enum reader_diff_change; sorted by it, then by URL */
    READER_DIFF_URL,
    READER_DIFF_DISTANCE, /* of the texts' fingerprints, in bits; NULL: none to compare */
    READER_DIFF_STATUS,   /* the status code, or an outcome's word; text */
    READER_DIFF_REDIRECT = READER_DIFF_STATUS + 2, /* its target */
    READER_DIFF_TYPE = READER_DIFF_REDIRECT + 2,   /* without parameters */
    READER_DIFF_CONTENT = READER_DIFF_TYPE + 2,    /* SHA-256 of the body */
    READER_DIFF_TITLE = READER_DIFF_CONTENT + 2,
    READER_DIFF_DESCRIPTION = READER_DIFF_TITLE + 2,
    READER_DIFF_CANONICAL = READER_DIFF_DESCRIPTION + 2,
    READER_DIFF_ROBOTS_META = READER_DIFF_CANONICAL + 2,
    READER_DIFF_X_ROBOTS_TAG = READER_DIFF_ROBOTS_META + 2,
    N_READER_DIFF_URL_COLUMNS = READER_DIFF_X_ROBOTS_TAG + 2
};

enum reader_diff_link {
    READER_DIFF_SRC_URL,
    READER_DIFF_DST_URL,
    READER_DIFF_DST_KEY,
    READER_DIFF_WAS, /* the target's status then, NULL: not asked yet; text */
    READER_DIFF_NOW,
    /*
     * The fetch whose content tells whether the link stood on the page then: the target
     * led nowhere already, and the page is another one since. NULL: the link is news.
     */
    READER_DIFF_LOOK_IN,
    N_READER_DIFF_LINK_COLUMNS
};

enum reader_diff_body {
    READER_DIFF_BODY_URL,
    READER_DIFF_BODY_TYPE,
    READER_DIFF_BODY_HEADERS, /* raw lines */
    READER_DIFF_BODY_CODEC,
    READER_DIFF_BODY_DATA,
    N_READER_DIFF_BODY_COLUMNS
};
