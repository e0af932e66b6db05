/* SPDX-License-Identifier: MIT */
/* Files of older schemas are read as they are: views stand in the connection for what they lack. */
#pragma once

#include <sqlite3.h>

/*
 * For a connection with query_only set, which it has again then. A change of temp_store forgets the views: call again.
 * An error code of SQLite.
 */
int reader_older_bridge(sqlite3 *handle);
