/* SPDX-License-Identifier: MIT */
/*
 * Plain text into man(7) source: what the man pages are put together with.
 * Knows nothing of pages. Text is taken as it stands in the tables that --help
 * prints; everything in it that roff would take for its own is made harmless.
 * Errors are those of buf_append.
 */
#pragma once

#include "config/options.h"

/* Running text. Whether it begins a line of source is seen from what out holds. */
enum err roff_text(struct buf *out, struct span text) MUST_USE;

/* Running text in lines of source that a person can read, the last one ended. */
enum err roff_fill(struct buf *out, struct span text) MUST_USE;

/* A section's heading, in capitals. */
enum err roff_section(struct buf *out, const char *title) MUST_USE;

/*
 * "sql [OPTIONS] QUERY|REPORT": words in capitals are what a user replaces
 * (italic), brackets, bars and dots are ours (roman), the rest is typed as it
 * is (bold).
 */
enum err roff_usage(struct buf *out, struct span usage) MUST_USE;

/*
 * A line of an example, which stays as it is unless it is too long for a
 * terminal: then it is cut at blanks that are in no quotes, as a shell wants it
 * or as SQL may be.
 */
enum err roff_example(struct buf *out, struct span line, bool is_shell) MUST_USE;

/*
 * Paragraphs for a terminal: lines of text are filled, lines that begin with a
 * space are examples, of what is typed into a shell.
 */
enum err roff_paragraphs(struct buf *out, struct span text) MUST_USE;

/*
 * A sentence from a table (at most 500 bytes): a capital at its beginning unless
 * it begins with one of spec's choices, a full stop. Nothing where it is the choices alone.
 */
enum err roff_help(struct buf *out, const struct option_spec *spec,
                   const char *help) MUST_USE;

/* "Default: X.", or nothing where there is none to tell. */
enum err roff_default(struct buf *out, const struct option_spec *spec) MUST_USE;

/* The options of a table, under their groups' headings. */
enum err roff_options(struct buf *out, const struct option_table *t) MUST_USE;
