/* SPDX-License-Identifier: MIT */
/*
 * The documents that have a word, and its places in them, out of FTS5's own tables: what a search reads where FTS5
 * would take far longer, as it brings all words of a query from document to document, 40 ns for each, and puts the
 * lists of all words that begin so together first. Here a list is passed over in a few ns a document, and
 * what is not wanted is not looked at. The layout is told in store/leaves.h and shadow.h.
 *
 * Documents of a segment come in order of their ids, segments one after the other, the oldest first.
 */
#pragma once

#include <sqlite3.h>

#include "config/err.h"
#include "config/span.h"

#define POSTINGS_COLUMNS 3

struct postings;

/*
 * All that is read sees the file as it is now, until postings_close. ERR_UNSUPPORTED: the table is not as we know it,
 * or there is none; else an error of SQLite, which handle tells. Heap; handle must outlive *out.
 */
enum err postings_open(sqlite3 *handle, struct postings **out) MUST_USE;
void postings_close(struct postings *p); /* NULL is fine */

/* How many documents there are, and how many words in all of them. */
int64_t postings_n_documents(const struct postings *p);
int64_t postings_n_words(const struct postings *p);

/* More than the id of any document, and above 0. ERR_IO; ERR_UNSUPPORTED: ids that no fetch has. */
enum err postings_end(struct postings *p, int64_t *out) MUST_USE;

/* How many words a document has. ERR_IO; ERR_UNSUPPORTED: more than one can have. */
enum err postings_size(struct postings *p, int64_t id, int64_t *out) MUST_USE;

/* Which documents are wanted: ids from 0 to below end, those with a bit, or all. */
struct postings_domain {
    int64_t end;
    const uint64_t *bits; /* NULL: all */
};

static inline bool postings_wants(const struct postings_domain *d, int64_t id)
{
    return id >= 0 && id < d->end && (!d->bits || d->bits[id / 64] >> (id % 64) & 1);
}

/*
 * A document's places of one word, never none: as postings_take reads them. They stay there until it returns. Another
 * result than OK ends the walk with it.
 */
typedef enum err postings_fn(void *arg, int64_t id, struct span places);

/*
 * Each wanted document of word (folded, as store/words.h has it), or of each word that begins so: then a document comes
 * once for each of them. ERR_UNSUPPORTED: a document was taken out, which FTS5 must sort out; ERR_CORRUPT; ERR_IO: an
 * error of SQLite, which the handle tells.
 */
enum err postings_walk(struct postings *p, struct span word, bool is_prefix, const struct postings_domain *domain,
                       postings_fn *fn, void *arg) MUST_USE;

/* A place: which column, and how many words stand before it. */
struct postings_place {
    uint32_t column;
    uint32_t at;
};

/* A walk through places. */
struct postings_places {
    const unsigned char *next, *end;
    struct postings_place place;
};

static inline struct postings_places postings_places(struct span places)
{
    const unsigned char *first = (const unsigned char *)places.ptr;

    return (struct postings_places){ first, first + places.len, { 0, 0 } };
}

/* A number of five bytes at most; what is larger or cut stands in no sound file, and ends the places. */
static inline uint32_t postings_number(struct postings_places *w)
{
    uint64_t v = 0;

    for (size_t i = 0; i < 5 && w->next < w->end; i++) {
        unsigned char c = *w->next++;

        v = v << 7 | (c & 0x7F);
        if (c < 0x80)
            return (uint32_t)v;
    }
    w->next = w->end;
    return 0;
}

/* Takes the next place. False behind the last one. */
static inline bool postings_take(struct postings_places *w)
{
    uint32_t v;

    if (w->next == w->end)
        return false;
    v = postings_number(w);
    if (v == 1) { /* a column begins */
        w->place = (struct postings_place){ postings_number(w), 0 };
        if (w->next == w->end)
            return false;
        v = postings_number(w);
    }
    if (v < 2)
        return false;
    w->place.at += v - 2;
    return true;
}
