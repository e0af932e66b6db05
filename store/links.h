/* SPDX-License-Identifier: MIT */
/*
 * The link rows of a page: written whole, replaced whole, only when they
 * changed. A page has a hundred of them, so they are the writer's main cost:
 * they go in with one statement that reads them from memory through a virtual
 * table (page_links), and to the end of their table: SQLite gives each the number behind the last, which is the
 * fastest it can do. So those of a page follow each other. The number of the first is that of their set.
 */
#pragma once

#include "store/core.h"

/* Schemas before this one had no column id in the view links. */
#define LINKS_NUMBERED_SINCE 9

struct links;
struct recall;

/* Makes the virtual table known to d, and keeps so many bytes of links. ERR_NO_MEMORY, ERR_IO (in d). */
struct links *links_new(struct db *d, size_t recall_bytes);
/* After the connection was closed. NULL is fine. */
void links_free(struct links *l);

/*
 * For the start: ERR_CORRUPT where a page names links beyond the last row. They would be others' some day, and numbers
 * of two pages must differ.
 */
enum err links_check(struct core *c);

/* A hash of the rows that v's applied offers give; 0 only when there are none. */
uint64_t links_hash(const struct store_visit *v);

/*
 * Writes the rows of v's offers (applied: ids known); old rows must be gone. *out_set is their
 * number, for page.links_id; 0: there are none.
 */
enum err links_write(struct core *c, const struct store_visit *v, int64_t *out_set);

/* Removes the rows with this number, n_most at most (page.links_out); 0: none. */
enum err links_remove(struct core *c, int64_t set_id, int64_t n_most);
/* Right before a commit: what is known of the table's end is true up to there, as others may write then. */
void links_before_commit(struct core *c);
/* Were rows removed since the store was opened? */
bool links_were_removed(const struct core *c);

/* What is kept in memory from now on (recall.h, roll.h) holds for as long as nobody else writes into the file. */
void links_note_writers(struct core *c);
/*
 * The links that were written since the store was opened (recall.h), borrowed until the next are; NULL where the file
 * may have others by now, as another program wrote into it.
 */
const struct recall *links_recall(const struct core *c);

/*
 * Would a stored link be followed under this start's options? *out is what
 * following it is. False also for links whose target's depth is fixed.
 */
bool links_may_follow(const struct core *c, int64_t bits, enum url_hop *out);

/* Of a stored link, by its bits, under the options in use: is it not followed? */
bool links_is_recorded_only(const struct core *c, int64_t bits);
/* Where that is so: is its kind reason enough? */
bool links_is_of_kind(const struct core *c, int64_t bits);
/* Is it a feed's entry, which is at depth 1 wherever the feed is? */
bool links_is_entry(int64_t bits);

/*
 * Does a stored link, by its column bits, lead readers on (metrics)? Followed for what it
 * is, not as an embedded part of the page, and not nofollow; whatever the options say.
 */
bool links_passes_rank(int64_t bits);

/*
 * Builds the index from target to source once there are so many links that
 * reading them all takes a while. For the end of a run.
 */
enum err links_build_reverse(struct core *c);
