/* SPDX-License-Identifier: MIT */
/*
 * Puts the parts of a crawl together and takes them apart again, in the one
 * right order: parser processes before threads, the database before the loop
 * runs, and back.
 */
#pragma once

#include "crawler/seeds.h"

/*
 * Opens everything: scope, credentials, database and run, loop, memory for
 * bodies, name service, fetcher, parsers, frontier. On error the note says
 * what, and what was opened is left for parts_close. ERR_USAGE, ERR_LOCKED and
 * the errors of store_open.
 */
enum err parts_open(struct crawl *c, const struct seeds *seeds,
                    struct err_note *note) MUST_USE;

/* Only what asking a server needs: no database, no signals taken over. */
enum err parts_open_network(struct crawl *c, struct err_note *note) MUST_USE;

/* Closes what is open. An error comes from the database only. */
enum err parts_close(struct crawl *c, struct err_note *note);
