/* SPDX-License-Identifier: MIT */
/*
 * What a page says about itself: base, meta elements, title, language, and the
 * header fields that say the same. Part of parse/html.h.
 */
#pragma once

#include "parse/html_page.h"

/* Reads Link, Refresh, X-Robots-Tag and Content-Language. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err html_meta_headers(struct html_page *page) MUST_USE;

/* A base, html or meta start tag; others are ignored. */
enum err html_meta_tag(struct html_page *page, const struct token *tok) MUST_USE;

/* The text of a title element; the first with any text counts. */
enum err html_meta_title(struct html_page *page, const struct token *text) MUST_USE;

/* The URL that all references of the document are relative to (HTML standard §2.4.3). */
enum err html_meta_base(struct html_page *page, struct url *out) MUST_USE;

/* Resolves refresh and canonical, once the base is known. */
enum err html_meta_finish(struct html_page *page) MUST_USE;
