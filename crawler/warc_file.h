/* SPDX-License-Identifier: MIT */
/*
 * A WARC file and its index on the disk: created, appended to, ended; and
 * mended when its writer died. crawler/warc.c decides what goes into it.
 *
 *   name              state                    by
 *   NAME.open         being written, locked    warc_file_create
 *   NAME.open         left by a dead writer    (a kill)
 *   NAME, INDEX       complete                 warc_file_finish, warc_file_mend
 *
 * The index is there before the file gets its final name, and a final name is
 * never taken from another file.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct warc_file;

/* An open directory, and its name for messages. */
struct warc_dir {
    int fd;
    const char *path;
};

/*
 * Opens it, after making it (0700) when it is missing. ERR_IO, ERR_REFUSED (not a
 * directory).
 */
enum err warc_file_open_dir(const char *path, struct warc_dir *out,
                            struct err_note *note) MUST_USE;

/*
 * Creates crawl-TIMESTAMP-NNNNN.warc.gz.open (O_EXCL, 0600, locked); a number
 * that is taken is skipped, *io_serial is the next one. dir must outlive it. ERR_IO.
 */
enum err warc_file_create(const struct warc_dir *dir, int *io_serial,
                          struct warc_file **out, struct err_note *note) MUST_USE;

/* The final name, and the bytes written. */
const char *warc_file_name(const struct warc_file *f);
int64_t warc_file_bytes(const struct warc_file *f);

/* Largest number of bytes that records of n bytes in all can take. */
int64_t warc_file_bound(struct warc_file *f, size_t n);

/* Room for more? False once the index is full. */
bool warc_file_has_room(const struct warc_file *f);

/*
 * Appends a record made of n pieces; indexed when its head (the first pieces,
 * joined) says so. Before the first of several that belong together, note
 * warc_file_bytes; after an error cut back to it. ERR_IO, ERR_NO_MEMORY, ERR_TOO_LARGE.
 */
enum err warc_file_add(struct warc_file *f, const struct span *pieces, size_t n,
                       bool is_dense, int64_t *out_at, struct err_note *note) MUST_USE;

/* Puts the record at an offset, of which head is the beginning, into the index. */
enum err warc_file_index(struct warc_file *f, struct span head, int64_t at,
                         int64_t length, struct err_note *note) MUST_USE;

/* Takes back what was written behind this length, as far as the disk lets us. */
void warc_file_cut(struct warc_file *f, int64_t bytes);

/*
 * Writes the index, brings both to the disk, gives the file its name; frees f in any
 * case. ERR_IO, ERR_EXISTS.
 */
enum err warc_file_finish(struct warc_file *f, struct err_note *note) MUST_USE;

/*
 * Every crawl-*.warc.gz.open that nobody writes: cut after its last whole
 * member, indexed, renamed; removed when it holds none. ERR_IO, ERR_EXISTS.
 */
enum err warc_file_mend(const struct warc_dir *dir, struct err_note *note) MUST_USE;
