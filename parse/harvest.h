/* SPDX-License-Identifier: MIT */
/*
 * What a page gives beyond links and text, for pages.facts: the values that
 * extraction rules ask for, and with wants_facts what the page says about
 * itself (parse/metadata.h), as one JSON object:
 *
 *   {"extract":{"SECTION":{"VALUE":..}},"json_ld":[..],"opengraph":{..},"twitter":{..},"microdata":[..]}
 *
 * Rules that cannot be evaluated on this page, because it is too large for a
 * tree, give "extract_error":"why" instead of "extract"; the page itself does
 * not suffer. Pure; does not suspend.
 */
#pragma once

#include "parse/job.h"

/*
 * *out is the object, in mem; SPAN_NONE when there is nothing to say. base is
 * the document's base URL. ERR_TOO_LARGE when mem is full, ERR_NO_MEMORY.
 */
enum err harvest_page(const struct job *job, struct span utf8, struct span base,
                      struct arena *mem, struct span *out) MUST_USE;
