/* SPDX-License-Identifier: MIT */
/*
 * One crawl a database: an flock on PATH-lock, which the kernel drops when the
 * process dies however it dies. The file says who holds it, for people; the
 * text is never trusted. The file is removed at an orderly end, and whoever
 * gets a lock checks that the name still leads to the file it locked.
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

/* Removes the file and gives the lock back. NULL is fine. */
void lock_release(struct lock *l);
