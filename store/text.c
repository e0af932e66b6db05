/* SPDX-License-Identifier: MIT */
#include "store/text.h"

#define MAX_TITLE ((size_t)1024)
#define MAX_DESCRIPTION ((size_t)4096)

enum err text_configure(struct core *c)
{
    static const char *const settings[] = {
        /* Written into the file, so only where they differ. */
        "INSERT INTO page_text (page_text, rank) SELECT 'automerge', 0 WHERE NOT EXISTS"
        " (SELECT 1 FROM page_text_config WHERE k = 'automerge' AND v = 0)",
        "INSERT INTO page_text (page_text, rank) SELECT 'crisismerge', 256 WHERE NOT EXISTS"
        " (SELECT 1 FROM page_text_config WHERE k = 'crisismerge' AND v = 256)",
        "INSERT INTO page_text (page_text, rank) SELECT 'hashsize', 16777216 WHERE NOT EXISTS"
        " (SELECT 1 FROM page_text_config WHERE k = 'hashsize' AND v = 16777216)",
    };

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        db_exec(c->db, settings[i]);
    return c->db->failed;
}

bool text_add(struct core *c, int64_t fetch_id, const struct page_facts *facts)
{
    static const char SQL[] = "INSERT INTO page_text (rowid, title, description, text) VALUES (?1, ?2, ?3, ?4)";
    sqlite3_stmt *st;

    if (!c->options.keeps_text || facts->is_noindex ||
        !(facts->title.len || facts->description.len || facts->text.len))
        return false;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, fetch_id);
    db_text(c->db, st, 2, span_clip_utf8(facts->title, MAX_TITLE));
    db_text(c->db, st, 3, span_clip_utf8(facts->description, MAX_DESCRIPTION));
    db_text(c->db, st, 4, facts->text);
    return db_run(c->db, st) == OK;
}

enum err text_merge(struct core *c, int max_pages)
{
    sqlite3_stmt *st = db_stmt(c->db, "INSERT INTO page_text (page_text, rank) VALUES ('merge', ?1)");

    db_int(c->db, st, 1, max_pages);
    return db_run(c->db, st);
}
