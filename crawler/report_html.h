/* SPDX-License-Identifier: MIT */
/*
 * Writing HTML in which text from the web can do no harm (promise P38): markup
 * characters are escaped; controls, marks that turn the direction of text and
 * bytes that are no UTF-8 are shown as signs for themselves; long texts are cut;
 * a URL becomes a link only if it is a plain http(s) one. The first error stays
 * (e) and makes later calls do nothing, so a page is written without looking and
 * checked once. Nothing here suspends.
 */
#pragma once

#include "config/buf.h"

struct report_html {
    struct buf buf;
    enum err e;
};

/* Longest text of a cell in bytes. */
#define REPORT_HTML_CLIP 240

/* Starts empty; max is the cap on the whole. */
void report_html_init(struct report_html *h, size_t max);
void report_html_clear(struct report_html *h);

/* Our own markup, as it is. */
void report_html_put(struct report_html *h, const char *markup);
void report_html_markup(struct report_html *h, struct span markup);
/* Our own markup with numbers and our own words in it; nothing from outside. */
void report_html_format(struct report_html *h, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What another one holds, which must be sound. */
void report_html_append(struct report_html *h, const struct report_html *other);

/* Outside text, escaped for content and quoted attributes, cut behind max bytes with "…". */
void report_html_text(struct report_html *h, struct span text, size_t max);

/*
 * A URL: a link if it is http(s), of printable ASCII and at most 2,000 bytes, else
 * text. The origin is set back; what is longer than a line or two loses its middle.
 */
void report_html_url(struct report_html *h, struct span url);
