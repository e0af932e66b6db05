/* SPDX-License-Identifier: MIT */
/*
 * Is a file's schema the one that its version has? SQLite runs what a schema says with each row that is written:
 * checks, defaults, generated columns, expressions of indexes. And the writer's segments (segment.h) fit page_text as
 * we declare it, no other. So a file whose tables are not as this program makes them is not written to.
 *
 * Compared are the declarations, word by word: spaces, comments, the case of words and quotes around names do not
 * matter. Tables, views and plain indexes of the user's own may be there. Triggers may, too: none runs (db.c).
 */
#pragma once

#include "store/db.h"

/*
 * version: of d's file, 1 to DB_SCHEMA_VERSION. ERR_REFUSED, naming what is not as it should be; an error sticks to d.
 */
enum err shape_check(struct db *d, int version);

/*
 * As shape_check for a file that is only read, without a model in memory, as nearly every file's declarations are our
 * texts byte by byte: no table or view of ours may be another one, whose rows could have no end, or cost a second each.
 * Indexes and whatever else is in the file do not matter, nor what is missing. Views of older schemas are of many
 * texts: *has_old_views says that there are some which are not today's, so no more is known of them than their names.
 * ERR_REFUSED, naming what is not as it should be; an error of SQLite.
 */
enum err shape_check_read(sqlite3 *handle, const char *path, bool *has_old_views, struct err_note *note);

/* Are these two declarations the same? */
bool shape_is_same(struct span a, struct span b);
