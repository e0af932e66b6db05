/* SPDX-License-Identifier: MIT */
/*
 * A small, strict reader of WARC files, independent of the writer: each gzip
 * member is inflated by itself and must hold exactly one record. A kit for
 * tests; memory is what it takes.
 */
#pragma once

#include "config/buf.h"
#include "config/span.h"

#define WARCREAD_MAX 4096

struct warcread_record {
    int64_t offset, length; /* of its member in the file */
    struct span fields;     /* "Name: value\r\n" lines */
    struct span block;
};

struct warcread {
    struct buf text; /* all members, inflated */
    struct warcread_record records[WARCREAD_MAX];
    size_t n;
    const char *problem; /* what is wrong with the file, or NULL */
};

/*
 * Reads a whole file; w->problem says what is not as it must be. Free with
 * warcread_free.
 */
struct warcread *warcread_file(const char *path);
/* Every file of a folder whose name ends so, in the order of names. */
struct warcread *warcread_folder(const char *folder, const char *suffix);
void warcread_free(struct warcread *w);

/* The value of a named field; SPAN_NONE when absent. */
struct span warcread_field(const struct warcread_record *r, const char *name);
bool warcread_is(const struct warcread_record *r, const char *name, const char *value);
/* The HTTP head of a block with its blank line, and what lies behind. */
struct span warcread_head(const struct warcread_record *r);
struct span warcread_payload(const struct warcread_record *r);

/* How many records of this type (and for this target, unless NULL). */
size_t warcread_count(const struct warcread *w, const char *type, const char *uri);
/* The first of them, or NULL. */
const struct warcread_record *warcread_find(const struct warcread *w, const char *type,
                                            const char *uri);

/* How many names in folder end so; the last of them in name (may be NULL), 256 bytes. */
size_t warcread_names(const char *folder, const char *suffix, char *name);
