/* SPDX-License-Identifier: MIT */
/*
 * Keeps the pages that parser processes died of, so that the fault can be
 * reproduced, reported and mended. A folder FILE-quarantine beside the database,
 * made with the first page (mode 0700), one file a page (mode 0600), never more
 * than a given number of files and QUARANTINE_MAX_BYTES, those of earlier runs
 * included; what is there is never written over and never removed.
 *
 *   page-000001.json      crawl inspect links < it
 *   sitemap-000002.json   crawl inspect sitemap < it
 *   robots-000003.json    crawl inspect robots < it
 *
 * Each is one line of JSON: the request for that inspection, with the bytes as
 * they came over the wire, and why the parser ended. The bytes are hostile by
 * definition: nothing in this process reads them.
 *
 * Files are written by a thread of their own, so a slow disk holds nothing up.
 * Nothing here suspends, and what fails here never fails the crawl.
 */
#pragma once

#include "config/err.h"
#include "crawler/pool.h"

#define QUARANTINE_MAX_BYTES (64 * MIB)
#define QUARANTINE_PATH_SIZE 512

struct quarantine;

/* For the database at db_path. max_files 0: keeps nothing. Touches no file. */
struct quarantine *quarantine_new(const char *db_path, size_t max_files);

/*
 * Copies a victim and has it written; its path goes to out_path. ERR_FULL: there
 * are enough of them. ERR_UNSUPPORTED: no kind of job that is kept. ERR_REFUSED:
 * the folder is a link, another user's, or open to others. ERR_IO, ERR_NO_MEMORY.
 */
enum err quarantine_add(struct quarantine *q, const struct pool_victim *v,
                        char out_path[QUARANTINE_PATH_SIZE],
                        struct err_note *note) MUST_USE;

/* Waits for the thread, frees. ERR_IO when a file could not be written: the note says which. NULL is fine. */
enum err quarantine_close(struct quarantine *q, struct err_note *note);
