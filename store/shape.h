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

/* Are these two declarations the same? */
bool shape_is_same(struct span a, struct span b);
