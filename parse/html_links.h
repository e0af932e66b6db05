/* SPDX-License-Identifier: MIT */
/*
 * Which elements and attributes carry links, of what kind, and what following
 * them would be. Part of parse/html.h.
 */
#pragma once

#include "parse/header.h"
#include "parse/html_page.h"

/* The elements that this module and parse/html_meta.h ask attributes of, by enum tag. */
extern const bool html_links_wants_attrs[N_TAGS];

/* Notes the links of a start tag. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err html_links_of_tag(struct html_page *page, const struct token *tok) MUST_USE;

/* Notes one link of a Link field. */
enum err html_links_of_header(struct html_page *page,
                              const struct header_link *link) MUST_USE;

/* Notes the target of a refresh, as the page's first candidate of this kind. */
enum err html_links_of_refresh(struct html_page *page, enum link_kind kind,
                               struct span ref) MUST_USE;

/* The running anchor text ends here. */
void html_links_end_anchor(struct html_page *page);

/*
 * Resolves all that was noted, HTTP's against the document and the others
 * against its base, into facts.links. ERR_TOO_LARGE when mem has no room at all.
 */
enum err html_links_finish(struct html_page *page) MUST_USE;
