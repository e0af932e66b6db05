/* SPDX-License-Identifier: MIT */
/*
 * Numbered, immutable migrations, embedded in the program from
 * store/migrations/NNNN_*.sql. A new file is built beside its final place and
 * appears there complete, so a crash leaves either nothing or a database. An
 * older schema is brought forward in one transaction, with a copy kept.
 */
#pragma once

#include "store/db.h"

/*
 * Creates an empty database of the newest schema at path, mode 0600. ERR_EXISTS,
 * ERR_IO, ERR_FULL. The caller holds the lock.
 */
enum err schema_create(const char *path, struct err_note *note) MUST_USE;

/*
 * Brings d to the newest schema; a copy of the old file is kept as
 * PATH.schemaN, which *out_copy names then (mem_free). Nothing happens when it is the newest.
 */
enum err schema_migrate(struct db *d, char **out_copy, struct err_note *note) MUST_USE;

/*
 * What an empty file goes through, in order: the migrations 1 to DB_SCHEMA_VERSION, then all
 * views (views.sql), which older files get anew, too. NULL for other n.
 */
const char *schema_sql(int n);
