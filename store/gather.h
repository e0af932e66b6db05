/* SPDX-License-Identifier: MIT */
/*
 * Fewer system calls for the write-ahead log: an SQLite VFS, which is the default one but for
 * what is written to a -wal file. SQLite writes two pieces a frame, 24 bytes and a page, some
 * eight hundred a transaction; here they are gathered and go out 128 KiB at a time.
 *
 * What others may see is as before. A frame whose header says that its transaction ends there
 * (bytes 4 to 7, sqlite.org/fileformat2.html#walformat) goes out at once, with all before it, so
 * frames are in the file when SQLite publishes them. What is held back belongs to a transaction that has
 * not ended: a crash undoes it, and at a rollback it is forgotten. Reading what is held, syncing and
 * measuring write out first; an error is returned by the call that met it.
 */
#pragma once

#include <sqlite3.h>

/* The VFS for sqlite3_open_v2: registered at the first call. NULL (the default) without memory. */
const char *gather_vfs(void);

/* For a connection opened with it, before its first transaction: its rollback hook is taken. */
void gather_watch(sqlite3 *handle);
