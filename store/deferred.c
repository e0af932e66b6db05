/* SPDX-License-Identifier: MIT */
#include "store/deferred.h"

#include <stdlib.h>

#include "config/mem.h"
#include "store/filter.h"

/*
 * Entries of a generation: an eighth of the rows, so that those for a page of the table are some twenty. More take
 * longer to read after a crash.
 */
#define ROWS_SHARE  8
#define MIN_ENTRIES ((int64_t)64 * KIB)
/* What an entry takes at most: twice in a generation just grown, with its places, and once in the one on its way. */
#define ENTRY_BYTES (3 * sizeof(struct entry) + 4 * sizeof(uint32_t))
#define FIRST_CAP   ((size_t)512) /* a power of two */
#define MIN_SLICE   ((size_t)64)
#define PLACES_EACH 2 /* of the hash table, for each entry that there is room for */
#define MIN_TOLD    ((size_t)4096) /* keys of the table that the filter is told at a commit */
#define TOLD_EACH   8              /* or so many for each that came: an eighth more have come when it has all */

#define REMOVED 0

struct entry {
    uint64_t key;
    int64_t id; /* or REMOVED */
};

struct deferred {
    struct db *db;
    const struct deferred_index *index;
    uint64_t factor; /* odd */
    bool has_table;
    int64_t max_entries; /* of a generation */
    /* In the making: as they came, and a hash table of their numbers plus 1 (0: a free place). */
    struct entry *entries;
    uint32_t *places;
    size_t n_entries, cap;
    int64_t top_id;   /* the highest that was ever given */
    int64_t start_id; /* the highest at the start: entries up to here that wait may be in the table, too */
    /* On its way, sorted: those before next are in the table. */
    struct entry *older;
    size_t n_older, next;
    int64_t older_top_id;
    size_t n_added; /* since the last slice */
    struct filter *filter;
    uint64_t told_key; /* of the table, what the filter in the making has up to here */
    int64_t told_id;
};

/* --- the generation in the making --------------------------------------------------- */

/* The n-th place to look for key. */
static uint32_t *place(const struct deferred *x, uint64_t key, size_t n)
{
    return &x->places[((key * x->factor >> 32) + n) & (x->cap * PLACES_EACH - 1)];
}

static void put_number(struct deferred *x, size_t i)
{
    size_t n = 0;

    while (*place(x, x->entries[i].key, n))
        n++;
    *place(x, x->entries[i].key, n) = (uint32_t)i + 1;
}

static void allocate(struct deferred *x, size_t cap)
{
    x->cap = cap;
    x->entries = mem_array(cap, sizeof *x->entries);
    x->places = mem_array(cap * PLACES_EACH, sizeof *x->places);
}

static void grow(struct deferred *x)
{
    struct entry *old = x->entries;

    mem_free(x->places);
    allocate(x, x->cap * 2);
    memcpy(x->entries, old, x->n_entries * sizeof *old);
    mem_free(old);
    for (size_t i = 0; i < x->n_entries; i++)
        put_number(x, i);
}

static void put(struct deferred *x, uint64_t key, int64_t id)
{
    if (x->n_entries == x->cap)
        grow(x);
    x->entries[x->n_entries] = (struct entry){ key, id };
    put_number(x, x->n_entries++);
    x->top_id = id;
}

static bool is_full(const struct deferred *x)
{
    int64_t n = MIN(MAX(x->top_id / ROWS_SHARE, MIN_ENTRIES), x->max_entries);

    return x->n_entries >= (size_t)n;
}

static int compare(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    return left->key != right->key ? (left->key > right->key) - (left->key < right->key) :
                                     (left->id > right->id) - (left->id < right->id);
}

/* It goes on its way, and the next one begins. */
static void turn(struct deferred *x)
{
    BUG_IF(x->older);
    qsort(x->entries, x->n_entries, sizeof *x->entries, compare);
    x->older = x->entries;
    x->n_older = x->n_entries;
    x->next = 0;
    x->older_top_id = x->top_id;
    x->n_entries = 0;
    mem_free(x->places);
    allocate(x, FIRST_CAP);
}

