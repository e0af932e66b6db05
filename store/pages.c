/* SPDX-License-Identifier: MIT */
#include "store/pages.h"

#include "store/bodies.h"
#include "store/links.h"
#include "store/roll.h"
#include "store/text.h"

#define MAX_TITLE ((size_t)1024)
#define MAX_TEXT  ((size_t)4096)
#define MAX_URL   ((size_t)8192)
#define MAX_LANG  ((size_t)64)

/* What is known of the page before this visit. */
struct old_page {
    bool exists, is_same_body;
    bool is_same_head; /* what headers say of it: they may change while the body stays */
    int64_t text_id, links_id, links_out;
    uint64_t link_hash;
};

static const char *outcome_word(uint8_t outcome)
{
    static const char *const words[] = {
#define X(name, text) text,
        PARSE_OUTCOME_TABLE(X)
#undef X
    };
    return outcome < ARRAY_LEN(words) ? words[outcome] : words[PARSE_CRASHED];
}

static struct old_page look_up(struct core *c, const struct store_visit *v)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT p.text_id, p.link_hash, f.sha256, p.canonical_url,"
                       " p.x_robots_tag, p.links_id, p.links_out FROM page p"
                       " LEFT JOIN fetch f ON f.id = p.fetch_id WHERE p.url_id = ?1");
    struct old_page old = { 0 };

    db_int(c->db, st, 1, v->url_id);
    if (!db_next(c->db, st))
        return old;
    old.exists = true;
    old.text_id = sqlite3_column_int64(st, 0);
    old.link_hash = (uint64_t)sqlite3_column_int64(st, 1);
    old.links_id = sqlite3_column_int64(st, 5);
    old.links_out = sqlite3_column_int64(st, 6);
    old.is_same_body = v->facts && v->body_is_final &&
                       sqlite3_column_bytes(st, 2) == 32 &&
                       memcmp(sqlite3_column_blob(st, 2), v->facts->sha256, 32) == 0;
    old.is_same_head =
        v->facts &&
        span_eq(db_column(st, 3), span_clip_utf8(v->facts->canonical, MAX_URL)) &&
        span_eq(db_column(st, 4), span_clip_utf8(v->facts->x_robots_tag, MAX_TITLE));
    db_done(st);
    return old;
}

static enum err keep_in_history(struct core *c, int64_t url_id)
{
    static const char SQL[] =
        "INSERT OR REPLACE INTO page_old (url_id, fetch_id, text_id, title,"
        " description, h1, canonical_url,"
        " robots_meta, x_robots_tag, lang, word_count, simhash, links_out,"
        " parse_outcome, facts, links_other)"
        " SELECT url_id, fetch_id, text_id, title, description, h1, canonical_url,"
        " robots_meta, x_robots_tag,"
        " lang, word_count, simhash, links_out, parse_outcome, facts, links_other FROM page WHERE"
        " url_id = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, url_id);
    return db_run(c->db, st);
}

/* What a page's row leads to. */
struct page_ids {
    int64_t fetch_id, text_id, links_id;
};

static enum err write_row(struct core *c, const struct store_visit *v, struct page_ids ids,
                          uint64_t link_hash, bool is_new)
{
#define ROW_SQL                                                                        \
    " INTO page (url_id, fetch_id, text_id, link_hash, title, description, h1,"        \
    " canonical_url, robots_meta, x_robots_tag, lang, word_count, simhash, links_out," \
    " parse_outcome, facts, links_id, links_other)"                                    \
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
    static const char NEW_SQL[] = "INSERT OR FAIL" ROW_SQL,
                      REPLACE_SQL[] = "INSERT OR REPLACE" ROW_SQL;
    const struct page_facts *f = v->facts;
    sqlite3_stmt *st = db_stmt(c->db, is_new ? NEW_SQL : REPLACE_SQL);

    db_int(c->db, st, 1, v->url_id);
    db_int(c->db, st, 2, ids.fetch_id);
    db_id(c->db, st, 3, ids.text_id);
    db_int(c->db, st, 4, (int64_t)link_hash);
    db_wild_text(c->db, st, 5, f->title, MAX_TITLE);
    db_wild_text(c->db, st, 6, f->description, MAX_TEXT);
    db_wild_text(c->db, st, 7, f->h1, MAX_TITLE);
    db_wild_text(c->db, st, 8, f->canonical, MAX_URL);
    db_wild_text(c->db, st, 9, f->robots_meta, MAX_TITLE);
    db_wild_text(c->db, st, 10, f->x_robots_tag, MAX_TITLE);
    db_wild_text(c->db, st, 11, f->lang, MAX_LANG);
    db_int(c->db, st, 12, f->word_count);
    db_int(c->db, st, 13, (int64_t)f->simhash);
    db_int(c->db, st, 14, (int64_t)v->n_links);
    db_text(c->db, st, 15, span_str(outcome_word(f->outcome)));
    db_text(c->db, st, 16, f->facts_json);
    db_id(c->db, st, 17, ids.links_id);
    db_int(c->db, st, 18, f->links_other);
    return db_run(c->db, st);
}

