/* SPDX-License-Identifier: MIT */
/*
 * Rows in aligned columns, wide characters counted right. To a file or pipe
 * every value stands whole. On a terminal a table is made to fit: long texts
 * are cut (URLs in their middle), and where the columns have no room side by
 * side each row becomes a record, a value a line.
 *
 * The first 1,000 rows are held to find the widths; the rest streams.
 */
#pragma once

#include "crawler/cell.h"
#include "crawler/terminal.h"

struct table;

/* columns are borrowed until table_free. */
struct table *table_new(const struct span *columns, size_t n,
                        const struct terminal *terminal);
void table_free(struct table *t);

/* table_finish does not say how many rows there were. */
void table_set_countless(struct table *t);

/* One row of n values; what can be written goes to out. ERR_NO_MEMORY, ERR_TOO_LARGE. */
enum err table_row(struct table *t, const struct output_value *values,
                   struct buf *out) MUST_USE;

/* The head if there was no row, and what is held back; on a terminal how many rows there were. */
enum err table_finish(struct table *t, struct buf *out) MUST_USE;