/* --- writing ------------------------------------------------------------------------ */

/* bytes has to stay until the statement ran. */
static void bind(struct deferred *x, sqlite3_stmt *st, uint64_t key, int64_t id, unsigned char bytes[8])
{
    if (x->index->has_blob_keys) {
        for (int i = 0; i < 8; i++)
            bytes[i] = (unsigned char)(key >> (56 - 8 * i));
        db_blob(x->db, st, 1, span_make((const char *)bytes, 8));
    } else {
        db_int(x->db, st, 1, (int64_t)key);
    }
    db_int(x->db, st, 2, id);
}

static enum err run(struct deferred *x, const char *sql, uint64_t key, int64_t id)
{
    unsigned char bytes[8];
    sqlite3_stmt *st = db_stmt(x->db, sql);

    bind(x, st, key, id, bytes);
    return db_run(x->db, st);
}

static enum err set_mark(struct deferred *x)
{
    sqlite3_stmt *st = db_stmt(x->db, "INSERT OR REPLACE INTO meta (name, value) VALUES (?2, ?1)");

    db_int(x->db, st, 1, x->older_top_id);
    db_text(x->db, st, 2, span_str(x->index->mark));
    return db_run(x->db, st);
}

static enum err write_slice(struct deferred *x, size_t n)
{
    x->has_table = true;
    for (; n && x->next < x->n_older; n--, x->next++)
        if (x->older[x->next].id != REMOVED)
            run(x, x->index->insert, x->older[x->next].key, x->older[x->next].id);
    if (x->next < x->n_older || x->db->failed)
        return x->db->failed;
    mem_free(x->older);
    x->older = NULL;
    x->n_older = x->next = 0;
    return set_mark(x);
}

/* --- the filter --------------------------------------------------------------------- */

static uint64_t key_of(const struct deferred *x, sqlite3_stmt *st)
{
    struct span bytes;
    uint64_t key = 0;

    if (!x->index->has_blob_keys)
        return (uint64_t)sqlite3_column_int64(st, 0);
    bytes = db_column(st, 0);
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < bytes.len ? (unsigned char)bytes.ptr[i] : 0);
    return key;
}

/* Above all that comes from now on, and what is on its way into the table. */
static void tell_waiting(struct deferred *x)
{
    for (size_t i = 0; i < x->n_entries; i++)
        filter_add(x->filter, x->entries[i].key);
    for (size_t i = x->next; i < x->n_older; i++)
        filter_add(x->filter, x->older[i].key);
}

/* The next n keys of the table. */
static void tell_table(struct deferred *x, size_t n)
{
    unsigned char bytes[8];
    sqlite3_stmt *st = db_stmt(x->db, x->index->all);
    size_t n_told = 0;

    bind(x, st, x->told_key, x->told_id, bytes);
    db_int(x->db, st, 3, (int64_t)n);
    for (; db_next(x->db, st); n_told++) {
        x->told_key = key_of(x, st);
        x->told_id = sqlite3_column_int64(st, 1);
        filter_add(x->filter, x->told_key);
    }
    if (n_told < n && !x->db->failed)
        filter_finish(x->filter);
}

static void tell_filter(struct deferred *x, size_t n)
{
    bool is_new;

    if (!filter_is_making(x->filter, x->top_id, &is_new))
        return;
    if (is_new) {
        tell_waiting(x);
        x->told_key = x->index->has_blob_keys ? 0 : (uint64_t)INT64_MIN;
        x->told_id = INT64_MIN;
    }
    tell_table(x, n);
}

enum err deferred_write(struct deferred *x)
{
    /* Twice what came: it is through before the next generation is half full. */
    size_t n = MAX(2 * x->n_added, MIN_SLICE);

    tell_filter(x, MAX(TOLD_EACH * x->n_added, MIN_TOLD));
    x->n_added = 0;
    if (!x->older && is_full(x))
        turn(x);
    return x->older ? write_slice(x, n) : x->db->failed;
}

enum err deferred_write_all(struct deferred *x)
{
    if (x->older)
        write_slice(x, SIZE_MAX);
    if (x->n_entries && !x->db->failed) {
        turn(x);
        write_slice(x, SIZE_MAX);
    }
    return x->db->failed;
}

