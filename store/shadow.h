/* SPDX-License-Identifier: MIT */
/*
 * What FTS5 keeps of page_text in its own tables: the configuration, the list
 * of segments (the structure record), the totals (the averages record), a row a page of a segment, a separator between
 * pages, a row a document. The layout is described in the comments of fts5_index.c and fts5_storage.c of SQLite; it is
 * that of format 4, which every later SQLite must read, since files have it.
 *
 * FTS5 keeps the list of segments in memory as well, and asks again only when another connection has written
 * (fts5StructureRead, sqlite3Fts5IndexReset). It would write its own list over ours. So shadow_save makes it forget.
 */
#pragma once

#include "store/db.h"

#define SHADOW_COLUMNS 3
#define SHADOW_FORMAT  4
/* A page's row is its segment's id, then 6 bits for indexes of long lists, then its number (FTS5_SEGMENT_ROWID). */
#define SHADOW_SEGMENT_SHIFT 37
/* Segments of the file, as many as FTS5 has (FTS5_MAX_SEGMENT); ids are 1 to that. */
#define SHADOW_MAX_SEGMENTS 2000
/* Of the list: three numbers a segment, of at most five bytes each; levels are few. */
#define SHADOW_MAX_RECORD ((size_t)32 * 1024)

struct shadow_segment {
    uint32_t id;
    uint32_t n_pages;
};

struct shadow {
    struct db *db;
    size_t page_bytes;                    /* of a full page of a segment */
    uint64_t totals[1 + SHADOW_COLUMNS]; /* documents, and words in each column */
    /* The list as it was read; in it the segments of the first level, then what nobody here changes. */
    unsigned char record[SHADOW_MAX_RECORD];
    size_t len, first_level_at, rest_at;
    uint64_t n_levels, n_segments, n_written, n_merging, n_first_level;
    bool is_taken[SHADOW_MAX_SEGMENTS + 1]; /* by id */
    struct shadow_segment added[SHADOW_MAX_SEGMENTS];
    size_t n_added;
    unsigned char changed[2 * SHADOW_MAX_RECORD]; /* the list as it is written */
};

/*
 * Reads it all, inside the transaction that is to write. False when something is not as we know it, or FTS5 should
 * write next, for it then merges (most_first: segments of the first level); an error sticks to d.
 */
bool shadow_read(struct db *d, size_t most_first, struct shadow *s);

/* A free id, which is taken then; 0 when there is none. */
uint32_t shadow_take_id(struct shadow *s);

/* Page number n (from 1) of a segment. */
void shadow_put_page(struct shadow *s, uint32_t segment, uint32_t n, struct span page);

/* Words from separator on stand in page n and those after it; the first page has an empty one. */
void shadow_put_separator(struct shadow *s, uint32_t segment, uint32_t n, struct span separator);

/* A document and the number of words in its columns; the totals count it, too. */
void shadow_put_doc(struct shadow *s, int64_t id, const uint32_t n_words[SHADOW_COLUMNS]);

/* The segment has all its pages: it comes to the others with shadow_save. */
void shadow_add_segment(struct shadow *s, uint32_t id, uint32_t n_pages);

/* Writes the list and the totals, and has FTS5 forget what it knew. */
void shadow_save(struct shadow *s);
