/* SPDX-License-Identifier: MIT */
/*
 * What changed between two runs, as rows: what `crawl diff` prints and what --fail-on
 * counts. The database alone tells it, in two steps: diff_read asks everything of it;
 * diff_finish, for which it may be closed, adds the broken links. Where one stood on a
 * page whose content is another one since, a parser process looks into the stored body
 * of then (crawler/diff_links.h).
 */
#pragma once

#include "crawler/crawl.h"
#include "store/reader_diff.h"

/* name, word */
#define DIFF_TABLE(X)          \
    X(DIFF_NEW, "new")         \
    X(DIFF_GONE, "gone")       \
    X(DIFF_FAILED, "failed")   \
    X(DIFF_BACK, "back")       \
    X(DIFF_CHANGED, "changed") \
    X(DIFF_BROKEN, "broken")

enum diff_change {
#define X(name, word) name,
    DIFF_TABLE(X)
#undef X
    N_DIFF_CHANGES
};

/* The words for an option's choices. */
#define DIFF_WORDS "new|gone|failed|back|changed|broken"

const char *diff_word(enum diff_change change);

/* What of a URL can change; in the order of reader_diff_url's pairs. */
enum diff_field {
    DIFF_STATUS,
    DIFF_REDIRECT,
    DIFF_TYPE,
    DIFF_CONTENT,
    DIFF_TITLE,
    DIFF_DESCRIPTION,
    DIFF_CANONICAL,
    DIFF_ROBOTS_META,
    DIFF_X_ROBOTS_TAG,
    N_DIFF_FIELDS
};

const char *diff_field_word(enum diff_field field);

/* One thing that changed. Spans are valid during the call only; empty: nothing. */
struct diff_row {
    enum diff_change change;
    struct span url; /* broken: the link's target */
    enum diff_field field;
    struct span was, now;
    int64_t distance; /* content: bits in which the texts' fingerprints differ, or -1 */
    struct span source; /* broken: the page with the link */
};

typedef enum err diff_row_fn(void *arg, const struct diff_row *row);

struct diff_links;

struct diff {
    struct reader_diff runs;
    int64_t urls[N_DIFF_CHANGES];  /* broken: links */
    int64_t fields[N_DIFF_FIELDS]; /* of changed URLs */
    int64_t asked;                 /* URLs */
    int64_t quiet; /* URLs with content that were not asked in between */
    int64_t
        unsure; /* broken links that may be old: the content of then is not stored */
    int64_t outdated; /* pages whose links of then are not known: they are left out */
    struct diff_links *links;
    diff_row_fn *fn;
    void *arg;
};

/*
 * Calls fn (may be NULL) for every URL that changed, in the order of enum diff_change,
 * each by URL, and counts; keeps what diff_finish needs. Errors of reader_query, or what
 * fn returned. Free with diff_clear, also after an error.
 */
enum err diff_read(struct reader *r, const struct reader_diff *runs, diff_row_fn *fn,
                   void *arg, struct diff *out, struct err_note *note) MUST_USE;

/*
 * Calls fn for the broken links, by source. c has its parser processes open; NULL: they
 * are started where they are needed, with s, and no database may be open then. Runs c's
 * scheduler: not to be called from a coroutine.
 */
enum err diff_finish(struct diff *d, struct crawl *c, const struct settings *s,
                     struct err_note *note) MUST_USE;

void diff_clear(struct diff *d);
