/* SPDX-License-Identifier: MIT */
/* A page of http://h.test/d/p.html taken apart, for the tests of parse/html.h. */
#pragma once

#include "parse/html.h"

struct html_kit {
    struct html_scratch *scratch;
    struct arena mem;
    struct url url;
    struct html_input in; /* change before html_kit_parse */
    struct page_facts facts;
    struct buf described;
};

void html_kit_open(struct html_kit *k);
void html_kit_close(struct html_kit *k);

/* Parses in.utf8 = body into facts; fails the test on error. */
void html_kit_parse(struct html_kit *k, struct span body);

/*
 * The links as "kind:reference(text)" with a space between; URLs of the page's
 * folder or host are shown relative to it ("x" or "/x"). '!' marks nofollow.
 */
struct span html_kit_links(struct html_kit *k);

/* Are they equal? Prints both when not. */
bool html_kit_is(struct span got, const char *want);
