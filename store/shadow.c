/* SPDX-License-Identifier: MIT */
#include "store/shadow.h"

#include "store/varint.h"

/* Rows of page_text_data that are no pages (FTS5_AVERAGES_ROWID, FTS5_STRUCTURE_ROWID). */
#define TOTALS_ROW   1
#define SEGMENTS_ROW 10

#define DEFAULT_PAGE_BYTES 4050 /* FTS5_DEFAULT_PAGE_SIZE */
/* FTS5 takes 32 to 65,536; offsets in a page have 16 bits, and the longest word stands behind a whole page at most. */
#define MIN_PAGE_BYTES 64
#define MAX_PAGE_BYTES 32768

/* --- reading ---------------------------------------------------------------------- */

/* The row, copied, or SPAN_NONE when there is none of that size. */
static struct span read_row(struct db *d, int64_t row, unsigned char *out, size_t max)
{
    sqlite3_stmt *st = db_stmt(d, "SELECT block FROM page_text_data WHERE id = ?1");
    struct span got = SPAN_NONE;

    db_int(d, st, 1, row);
    if (!db_next(d, st))
        return SPAN_NONE;
    if (sqlite3_column_type(st, 0) == SQLITE_BLOB && (size_t)sqlite3_column_bytes(st, 0) <= max) {
        got = span_make((const char *)out, (size_t)sqlite3_column_bytes(st, 0));
        memcpy(out, got.len ? sqlite3_column_blob(st, 0) : "", got.len);
    }
    db_done(st);
    return got;
}

/* A row of no bytes, which a new table has, are zeros. */
static bool read_totals(struct shadow *s)
{
    unsigned char record[(1 + SHADOW_COLUMNS) * VARINT_MAX_BYTES];
    struct span rest = read_row(s->db, TOTALS_ROW, record, sizeof record);

    if (!rest.ptr)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(s->totals); i++)
        s->totals[i] = 0;
    for (size_t i = 0; rest.len && i < ARRAY_LEN(s->totals); i++)
        if (!varint_take(&rest, &s->totals[i]))
            return false;
    return rest.len == 0;
}

/* The segments of a level: all ids are noted. */
static bool read_level(struct shadow *s, struct span *rest, uint64_t n)
{
    uint64_t id, first, last;

    for (uint64_t i = 0; i < n; i++) {
        if (!varint_take(rest, &id) || !varint_take(rest, &first) || !varint_take(rest, &last))
            return false;
        if (!id || id > SHADOW_MAX_SEGMENTS || s->is_taken[id] || last < first)
            return false;
        s->is_taken[id] = true;
    }
    return true;
}

/* A cookie of four bytes; how many levels, segments, pages written; the levels. */
static bool read_segments(struct shadow *s)
{
    struct span all = read_row(s->db, SEGMENTS_ROW, s->record, sizeof s->record), rest = span_skip(all, 4);
    uint64_t n_merging, n, n_left;

    if (!varint_take(&rest, &s->n_levels) || !varint_take(&rest, &s->n_segments) ||
        !varint_take(&rest, &s->n_written))
        return false;
    s->len = all.len;
    s->first_level_at = s->rest_at = all.len - rest.len;
    s->n_merging = s->n_first_level = 0;
    n_left = s->n_segments;
    for (uint64_t level = 0; level < s->n_levels; level++) {
        if (!varint_take(&rest, &n_merging) || !varint_take(&rest, &n) || n > n_left || n_merging > n)
            return false;
        if (!level) {
            s->first_level_at = all.len - rest.len;
            s->n_merging = n_merging;
            s->n_first_level = n;
        }
        if (!read_level(s, &rest, n))
            return false;
        if (!level)
            s->rest_at = all.len - rest.len;
        n_left -= n;
    }
    return rest.len == 0 && n_left == 0;
}

bool shadow_read(struct db *d, size_t most_first, struct shadow *s)
{
    int64_t format = db_value(d, "SELECT v FROM page_text_config WHERE k = 'version'", 0);
    int64_t bytes = db_value(d, "SELECT v FROM page_text_config WHERE k = 'pgsz'", DEFAULT_PAGE_BYTES);

    s->db = d;
    s->n_added = 0;
    s->page_bytes = (size_t)bytes;
    memset(s->is_taken, 0, sizeof s->is_taken);
    return format == SHADOW_FORMAT && bytes >= MIN_PAGE_BYTES && bytes <= MAX_PAGE_BYTES && read_totals(s) &&
           read_segments(s) && s->n_first_level < most_first && s->n_segments < SHADOW_MAX_SEGMENTS / 2;
}

