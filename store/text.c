/* SPDX-License-Identifier: MIT */
#include "store/text.h"

#include "config/mem.h"
#include "store/renewal.h"
#include "store/segment.h"

#define MAX_TITLE       ((size_t)1024)
#define MAX_DESCRIPTION ((size_t)4096)
/*
 * New segments that start a merge, and the pages of the file that a piece of it writes.
 */
#define MERGE_FROM  256
#define MERGE_PAGES 512

struct pending {
    int64_t fetch_id;
    const struct page_facts *facts;
};

struct text {
    struct pending *list;
    size_t len, cap;
    struct segment *segment; /* made with the first text */
    int n_segments;          /* written since the last merge */
    bool is_merging;
};

struct text *text_new(void)
{
    return mem_alloc(sizeof(struct text));
}

void text_free(struct text *t)
{
    if (!t)
        return;
    segment_free(t->segment);
    mem_free(t->list);
    mem_free(t);
}

enum err text_configure(struct core *c)
{
    /* They are written into the file, so only where they differ. */
    static const char *const settings[] = {
        "INSERT INTO page_text (page_text, rank) SELECT 'automerge', 0 WHERE NOT EXISTS"
        " (SELECT 1 FROM page_text_config WHERE k = 'automerge' AND v = 0)",
        "INSERT INTO page_text (page_text, rank) SELECT 'usermerge', 16 WHERE NOT"
        " EXISTS"
        " (SELECT 1 FROM page_text_config WHERE k = 'usermerge' AND v = 16)",
        "INSERT INTO page_text (page_text, rank) SELECT 'crisismerge', 512 WHERE NOT"
        " EXISTS"
        " (SELECT 1 FROM page_text_config WHERE k = 'crisismerge' AND v = 512)",
        "INSERT INTO page_text (page_text, rank) SELECT 'hashsize', 16777216 WHERE"
        " NOT EXISTS"
        " (SELECT 1 FROM page_text_config WHERE k = 'hashsize' AND v = 16777216)",
    };

    db_exec(c->db, RENEWAL_DROP_SQL);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        db_exec(c->db, settings[i]);
    return c->db->failed;
}

bool text_add(struct core *c, int64_t fetch_id, const struct page_facts *facts)
{
    struct text *t = c->text;

    if (!c->options.keeps_text || facts->is_noindex ||
        !(facts->title.len || facts->description.len || facts->text.len))
        return false;
    if (t->len == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        struct pending *list = mem_array(cap, sizeof *list);

        if (t->len)
            memcpy(list, t->list, t->len * sizeof *list);
        mem_free(t->list);
        t->list = list;
        t->cap = cap;
    }
    t->list[t->len++] = (struct pending){ fetch_id, facts };
    return true;
}

/* What waits, as far as it can be indexed without FTS5; what is left does. */
static void write_segments(struct core *c)
{
    struct text *t = c->text;
    size_t n_left = 0;

    if (!t->segment && segment_new(c->db, &t->segment)) {
        db_fail(c->db, ERR_UNSUPPORTED, "this SQLite has no FTS5");
        return;
    }
    if (!segment_begin(t->segment))
        return;
    for (size_t i = 0; i < t->len && !c->db->failed; i++) {
        const struct page_facts *f = t->list[i].facts;
        struct span columns[] = { span_clip_utf8(f->title, MAX_TITLE),
                                  span_clip_utf8(f->description, MAX_DESCRIPTION), f->text };

        if (!segment_add(t->segment, t->list[i].fetch_id, columns))
            t->list[n_left++] = t->list[i];
    }
    t->n_segments += segment_end(t->segment);
    t->len = n_left;
}

enum err text_flush(struct core *c)
{
    static const char SQL[] =
        "INSERT INTO page_text (rowid, title, description, text) VALUES (?1, ?2, ?3,"
        " ?4)";
    struct text *t = c->text;

    if (t->len && !c->db->failed)
        write_segments(c);
    t->n_segments += t->len > 0;
    for (size_t i = 0; i < t->len && !c->db->failed; i++) {
        const struct page_facts *f = t->list[i].facts;
        sqlite3_stmt *st = db_stmt(c->db, SQL);

        db_int(c->db, st, 1, t->list[i].fetch_id);
        db_text(c->db, st, 2, span_clip_utf8(f->title, MAX_TITLE));
        db_text(c->db, st, 3, span_clip_utf8(f->description, MAX_DESCRIPTION));
        db_text(c->db, st, 4, f->text);
        db_run(c->db, st);
    }
    t->len = 0;
    return c->db->failed;
}

enum err text_merge(struct core *c)
{
    struct text *t = c->text;
    sqlite3_stmt *st;
    int before;

    if (t->n_segments >= MERGE_FROM) {
        t->is_merging = true;
        t->n_segments = 0;
    }
    if (!t->is_merging || c->db->failed)
        return c->db->failed;
    before = sqlite3_total_changes(c->db->handle);
    st = db_stmt(c->db, "INSERT INTO page_text (page_text, rank) VALUES ('merge', ?1)");
    db_int(c->db, st, 1, MERGE_PAGES);
    db_run(c->db, st);
    /*
     * As the documentation of FTS5 says: fewer than two changes mean that nothing was
     * left to do.
     */
    t->is_merging = sqlite3_total_changes(c->db->handle) - before >= 2;
    return c->db->failed;
}
