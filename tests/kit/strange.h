/* SPDX-License-Identifier: MIT */
/*
 * A database that a stranger made, for tests and the fuzz target: a small sound one of the program's own writer, changed
 * as some bytes say (single values, bytes and numbers inside of blobs, rows, declarations, bytes of the file), then read
 * as the commands read it, or continued as a run does. All of that is to end, well or with an error that says what is
 * wrong. FUZZ_TELL=1 prints each change as SQL, and what was answered; FUZZ_KEEP=FILE keeps the changed database.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/buf.h"
#include "tests/kit/storekit.h"

struct strange;

/* Makes the sound database, in a directory of its own, and keeps its bytes. Aborts when that does not work. */
struct strange *strange_new(void);
void strange_free(struct strange *s);

/* The path of the file. */
const char *strange_path(const struct strange *s);

/*
 * The sound database again, changed as the bytes from the second one on say, and read by the way that the first one
 * names; 0: all of them. Aborts on an answer that cannot be, and where it takes more than 20 s of the processor.
 */
void strange_run(struct strange *s, const uint8_t *data, size_t size);

/* Within the kit. */

/* Two runs with pages of three hosts, links, redirects, errors, a sitemap, rules, a dictionary; closed. */
void strange_make_sound(struct storekit *k);

/* Bytes that say what to change; behind the last one they are zeros. */
struct strange_source {
    const uint8_t *at, *end;
};

struct strange_tables;
struct strange_tables *strange_tables_list(const char *path);
void strange_tables_free(struct strange_tables *t);

/* Changes the file. */
void strange_change(const struct strange_tables *t, const char *path, struct strange_source *from);

/* Reads the file by one of the ways, which count from 1; 0: by all. */
void strange_read(struct storekit *k, unsigned by);
#define STRANGE_WAYS 10

/* Were the changes asked for? */
bool strange_tells(void);
