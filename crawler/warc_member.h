/* SPDX-License-Identifier: MIT */
/*
 * Gzip members (RFC 1952), one behind the other in a file: a compressed WARC
 * file holds each record in a member of its own, so that a reader can begin at
 * any record and a cut file is whole up to its last member. The only file of
 * crawler/ that knows zlib. Blocks on the disk; for one thread at a time.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct warc_member;

/* ERR_NO_MEMORY. The caller owns *out. */
enum err warc_member_new(struct warc_member **out) MUST_USE;
void warc_member_free(struct warc_member *m); /* NULL is fine */

/*
 * Writes the pieces, one behind the other, as one member where fd stands.
 * is_dense: they hardly shrink, so little effort is made. ERR_IO (errno set):
 * a part may have been written, which the caller cuts off. *out_bytes: its size.
 */
enum err warc_member_write(struct warc_member *m, int fd, const struct span *pieces,
                           size_t n, bool is_dense, int64_t *out_bytes) MUST_USE;

/* The largest size of a member that holds n bytes. */
int64_t warc_member_bound(struct warc_member *m, size_t n);

/* What a scan gives of a member's content: so many of its first bytes at most. */
#define WARC_MEMBER_START ((size_t)512 * 1024)

/*
 * A whole member: where it begins, its size in the file, how its content begins. An
 * error ends the scan.
 */
typedef enum err warc_member_fn(void *arg, int64_t offset, int64_t length,
                                struct span start);

/*
 * Reads the file from its beginning and reports every member that is whole and
 * sound. *out_good: the bytes up to the end of the last of them; what follows
 * is cut short or damaged. The file may be hostile: memory is bounded.
 * ERR_IO (errno set), ERR_NO_MEMORY, or what fn returned.
 */
enum err warc_member_scan(int fd, warc_member_fn *fn, void *arg,
                          int64_t *out_good) MUST_USE;
