/* SPDX-License-Identifier: MIT */
/*
 * docs/schema.md, which is in the program, looked up: what a table, view or
 * column of the database means. Texts are pieces of Markdown: they have `code`
 * in them, and line feeds.
 */
#pragma once

#include "config/span.h"

/* All of it; behind it stands a NUL. */
struct span handbook_text(void);

/* What stands before the first heading of the second level, without the title. */
struct span handbook_preamble(void);

/* What stands under "## TITLE"; SPAN_NONE without. */
struct span handbook_chapter(struct span title);

/* What a row of a table or view is. False: it is not a public name. */
bool handbook_about(struct span table, struct span *out);

/* What stands under a table's heading beside the list of its columns; may be empty. */
struct span handbook_remark(struct span table);

/* What a column holds: as its table says, else as another table or the views' list does. May be empty. */
struct span handbook_column(struct span table, struct span column);

/* The words that a column may have, SPAN_NONE for any. */
struct span handbook_words(struct span table, struct span column);
