/* SPDX-License-Identifier: MIT */
/*
 * Rows for people and programs: an aligned table, CSV, TSV, JSON, JSON lines
 * or Markdown on standard output. Text from the web is made safe for where it
 * goes (promises P37, P38): unsafe bytes are escaped in a table, and in every
 * format when it goes to a terminal; JSON escapes them losslessly and is always
 * valid; CSV cells that a spreadsheet would take for a formula get a leading
 * apostrophe. To files and pipes CSV and TSV give the bytes as they are.
 *
 * The table format holds its rows (up to 1,000 to find the widths) and streams
 * the rest; every other format streams.
 */
#pragma once

#include "config/arena.h"
#include "config/buf.h"
#include "config/err.h"
#include "config/span.h"

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

enum output_type {
    OUTPUT_NULL,
    OUTPUT_INTEGER,
    OUTPUT_REAL,
    OUTPUT_TEXT,
    OUTPUT_BLOB,
};

struct output_value {
    enum output_type type;
    int64_t integer;
    double real;
    struct span text; /* TEXT and BLOB */
};

struct output;

/* columns are copied. fd is written to in blocks. */
struct output *output_new(enum output_format format, int fd, const struct span *columns,
                          size_t n);

/* One row of n values. ERR_IO: the reader is gone (errno says). */
enum err output_row(struct output *o, const struct output_value *values) MUST_USE;

/* Writes what is held back and the end of the format. */
enum err output_finish(struct output *o) MUST_USE;
void output_free(struct output *o);

/* Rows written so far. */
size_t output_count(const struct output *o);
