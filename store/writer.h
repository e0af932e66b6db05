/* SPDX-License-Identifier: MIT */
/*
 * The writer thread: takes ops in order, does many in one transaction, commits,
 * and hands them back. It owns the connection from writer_start to
 * writer_stop.
 *
 *   a transaction ends       when
 *   at once                  no more is submitted and an answer is waited for (refill)
 *   after 1 ms without more  only visits are in it and more were coming just now
 *   in any case              after 128 visits, or 200 ms after its first op
 *
 * Between transactions: checkpoints of the write-ahead log, merging of full
 * text, and a look at the free space every 10 s.
 */
#pragma once

#include "store/core.h"

struct writer;

/* Starts the thread on c. ERR_NO_MEMORY, ERR_IO. */
enum err writer_start(struct core *c, void (*notify)(void *arg), void *arg,
                      struct writer **out, struct err_note *note) MUST_USE;

/* Does what was submitted, then ends the thread. NULL is fine. */
void writer_stop(struct writer *w);

/* As store_submit. Any thread. */
void writer_submit(struct writer *w, struct store_op *op);
/* As store_pending. Any thread. */
size_t writer_pending(struct writer *w);
/* As store_take_done. Any thread. */
size_t writer_take_done(struct writer *w, size_t max, struct list_node *done);
/* As store_get_totals. Any thread. */
void writer_get_totals(struct writer *w, struct store_totals *out);
/* As store_failure. Any thread. */
enum err writer_failure(struct writer *w, struct err_note *note);
