/* SPDX-License-Identifier: MIT */
/*
 * An index whose entries are written sorted, thousands at a time. Hashes come in no order: written
 * one by one, each changes a page of the file of its own, and once the index is larger than the cache that page
 * is read first, goes through the log, its checksum and the checkpoint. Here entries wait in memory until there
 * are many, are sorted, and go into their table a slice a commit, so that those of one page come together.
 *
 * The rows that the index is of have the truth: what a crash keeps from being written is
 * read from them again at the next start. The table meta says up to which id all have their entries (the mark),
 * so whoever reads the file looks into the table, and through the rows above the mark.
 *
 * In front of both stands a filter (filter.h): most keys that are looked up are new, and it says so from one place in
 * memory. It is read from the table a slice a commit, at the start and when it has become too small.
 *
 * Invariants
 * 1. Every row has its entry in the table or in memory (after a crash perhaps in both); up to the mark in the table.
 * 2. What waits is bounded: a full generation in the making, one on its way.
 */
#pragma once

#include "store/db.h"

/* Schemas before this one had plain indexes of the same names. */
#define DEFERRED_SINCE 7

struct deferred;

/* Which index; the texts are literals. Keys are 8 bytes: integers, or blobs that begin with the highest. */
struct deferred_index {
    bool has_blob_keys;
    const char *mark;   /* its name in meta */
    const char *insert; /* an entry that may be there already: ?1 key, ?2 id */
    const char *remove; /* ?1 key, ?2 id */
    const char *rest;   /* key and id of the rows with an id above ?1, in the order of ids, ?2 at most */
    const char *all;    /* keys and ids of the table above (?1, ?2), in order, ?3 at most */
};

/*
 * Reads the entries above the mark; d->failed says whether that went well. index must stay. secret: keys
 * that others can choose are not to share a place. What waits takes max_bytes at most, the filter twice that, and
 * less than as much once more while a larger one is made. Heap.
 */
struct deferred *deferred_new(struct db *d, const struct deferred_index *index, uint64_t secret, size_t max_bytes);
/* NULL is fine. What still waits is in the rows. */
void deferred_free(struct deferred *x);

/* A row came into being, inside the running transaction. */
enum err deferred_add(struct deferred *x, uint64_t key, int64_t id);
/* It went. */
enum err deferred_remove(struct deferred *x, uint64_t key, int64_t id);

/* False: there is no entry under key, neither in memory nor in the table. */
bool deferred_may_have(const struct deferred *x, uint64_t key);

/* Does the table have entries? Else all there are wait in memory, and nobody need look there. */
bool deferred_has_table(const struct deferred *x);

/*
 * The ids under key that wait in memory, one a call; begin with { 0 }. 0 at the end: then the
 * table has the others.
 */
struct deferred_walk {
    bool is_in_older; /* looking through the generation on its way */
    size_t n;         /* places looked at */
};
int64_t deferred_next(const struct deferred *x, uint64_t key, struct deferred_walk *w);

/* Right before a commit: writes a slice of the generation on its way, and reads one for the filter. */
enum err deferred_write(struct deferred *x);
/* For the end of a run: writes all. */
enum err deferred_write_all(struct deferred *x);
