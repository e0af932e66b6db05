/* SPDX-License-Identifier: MIT */
/*
 * `crawl inspect`, worker half: one JSON request in, one JSON answer out, over
 * the same parsers that a crawl uses. The answer repeats the request's "id";
 * input that cannot be processed gets {"id":..,"error":"why"}.
 *
 *   url      input, base          -> ok, href, normalized, protocol ... hash
 *   robots   robots, user_agent, url -> allowed, crawl_delay, sitemaps, rule
 *   charset  content_type, body | label -> encoding, source
 *   links    url, content_type, headers, body -> base, links, refresh
 *   text     url, content_type, body -> title, text, date, lang
 *   sitemap  url, content_type, body -> type, urls, sitemaps
 *   feed     url, content_type, body -> title, entries
 *   extract  url, content_type, body, rules: [{name, type, xpath}], facts
 *                                 -> extract: {name: value}; with facts what the page says about itself
 *   domain   host                 -> registrable
 *
 * Bodies and robots are text, or base64 in body_b64 and robots_b64; a body may
 * be coded as content_encoding says. Pure;
 * everything lies in the toolbox until its next reset. Does not suspend.
 */
#pragma once

#include "parse/toolbox.h"

/*
 * Answers one request of a command. *out is one line of JSON without its
 * newline. ERR_INVALID for an unknown command, ERR_NO_MEMORY, ERR_TOO_LARGE
 * when the answer does not fit.
 */
enum err inspect_run(struct toolbox *t, struct span command, struct span request,
                     struct span *out) MUST_USE;

/* Is there such a command? Callable anywhere. */
bool inspect_knows(struct span command);

/* Seeds the JSON library's tables, which needs a file. */
void inspect_warm_up(void);
