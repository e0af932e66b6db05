/* SPDX-License-Identifier: MIT */
/*
 * Which file may be opened as our database. Looks before SQLite does, through
 * a descriptor of its own that is closed before SQLite opens the file (closing
 * any descriptor of a file drops the process's POSIX locks on it). Changes
 * nothing. SQLite offers no such checks: a symbolic or hard link gives two
 * names to one file and so two write-ahead logs, which corrupts it.
 */
#pragma once

#include "config/err.h"

/* What stands at the path. */
enum guard_found {
    GUARD_ABSENT,
    GUARD_OURS, /* our application id, a schema version we know */
};

/*
 * Checks the directory, the file and its -wal, -shm and -journal neighbours.
 * ERR_REFUSED: not a regular file, a link, more than one hard link, a directory
 * others may write to (without the sticky bit), another program's database.
 * ERR_VERSION: a newer schema. ERR_CORRUPT: no SQLite header, or cut short.
 * ERR_IO: cannot be looked at.
 */
enum err guard_check(const char *path, enum guard_found *out,
                     struct err_note *note) MUST_USE;

/* Only the directory: may others write to it? For before the lock file is made. */
enum err guard_check_directory(const char *path, struct err_note *note) MUST_USE;

/*
 * As guard_check for a file that is only read: directory and owner do not matter.
 * ERR_NOT_FOUND too.
 */
enum err guard_check_read(const char *path, struct err_note *note) MUST_USE;

/*
 * The path with the links in its directory followed, in memory of its own
 * (mem_free); as it was where that cannot be told. SQLITE_OPEN_NOFOLLOW refuses
 * links anywhere in a name, but only one at its end would give the file two.
 */
char *guard_follow_directory(const char *path);

/*
 * Is this the name of a file's neighbour that SQLite would use? For messages and tests.
 */
const char *guard_suffix(int i);
