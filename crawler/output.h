/* SPDX-License-Identifier: MIT */
/*
 * Rows for people and programs: an aligned table, CSV, TSV, JSON, JSON lines
 * or Markdown on standard output. Text from the web is made safe for where it
 * goes (promises P37, P38): unsafe bytes are escaped in a table, and in every
 * format when it goes to a terminal; JSON escapes them losslessly and is always
 * valid; CSV cells that a spreadsheet would take for a formula get a leading
 * apostrophe. To files and pipes CSV and TSV give the bytes as they are.
 *
 * The table format (crawler/table.h) holds its first rows; every other format
 * streams.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"
#include "crawler/cell.h"
#include "crawler/pager.h"

enum output_format {
    OUTPUT_TABLE,
    OUTPUT_CSV,
    OUTPUT_TSV,
    OUTPUT_JSON,
    OUTPUT_JSONL,
    OUTPUT_MARKDOWN,
};

/* The words for an option's choices, in the order of the enum. */
#define OUTPUT_FORMATS "table|csv|tsv|json|jsonl|markdown"

struct output;

/* columns are copied. fd is written to in blocks. */
struct output *output_new(enum output_format format, int fd, const struct span *columns,
                          size_t n);
/* The same through a pager, which must outlive it. */
struct output *output_new_paged(enum output_format format, struct pager *pager,
                                const struct span *columns, size_t n);

/* No line behind a table that says how many rows there were. */
void output_set_countless(struct output *o);

/* One row of n values. ERR_IO: the reader is gone (errno says). */
enum err output_row(struct output *o, const struct output_value *values) MUST_USE;

/* Writes what is held back and the end of the format. */
enum err output_finish(struct output *o) MUST_USE;
void output_free(struct output *o);

/* Rows written so far. */
size_t output_count(const struct output *o);
