/* SPDX-License-Identifier: MIT */
/*
 * From a response body to page facts: content coding, what kind of document it
 * is, character encoding, then links, metadata and text, fingerprints, and the
 * body as the store keeps it.
 *
 *   HTML, XHTML           taken apart by parse/html.h
 *   RSS, Atom             entries become links of kind "feed"
 *   other XML, sitemaps   recorded, no links (only robots.txt's sitemaps are read)
 *   text                  its text, no links
 *   anything else         size and digest only: not_html
 *
 * The Content-Type decides; it is overruled where the content plainly is
 * something else (a PDF sent as text/html, a feed sent as text/html, anything
 * without a usable type), after the MIME Sniffing standard's patterns. HTTP's
 * Link, Refresh and X-Robots-Tag fields count whatever the body is.
 */
#pragma once

#include "parse/job.h"
#include "parse/toolbox.h"

/*
 * Fills *out from the body as it came over the wire. Spans lie in the toolbox,
 * until its next reset. ERR_NO_MEMORY; ERR_TOO_LARGE when the toolbox's arena is
 * full (*out then has what was found); ERR_INVALID for a URL that is none.
 */
enum err page_parse(struct toolbox *t, const struct job *job, struct span wire_body,
                    struct page_facts *out) MUST_USE;

/* What a document is taken for. */
enum page_kind {
    PAGE_BINARY,
    PAGE_TEXT,
    PAGE_XML,
    PAGE_FEED,
    PAGE_SITEMAP,
    PAGE_HTML,
};

/* Decides from the Content-Type value (may be empty) and the decoded body. */
enum page_kind page_sniff(struct span content_type, struct span body);