/* The text was indexed when no bodies were stored: from now on it can be read again (renewal.h). */
static void give_body(struct core *c, const struct store_visit *v, int64_t text_id)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT 1 FROM fetch WHERE id = ?1 AND body_id IS NULL");
    int64_t body_id;

    db_int(c->db, st, 1, text_id);
    if (!db_next(c->db, st))
        return;
    db_done(st);
    body_id = bodies_put(c, v->facts->sha256, v->facts->body, v->facts->size);
    st = db_stmt(c->db, "UPDATE OR FAIL fetch SET body_id = ?2 WHERE id = ?1");
    db_int(c->db, st, 1, text_id);
    db_id(c->db, st, 2, body_id);
    db_run(c->db, st);
}

/* For the metrics. Those that the file had before this start are in it only. */
static void note_in_roll(struct core *c, const struct store_visit *v, struct page_ids ids, uint64_t link_hash)
{
    struct roll_page page = { .url_id = v->url_id,
                              .links_id = ids.links_id,
                              .link_hash = (int64_t)link_hash,
                              .simhash = (int64_t)v->facts->simhash,
                              .word_count = v->facts->word_count };

    if (roll_is_new(c->roll)) {
        links_note_writers(c);
        if (db_value(c->db, "SELECT EXISTS (SELECT 1 FROM page)", 0))
            roll_forget(c->roll);
    }
    if (v->body_is_final)
        memcpy(&page.body, v->facts->sha256, sizeof page.body);
    roll_add(c->roll, &page);
}

enum pages_change pages_put(struct core *c, const struct store_visit *v,
                            int64_t fetch_id)
{
    struct old_page old = look_up(c, v);
    uint64_t link_hash = links_hash(v);
    struct page_ids ids = { fetch_id, old.is_same_body ? old.text_id : 0, old.links_id };
    bool has_new_links = !old.exists || old.link_hash != link_hash;

    if (old.exists && !(old.is_same_body && old.is_same_head))
        keep_in_history(c, v->url_id);
    if (!ids.text_id && text_add(c, fetch_id, v->facts))
        ids.text_id = fetch_id;
    if (c->asks_whole && ids.text_id && ids.text_id != fetch_id && v->facts->body.len)
        give_body(c, v, ids.text_id);
    if (old.exists && has_new_links)
        links_remove(c, old.links_id, old.links_out);
    if (has_new_links)
        links_write(c, v, &ids.links_id);
    if (old.exists)
        roll_forget(c->roll);
    else
        note_in_roll(c, v, ids, link_hash);
    write_row(c, v, ids, link_hash, !old.exists);
    return !old.exists ? PAGES_NEW : old.is_same_body ? PAGES_SAME : PAGES_CHANGED;
}

enum err pages_retire(struct core *c, int64_t url_id)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT links_id, links_out FROM page WHERE url_id = ?1");
    int64_t links_id, links_out;

    db_int(c->db, st, 1, url_id);
    if (!db_next(c->db, st))
        return c->db->failed;
    links_id = sqlite3_column_int64(st, 0);
    links_out = sqlite3_column_int64(st, 1);
    db_done(st);
    roll_forget(c->roll);
    keep_in_history(c, url_id);
    links_remove(c, links_id, links_out);
    st = db_stmt(c->db, "DELETE FROM page WHERE url_id = ?1");
    db_int(c->db, st, 1, url_id);
    return db_run(c->db, st);
}

bool pages_has(struct core *c, int64_t url_id)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT 1 FROM page WHERE url_id = ?1");

    db_int(c->db, st, 1, url_id);
    if (!db_next(c->db, st))
        return false;
    db_done(st);
    return true;
}
