/* SPDX-License-Identifier: MIT */
/*
 * From what a page points at to what the store is offered: a link whose URL
 * the loop knows costs a hash; the URL of any other is parsed and normalised,
 * and becomes an offer with a verdict. The parent does this
 * itself: a worker's word about a URL is never taken for more than text.
 */
#pragma once

#include "crawler/crawl.h"

/* The page the links stand on. */
struct discover_page {
    const struct ticket *ticket;
    const struct page_facts *facts;
    int depth; /* that its links count from: the ticket's may fall meanwhile */
    bool is_error_page; /* 4xx, 5xx: links are recorded, not followed */
};

/*
 * Did taking this URL apart end with OK? If not, it is no URL, or over the cap of mem, and left
 * out. Where it was memory that there was none of, the URL would be lost without a trace, and
 * nobody asks again: that ends the program, which loses nothing.
 */
bool discover_took(enum err e, struct span url, const struct arena *mem);

/* An event for each pattern of --include and --exclude that was left undecided for the first time. */
void discover_tell_undecided(struct crawl *c);

/*
 * Fills links (room for facts->n_links), what they offer in mem; *out_n: how many there are. *out_is_cut: mem
 * had no room for more of them. Lets others run when that takes long (P57). ERR_CANCELLED when
 * a signal's grace ended meanwhile: what is there is not all, and the page is to be asked for again.
 */
enum err discover_links(struct crawl *c, const struct discover_page *page, struct arena *mem,
                        struct store_link *links, size_t *out_n, bool *out_is_cut) MUST_USE;

/* A redirect's target. False when location is no URL. */
bool discover_redirect(struct crawl *c, const struct ticket *from,
                       const struct url *base, struct span location, struct arena *mem,
                       struct store_offer *out);

/* A sitemap's or feed's entry, at depth 1. False when it is no URL. */
bool discover_entry(struct crawl *c, struct span url, enum url_hop hop,
                    int64_t lastmod_ms, struct arena *mem, struct store_offer *out);

/*
 * A URL that the scope excluded when it was narrower (an item of STORE_OUT_OF_SCOPE), offered again: may be
 * queued, or is too deep. False when other rules exclude it still.
 */
bool discover_again(struct crawl *c, const struct store_item *item, struct arena *mem, struct store_offer *out);

/* A seed, at depth 0. u is without fragment and userinfo. */
void discover_seed(struct crawl *c, const struct url *u, struct arena *mem,
                   struct store_offer *out);
