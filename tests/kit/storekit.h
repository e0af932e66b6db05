/* SPDX-License-Identifier: MIT */
/*
 * A store in a temporary directory for tests: offers and visits made by hand,
 * ops done one at a time, and questions asked through a second, plain SQLite
 * connection, as a user would. Every step that should work aborts when it does not.
 */
#pragma once

#include <pthread.h>

#include "store/store.h"

/* Moments in the tests: 2026-11-21T00:00:00Z. */
#define STOREKIT_NOW INT64_C(1795219200000)

struct storekit {
    char dir[64];
    char path[128];
    struct store *store;
    struct store_run run;
    struct store_options options;
    pthread_mutex_t mutex;
    pthread_cond_t notified;
    bool has_news;
    const char *rules; /* of the next start; NULL: the same as ever */
    int64_t later_ms;  /* how long after STOREKIT_NOW it is */
    /* What a start has still to decide, as the crawler does; NULL: nothing is. n_decided: URLs of the last start. */
    bool (*decide)(struct storekit *k, const struct store_excluded *url, struct store_verdict *out);
    int n_decided;
};

/* An empty directory (0700) and the options of a plain crawl. */
void storekit_init(struct storekit *k);

/* Closes what is open and removes the directory. */
void storekit_clear(struct storekit *k);

/* cmocka fixtures: a kit that is open for a crawl of all (*state is it), and the end of any kit in *state. */
int storekit_set_up(void **state);
int storekit_tear_down(void **state);

/* Opens, begins or continues the run, starts the writer. */
void storekit_open(struct storekit *k, enum store_revisit revisit);
void storekit_close(struct storekit *k);

/* The three steps apart: what store_open says. */
enum err storekit_try_open(struct storekit *k, struct err_note *note);
enum err storekit_try_begin(struct storekit *k, enum store_revisit revisit,
                            struct err_note *note);

/* Submits op and waits until it is done. The result is op->result. */
void storekit_do(struct storekit *k, struct store_op *op);

/* Ends the run in order and closes. */
void storekit_finish(struct storekit *k);
void storekit_stop(struct storekit *k, bool keeps_budget);

/* An offer for "http(s)://host[:port]/path". The text must stay. */
struct store_offer storekit_offer(const char *url, enum url_hop hop, int depth);

/* Offers one URL on its own; the answered offer. */
struct store_offer storekit_offer_one(struct storekit *k, struct store_offer o);

/* A seed, as storekit_offer_one. Its id. */
int64_t storekit_seed(struct storekit *k, const char *url);

/*
 * A visit op that found a page: state fetched, outcome ok, 200; change what the test
 * needs.
 */
struct store_op *storekit_visit(int64_t url_id, int64_t host_id, int depth);

/*
 * Gives the visit a page: facts in op->mem with this title and text; the hash comes
 * from body.
 */
struct page_facts *storekit_page(struct store_op *op, const char *title,
                                 const char *text, const char *body);

/* Gives a page of op the body that it has, stored as it would be, and its hash. */
void storekit_body(struct store_op *op, struct page_facts *f, struct span content);

/*
 * Gives the visit links to these URLs ("a", depth + 1, position = index). NULL ends the
 * list.
 */
void storekit_links(struct store_op *op, const char *const *urls);

/* What was found of its ith link, to be changed. */
struct fact_link *storekit_found(struct store_op *op, size_t i);

/* A visit with a page and links, done and freed. */
void storekit_fetch(struct storekit *k, int64_t url_id, int depth, const char *body,
                    const char *const *urls);

/* The id of a URL by its text; 0 when there is none. */
int64_t storekit_id(struct storekit *k, const char *url);

/*
 * First column of the first row, by a connection of its own; INT64_MIN when there is no
 * row or it is NULL.
 */
int64_t storekit_int(struct storekit *k, const char *sql);

/* As text, into out; "" when there is no row, "NULL" for NULL. Returns out. */
const char *storekit_text(struct storekit *k, const char *sql, char out[static 512]);

/*
 * Takes the next n queued URLs of a host from the start, in order; the op to be freed.
 */
struct store_op *storekit_refill(struct storekit *k, int64_t host_id,
                                 enum store_order order, size_t limit);

/* The first column of the first row of a query, compared as text. */
#define EXPECT_TEXT(k, sql, wanted)                                    \
    do {                                                               \
        char text_[512];                                               \
        assert_string_equal(storekit_text((k), (sql), text_), wanted); \
    } while (0)