/* --- the interface ------------------------------------------------------------------ */

/* The next rows above the highest id, as many as a generation has at most; how many there were. */
static size_t read_rest(struct deferred *x)
{
    sqlite3_stmt *st = db_stmt(x->db, x->index->rest);
    size_t n = 0;

    db_int(x->db, st, 1, x->top_id);
    db_int(x->db, st, 2, x->max_entries);
    for (; db_next(x->db, st); n++)
        put(x, key_of(x, st), sqlite3_column_int64(st, 1));
    return n;
}

struct deferred *deferred_new(struct db *d, const struct deferred_index *index, uint64_t secret, size_t max_bytes)
{
    struct deferred *x = mem_alloc(sizeof *x);
    sqlite3_stmt *st = db_stmt(d, "SELECT value FROM meta WHERE name = ?1");

    *x = (struct deferred){ .db = d, .index = index, .factor = secret | 1 };
    x->max_entries = (int64_t)(max_bytes / ENTRY_BYTES) + 1;
    x->filter = filter_new(secret, 2 * max_bytes);
    allocate(x, FIRST_CAP);
    db_text(d, st, 1, span_str(index->mark));
    while (db_next(d, st))
        x->top_id = sqlite3_column_int64(st, 0);
    x->has_table = x->top_id > 0;
    while (read_rest(x) == (size_t)x->max_entries) {
        db_begin(d);
        deferred_write_all(x);
        db_commit(d);
    }
    x->start_id = x->top_id;
    return x;
}

void deferred_free(struct deferred *x)
{
    if (!x)
        return;
    mem_free(x->entries);
    mem_free(x->places);
    mem_free(x->older);
    filter_free(x->filter);
    mem_free(x);
}

enum err deferred_add(struct deferred *x, uint64_t key, int64_t id)
{
    filter_add(x->filter, key);
    /* SQLite gives the id of a last row that was removed again: the mark may be above it. */
    if (id <= x->top_id) {
        x->has_table = true;
        return run(x, x->index->insert, key, id);
    }
    put(x, key, id);
    x->n_added++;
    return OK;
}

/* The first place of key among those on their way. */
static size_t find_older(const struct deferred *x, uint64_t key)
{
    size_t from = 0, to = x->n_older;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (x->older[middle].key < key)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* NULL: it is in the table. */
static struct entry *find_waiting(struct deferred *x, uint64_t key, int64_t id)
{
    uint32_t number;

    for (size_t n = 0; (number = *place(x, key, n)) != 0; n++) {
        struct entry *at = &x->entries[number - 1];

        if (at->key == key && at->id == id)
            return at;
    }
    for (size_t i = MAX(find_older(x, key), x->next); i < x->n_older && x->older[i].key == key; i++)
        if (x->older[i].id == id)
            return &x->older[i];
    return NULL;
}

enum err deferred_remove(struct deferred *x, uint64_t key, int64_t id)
{
    struct entry *at = find_waiting(x, key, id);

    if (at)
        at->id = REMOVED;
    return at && id > x->start_id ? OK : run(x, x->index->remove, key, id);
}

bool deferred_may_have(const struct deferred *x, uint64_t key)
{
    return filter_may_have(x->filter, key);
}

bool deferred_has_table(const struct deferred *x)
{
    return x->has_table;
}

int64_t deferred_next(const struct deferred *x, uint64_t key, struct deferred_walk *w)
{
    while (!w->is_in_older) {
        uint32_t number = *place(x, key, w->n++);
        const struct entry *at = number ? &x->entries[number - 1] : NULL;

        if (!at)
            *w = (struct deferred_walk){ .is_in_older = true, .n = find_older(x, key) };
        else if (at->key == key && at->id != REMOVED)
            return at->id;
    }
    while (w->n < x->n_older && x->older[w->n].key == key) {
        const struct entry *at = &x->older[w->n++];

        if (at->id != REMOVED && (size_t)(at - x->older) >= x->next)
            return at->id;
    }
    return 0;
}
