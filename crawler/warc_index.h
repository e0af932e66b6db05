/* SPDX-License-Identifier: MIT */
/*
 * The index of one WARC file: a CDXJ line for every response and revisit
 *
 *     com,example)/path?a=1 20261121092000 {"url": ..., "mime": ..., "status": ...,
 *         "digest": ..., "length": ..., "offset": ..., "filename": ...}
 *
 * sorted by bytes, so that replay tools find a capture by binary search. Lines
 * are taken from the records themselves, so that the index of a file whose
 * writer died is made in the same way. Held in memory until the file ends: the
 * writer begins a new file when WARC_INDEX_MAX_BYTES are reached.
 */
#pragma once

#include "config/buf.h"
#include "config/err.h"
#include "config/span.h"

#define WARC_INDEX_MAX_BYTES ((size_t)32 * 1024 * 1024)

struct warc_index;

struct warc_index *warc_index_new(void);
void warc_index_free(struct warc_index *x); /* NULL is fine */

/*
 * Adds the line of a record, if its type has one. head: its bytes from the
 * version line on, at least to the end of its HTTP head; what it says is taken
 * as outside bytes. ERR_TOO_LARGE, ERR_NO_MEMORY.
 */
enum err warc_index_add(struct warc_index *x, struct span head, const char *file_name,
                        int64_t offset, int64_t length) MUST_USE;

/* Bytes of lines held; a new file is due at WARC_INDEX_MAX_BYTES. */
size_t warc_index_bytes(const struct warc_index *x);

/* Sorts the lines, writes them to fd and forgets them. ERR_IO (errno set). */
enum err warc_index_write(struct warc_index *x, int fd) MUST_USE;

/*
 * Appends the sort-friendly form of a URL, as replay tools make it of the URL
 * that they look for: host labels in reverse order, a leading "www." (or www
 * with digits) dropped, everything in lower case, escapes in one spelling,
 * "//" one slash and none at the end of a path, query parts sorted by name.
 * (Session ids stay.) What is no http(s) URL stays as it is. ERR_TOO_LARGE,
 * ERR_NO_MEMORY.
 */
enum err warc_index_surt(struct span url, struct buf *out) MUST_USE;
