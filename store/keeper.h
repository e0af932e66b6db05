/* SPDX-License-Identifier: MIT */
/*
 * What the writer does for the file between transactions: copies the
 * write-ahead log back, merges full text, watches that the file is where it was and
 * the free space of its file system; and the answer to "may we still write?".
 */
#pragma once

#include "store/core.h"

struct keeper;

/* Registers for the size of the write-ahead log on c->db. */
struct keeper *keeper_new(struct core *c);
/* Takes the hook off the connection, which must still be open. NULL is fine. */
void keeper_free(struct keeper *k);

/*
 * May an op of this kind be done? OK, the connection's error, ERR_FULL when
 * the file system has less than min_free, or ERR_IO when the file was removed or renamed (what ends a run in order
 * still may). STORE_SPACE and the end of a run look anew; else every 10 s.
 */
enum err keeper_admit(struct keeper *k, enum store_op_kind kind);

/*
 * Has the log copied back when it is over 48 MiB, on another thread; merges a little text
 * now and then.
 */
void keeper_after_commit(struct keeper *k);

/* Work that takes long and writes little begins: the log may be copied meanwhile. */
void keeper_ahead(struct keeper *k);

/* Copies back and merges what there is. */
void keeper_when_idle(struct keeper *k);

/*
 * The last thing before closing, after keeper_free: everything into the one file, when
 * that can be.
 */
void keeper_finish(struct core *c);

/* OK, or why nothing can be written any more. */
enum err keeper_failure(const struct keeper *k, struct err_note *note);

/* Bytes that the database file has once the log is copied back. */
int64_t keeper_size(const struct keeper *k);