uint32_t shadow_take_id(struct shadow *s)
{
    if (s->n_segments + s->n_added >= SHADOW_MAX_SEGMENTS)
        return 0;
    for (uint32_t id = 1; id <= SHADOW_MAX_SEGMENTS; id++)
        if (!s->is_taken[id]) {
            s->is_taken[id] = true;
            return id;
        }
    return 0;
}

/* --- writing ---------------------------------------------------------------------- */

static void put_row(struct db *d, int64_t row, struct span bytes)
{
    sqlite3_stmt *st = db_stmt(d, "REPLACE INTO page_text_data (id, block) VALUES (?1, ?2)");

    db_int(d, st, 1, row);
    db_blob(d, st, 2, bytes);
    db_run(d, st);
}

void shadow_put_page(struct shadow *s, uint32_t segment, uint32_t n, struct span page)
{
    put_row(s->db, (int64_t)segment << SHADOW_SEGMENT_SHIFT | n, page);
}

void shadow_put_separator(struct shadow *s, uint32_t segment, uint32_t n, struct span separator)
{
    static const char SQL[] = "REPLACE INTO page_text_idx (segid, term, pgno) VALUES (?1, coalesce(?2, x''), ?3)";
    sqlite3_stmt *st = db_stmt(s->db, SQL);

    db_int(s->db, st, 1, segment);
    db_blob(s->db, st, 2, separator);
    db_int(s->db, st, 3, (int64_t)n << 1); /* the lowest bit would say that there is an index of a long list */
    db_run(s->db, st);
}

void shadow_put_doc(struct shadow *s, int64_t id, const uint32_t n_words[SHADOW_COLUMNS])
{
    sqlite3_stmt *st = db_stmt(s->db, "REPLACE INTO page_text_docsize (id, sz) VALUES (?1, ?2)");
    unsigned char sizes[SHADOW_COLUMNS * VARINT_MAX_BYTES], *end = sizes;

    s->totals[0]++;
    for (size_t i = 0; i < SHADOW_COLUMNS; i++) {
        s->totals[1 + i] += n_words[i];
        end = varint_put(end, n_words[i]);
    }
    db_int(s->db, st, 1, id);
    db_blob(s->db, st, 2, span_make((const char *)sizes, (size_t)(end - sizes)));
    db_run(s->db, st);
}

void shadow_add_segment(struct shadow *s, uint32_t id, uint32_t n_pages)
{
    s->added[s->n_added++] = (struct shadow_segment){ id, n_pages };
}

static void save_totals(struct shadow *s)
{
    unsigned char record[ARRAY_LEN(s->totals) * VARINT_MAX_BYTES], *end = record;

    for (size_t i = 0; i < ARRAY_LEN(s->totals); i++)
        end = varint_put(end, s->totals[i]);
    put_row(s->db, TOTALS_ROW, span_make((const char *)record, (size_t)(end - record)));
}

/* The newest come last. The first level may be none yet; a merge that is under way takes only the oldest of it. */
static void save_segments(struct shadow *s)
{
    unsigned char *end = s->changed + 4;

    memcpy(s->changed, s->record, 4);
    end = varint_put(end, MAX(s->n_levels, UINT64_C(1)));
    end = varint_put(end, s->n_segments + s->n_added);
    end = varint_put(end, s->n_written);
    end = varint_put(end, s->n_merging);
    end = varint_put(end, s->n_first_level + s->n_added);
    memcpy(end, s->record + s->first_level_at, s->rest_at - s->first_level_at);
    end += s->rest_at - s->first_level_at;
    for (size_t i = 0; i < s->n_added; i++) {
        end = varint_put(end, s->added[i].id);
        end = varint_put(end, 1);
        end = varint_put(end, s->added[i].n_pages);
    }
    memcpy(end, s->record + s->rest_at, s->len - s->rest_at);
    end += s->len - s->rest_at;
    put_row(s->db, SEGMENTS_ROW, span_make((const char *)s->changed, (size_t)(end - s->changed)));
}

/*
 * A write through FTS5, though of no row, that is undone: a virtual table may know nothing afterwards of what it
 * read before (xRollbackTo; fts5RollbackToMethod drops the list and the totals).
 */
static void have_fts5_forget(struct db *d)
{
    static const char *const steps[] = { "SAVEPOINT words", "INSERT INTO page_text (rowid) SELECT 0 WHERE 0",
                                         "ROLLBACK TO words", "RELEASE words" };

    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        db_run(d, db_stmt(d, steps[i]));
}

void shadow_save(struct shadow *s)
{
    save_totals(s);
    if (s->n_added)
        save_segments(s);
    have_fts5_forget(s->db);
}
