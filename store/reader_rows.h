/* SPDX-License-Identifier: MIT */
/*
 * SQL functions by which a query keeps a small table at hand and looks its rows up by id. A join would make a
 * b-tree of it, and each look-up there costs more than all else that is done for a row.
 *
 *   row_set(id, value, ...)       aggregate: the number of a set of these rows, which lives as long as handle;
 *                                 rows without an id are left out, of several with one id the first counts
 *   row_value(set, id, column)    the value of that row's column, counted from 0; NULL: there is no such row or column
 */
#pragma once

#include <sqlite3.h>

#include "config/err.h"

struct reader_rows;

/* Registers them on handle, which must be closed before reader_rows_free. ERR_NO_MEMORY. */
enum err reader_rows_new(sqlite3 *handle, struct reader_rows **out) MUST_USE;
/* NULL is fine. */
void reader_rows_free(struct reader_rows *r);
