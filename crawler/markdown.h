/* SPDX-License-Identifier: MIT */
/*
 * Our own documents into man(7) source: the part of Markdown that docs/ is
 * written in. Headings of two and three levels, paragraphs, lists, tables (of
 * whose rows the first cell is the term), fenced examples, `code`, **strong**.
 * A heading of the first level is left out: the page has a title.
 *
 * Not for outside bytes: what is not understood is printed as it stands.
 */
#pragma once

#include "config/buf.h"

/* Errors of buf_append. */
enum err markdown_to_roff(struct buf *out, struct span text) MUST_USE;
