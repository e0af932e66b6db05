/* SPDX-License-Identifier: MIT */
/*
 * One crawl a database: an flock on PATH-lock, which the kernel drops when the
 * process dies however it dies. The file says who holds it, for people; the
 * text is never trusted. The file is removed at an orderly end, and whoever
 * gets a lock checks that the name still leads to the file it locked.
 *
 * People remove what is called a lock. So one byte of the database, far behind what SQLite ever uses, is locked too.
 */
#pragma once

#include "config/err.h"

struct lock;

/*
 * Takes the lock, polling for up to wait_ms. ERR_LOCKED (the note names the
 * holder's pid and start), ERR_REFUSED (a link or no regular file), ERR_IO.
 */
enum err lock_take(const char *db_path, int64_t wait_ms, struct lock **out,
                   struct err_note *note) MUST_USE;

/*
 * Locks the database itself; ERR_LOCKED when a crawl holds it whose lock file is gone. Nothing where there is none yet,
 * or where its file system has no such locks. Called again when it was replaced. No connection to it may be open:
 * closing a file gives up SQLite's locks.
 */
enum err lock_database(struct lock *l, const char *db_path, struct err_note *note) MUST_USE;

/* Removes the lock file and gives both locks back; connections to the database are closed before. NULL is fine. */
void lock_release(struct lock *l);
