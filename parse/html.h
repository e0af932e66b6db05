/* SPDX-License-Identifier: MIT */
/*
 * An HTML page taken apart in one pass over its tokens, without a tree: links,
 * base URL, metadata, robots directives and visible text, as parse/facts.h
 * wants them. HTTP's Link, Refresh and X-Robots-Tag fields count like the
 * elements that say the same.
 *
 * Scripting is off: noscript is markup, nothing inside script is looked at. The
 * content of template is inert unless it declares a shadow root; that of video
 * and audio gives links, and text to these only. Where a text ends is decided
 * from the tags alone, so badly nested markup may give a link a little more or
 * less anchor text than a browser's tree would.
 *
 * parse/html.c reads the tokens; html_links, html_resolve, html_meta and
 * html_text each own one part of the result and share parse/html_page.h.
 * Nothing here suspends or keeps state between pages but memory.
 */
#pragma once

#include "parse/facts.h"
#include "parse/url.h"

struct html_scratch;

struct html_input {
    struct span utf8;      /* the whole document; stays until html_parse returns */
    const struct url *url; /* of the document; http or https */
    const char *charset;   /* the document's encoding, for query strings; NULL: UTF-8 */
    struct span content_type;  /* header value: XML types read "<script/>" as empty */
    struct span headers;       /* raw header block, may be empty */
    struct span product_token; /* whose robots directives count beside everybody's */
    bool wants_text;           /* fill facts.text */
    bool wants_details;        /* title, type, media, hreflang, anchor of links */
    size_t max_links;          /* more are dropped, and links_cut set */
    size_t max_text;           /* bytes of facts.text; more is cut off */
};

/* Does this Content-Type value mean XML, where "<script/>" is empty? */
bool html_is_xml_type(struct span content_type);

/* Memory that pages of one worker use in turn. Never NULL. */
struct html_scratch *html_scratch_new(void);
void html_scratch_free(struct html_scratch *s);

/*
 * Fills the fields of *out that come from HTML and from the header fields
 * above: is_noindex, is_nofollow, has_refresh, links_cut, refresh_*,
 * word_count, links_other, base, title, description, h1, canonical, robots_meta,
 * x_robots_tag, lang, text, links. All others keep their values.
 *
 * Every span lies in mem. facts.text is plain visible text: words separated by
 * one space, blocks by one line feed; words are counted before it is cut.
 * A URL beyond 8 KiB is cut at 8 KiB and one byte, which tells it from one that is
 * whole; references beyond 64 KiB, of other schemes, and those that do not parse are
 * counted in links_other. When mem is full the links are cut; ERR_TOO_LARGE when even the rest does
 * not fit, ERR_NO_MEMORY. Linear in the input.
 */
enum err html_parse(const struct html_input *in, struct html_scratch *scratch,
                    struct arena *mem, struct page_facts *out) MUST_USE;
