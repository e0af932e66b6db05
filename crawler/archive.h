/* SPDX-License-Identifier: MIT */
/*
 * --warc DIR: every exchange of the crawl, robots.txt and sitemaps included,
 * into WARC files as it happens, on a thread of its own. An answer's bytes are
 * copied once into its queue; the loop never waits for the disk.
 *
 *   bound      the dispatcher starts nothing while archive_is_full; what is in
 *              flight then may still come, at most what the body region holds
 *   promise    a page is recorded as done only when its records are in the file
 *              (archive_wait), so a kill loses no page that the database has
 *   failure    a write error stops the crawl (STOP_WARC); queued records are dropped
 *
 * A NULL archive is one that was not asked for: every call takes it and does nothing.
 */
#pragma once

#include "crawler/crawl.h"

struct archive;

/*
 * Opens DIR, mends what a dead crawl left in it and starts the thread; *out is
 * NULL without --warc. After crawl_watch_signals. ERR_IO, ERR_REFUSED ... with a note.
 */
enum err archive_open(struct crawl *c, struct archive **out,
                      struct err_note *note) MUST_USE;

/*
 * Takes a copy of an exchange for writing. An answer that the visit will ask
 * for again, uncharged (cancelled, lost, nothing sent), is left out.
 */
void archive_put(struct archive *a, struct span url, const struct fetch_result *got);

/* Names all exchanges put so far, for archive_wait. */
uint64_t archive_last(const struct archive *a);

/*
 * Suspends until the exchanges up to last are written. ERR_IO: they will not be;
 * ERR_CANCELLED.
 */
enum err archive_wait(struct archive *a, uint64_t last, deadline until) MUST_USE;

/* More is queued than --max-memory allows for it. */
bool archive_is_full(struct archive *a);

/*
 * Writes what is queued, ends the thread and the file; blocks. ERR_IO with a note,
 * also of an earlier failure.
 */
enum err archive_close(struct archive *a, struct err_note *note) MUST_USE;
