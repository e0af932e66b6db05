/* SPDX-License-Identifier: MIT */
/*
 * The link graph in memory: who is linked to how often, and PageRank. Pure
 * computation over URL ids; knows no database. 16 bytes a URL, 41 a page, 8 a
 * link that counts for the rank, so a million pages with twenty million links
 * take some 250 MB.
 *
 * The rank of a page is the share of time that a reader spends on it who follows
 * a link of the page with probability 0.85 and else goes to any page (from a page
 * without links: always). Nodes are the pages. An edge leads from a page to
 * another one when at least one followed link does, also through redirects; links
 * to what has no page are as if they were not there. The ranks sum up to 1.
 *
 * Order of calls: graph_new, graph_add_page and graph_add_redirect, graph_settle,
 * graph_add_link, graph_rank, then the questions.
 */
#pragma once

#include <stdatomic.h>

#include "config/err.h"

#define GRAPH_DAMPING 0.85
/* A pass that changes the ranks by less than this in all is the last one ... */
#define GRAPH_BOUND 1e-6
/* ... and this one in any case. */
#define GRAPH_MAX_PASSES 100

struct graph;

/* For ids from 1 to max_id. NULL without memory, or when max_id is over 2^32 - 2. */
struct graph *graph_new(int64_t max_id) MUST_USE;
/* NULL is fine. */
void graph_free(struct graph *g);

/* id has a page. Ascending. ERR_NO_MEMORY; ERR_INVALID for an id that is none or out of order. */
enum err graph_add_page(struct graph *g, int64_t id) MUST_USE;

/* What links to src means dst; does not matter where src has a page. Errors as above. */
enum err graph_add_redirect(struct graph *g, int64_t src, int64_t dst) MUST_USE;

/* After all pages and redirects. ERR_NO_MEMORY. */
enum err graph_settle(struct graph *g) MUST_USE;

/*
 * A link. All links of one src come together. Links between ids that
 * are none are passed over. ERR_NO_MEMORY, ERR_INVALID (a page's links came before).
 */
enum err graph_add_link(struct graph *g, int64_t src, int64_t dst,
                        bool is_followed) MUST_USE;

/*
 * Computes the ranks. *passes: how many it took. ERR_CANCELLED soon after *stop became true
 * (NULL: never); ERR_NO_MEMORY.
 */
enum err graph_rank(struct graph *g, const atomic_bool *stop, int *passes) MUST_USE;

size_t graph_n_pages(const struct graph *g);

/* What is known of an id. */
struct graph_node {
    uint32_t links_in; /* links to it */
    uint32_t pages_in; /* other pages that have one */
    bool has_page;
    double rank; /* 0 without a page */
};
struct graph_node graph_get(const struct graph *g, int64_t id);
