/* SPDX-License-Identifier: MIT */
/*
 * The commands of `crawl inspect` that take a whole document: links, text,
 * sitemap, feed, extract. Each sets the fields of *answer from those of *request.
 * ERR_INVALID for a request that cannot be processed, ERR_NO_MEMORY,
 * ERR_TOO_LARGE. Used by parse/inspect.c only.
 */
#pragma once

#include "parse/inspect_json.h"
#include "parse/toolbox.h"

enum err inspect_document_links(struct toolbox *t, const json_t *request,
                                json_t *answer) MUST_USE;
enum err inspect_document_extract(struct toolbox *t, const json_t *request,
                                  json_t *answer) MUST_USE;
enum err inspect_document_text(struct toolbox *t, const json_t *request,
                               json_t *answer) MUST_USE;
enum err inspect_document_sitemap(struct toolbox *t, const json_t *request,
                                  json_t *answer) MUST_USE;
enum err inspect_document_feed(struct toolbox *t, const json_t *request,
                               json_t *answer) MUST_USE;
