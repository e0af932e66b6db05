/* SPDX-License-Identifier: MIT */
/*
 * What a person sees of a running crawl: a line that is redrawn on a terminal,
 * a plain line now and then elsewhere, nothing with -q; and the summary at the
 * end, which accounts for every URL the database knows.
 */
#pragma once

#include "crawler/crawl.h"

struct progress;

/* Starts the line on standard error, as settings say. */
struct progress *progress_start(struct crawl *c);

/* Takes the line away. NULL is fine. */
void progress_stop(struct progress *p);

/* The summary for people, to standard error. */
void progress_print_summary(const struct crawl *c);

/* The same as one JSON object. */
enum err progress_summary_json(const struct crawl *c, int exit_code,
                               struct buf *out) MUST_USE;

/* One status record into the log (SIGUSR1). */
void progress_log_status(const struct crawl *c);
