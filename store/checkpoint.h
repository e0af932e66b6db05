/* SPDX-License-Identifier: MIT */
/*
 * Copies the write-ahead log back into the database file: at once, or on a
 * thread of its own with a connection of its own, so that the writer goes on
 * while the disk works (a log of 48 MiB takes a disk a quarter of a second).
 * Neither ever waits for readers: what they still need stays in the log.
 *
 * SQLite lets one connection copy while another writes; the log begins anew
 * only when a write starts that finds all of it copied. So the last bit is
 * copied by the writer itself, between two transactions (keeper.h).
 */
#pragma once

#include "store/db.h"

struct checkpoint_result {
    int frames; /* pages in the log; -1 when another connection was copying just then */
    int copied; /* of them, those that are in the database too; -1 as above */
    enum err e;
    struct err_note note;
};

/* Copies now, over d. */
void checkpoint_now(struct db *d, struct checkpoint_result *out);

struct checkpoint;

/*
 * Opens the connection and starts the thread, which waits for checkpoint_begin. NULL when
 * either is not to be had, or the file was moved: then only checkpoint_now is left.
 */
struct checkpoint *checkpoint_new(struct db *writer, bool is_durable);
/* Ends the thread, after the copy it is at. NULL is fine. */
void checkpoint_free(struct checkpoint *c);

/* Has the thread copy what the log holds now; nothing while it is at it already. */
void checkpoint_begin(struct checkpoint *c);
bool checkpoint_is_running(struct checkpoint *c);
/* Waits for the end of the copy that is running, if one is. */
void checkpoint_wait(struct checkpoint *c);
/* True once after each copy that was begun, when it has ended. */
bool checkpoint_take(struct checkpoint *c, struct checkpoint_result *out);
