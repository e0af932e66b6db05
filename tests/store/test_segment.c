/* SPDX-License-Identifier: MIT */
/*
 * Segments that we write are those that FTS5 would have written: the same documents go into page_text through ours and
 * into a table "plain" of the same kind through FTS5, and whatever can be asked has the same answer, before and after
 * FTS5 merges, deletes and adds to both.
 */
#include "store/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/buf.h"
#include "config/mem.h"
#include "store/db.h"
#include "store/schema.h"
#include "tests/kit/storekit.h"

#define MAX_DOCS 300
#define PLAIN_SQL                                                                                              \
    "CREATE VIRTUAL TABLE plain USING fts5(title, description, text, content='',"                              \
    " tokenize=\"unicode61 categories 'L* N* Co Mn Mc'\");"                                                    \
    "INSERT INTO plain (plain, rank) VALUES ('automerge', 0), ('crisismerge', 512), ('usermerge', 4);"         \
    "INSERT INTO page_text (page_text, rank) VALUES ('automerge', 0), ('crisismerge', 512), ('usermerge', 4);"

struct doc {
    int64_t id;
    size_t from, ends[TOKENS_COLUMNS]; /* in bytes of the rig */
};

struct rig {
    struct storekit kit; /* of which only the directory is used */
    struct db *db;       /* the writer's */
    sqlite3 *reader;     /* open all the time, as somebody's who looks on */
    struct segment *segment;
    struct doc docs[MAX_DOCS];
    size_t n_docs;
    int64_t next_id;
    struct buf bytes;
    uint64_t seed;
};

static void exec(sqlite3 *handle, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(handle, sql, NULL, NULL, &message))
        fail_msg("%s: %s", sql, message);
}

static void open_segment(struct rig *r)
{
    struct err_note note;

    assert_int_equal(db_open(r->kit.path, &r->db, &note), OK);
    assert_int_equal(segment_new(r->db, &r->segment), OK);
}

static int setup(void **state)
{
    static struct rig rig;
    struct err_note note;

    rig = (struct rig){ .next_id = 1, .seed = 88172645463325252 };
    storekit_init(&rig.kit);
    assert_int_equal(schema_create(rig.kit.path, &note), OK);
    open_segment(&rig);
    assert_int_equal(db_exec(rig.db, PLAIN_SQL), OK);
    assert_int_equal(sqlite3_open(rig.kit.path, &rig.reader), SQLITE_OK);
    exec(rig.reader, "CREATE VIRTUAL TABLE temp.ours USING fts5vocab('main', 'page_text', 'instance');"
                     "CREATE VIRTUAL TABLE temp.theirs USING fts5vocab('main', 'plain', 'instance');");
    buf_init(&rig.bytes, 64 * (size_t)MIB);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    segment_free(r->segment);
    db_close(r->db);
    sqlite3_close(r->reader);
    buf_clear(&r->bytes);
    storekit_clear(&r->kit);
    return 0;
}

/* --- documents --------------------------------------------------------------------- */

static size_t random_below(struct rig *r, size_t n)
{
    r->seed ^= r->seed << 13;
    r->seed ^= r->seed >> 7;
    r->seed ^= r->seed << 17;
    return (size_t)(r->seed >> 20) % n;
}

static void add(struct rig *r, struct span s)
{
    assert_int_equal(buf_append(&r->bytes, s), OK);
}

static void add_byte(struct rig *r, int c)
{
    assert_int_equal(buf_append_byte(&r->bytes, (char)c), OK);
}

static void begin_doc(struct rig *r)
{
    assert_true(r->n_docs < MAX_DOCS);
    r->docs[r->n_docs] = (struct doc){ .id = r->next_id, .from = r->bytes.len };
    r->next_id += (int64_t)(1 + random_below(r, 3) * random_below(r, 200));
}

static void end_column(struct rig *r, size_t column)
{
    r->docs[r->n_docs].ends[column] = r->bytes.len;
    r->n_docs += column == TOKENS_COLUMNS - 1;
}

static void add_doc(struct rig *r, struct span title, struct span description, struct span text)
{
    const struct span columns[] = { title, description, text };

    begin_doc(r);
    for (size_t i = 0; i < TOKENS_COLUMNS; i++) {
        add(r, columns[i]);
        end_column(r, i);
    }
}

static struct span column_of(const struct rig *r, const struct doc *d, size_t i)
{
    size_t from = i ? d->ends[i - 1] : d->from;

    return span_make(span_at(r->bytes.ptr, from), d->ends[i] - from);
}

/* n words of a vocabulary of which the first come most often. */
static void add_ascii(struct rig *r, size_t n)
{
    static const char *const between[] = { " ", " ", " ", " ", ", ", ". ", " - ", "\n", "/", "_" };
    char word[32];

    for (size_t i = 0; i < n; i++) {
        size_t k = random_below(r, 1 + random_below(r, 3000)) * 2654435761 % 100003, len;

        len = (size_t)snprintf(word, sizeof word, random_below(r, 4) ? "%c%zx" : "%c%zxnessAndMore%zu",
                               (int)("tTaAeExX0z"[k % 10]), k, k);
        add(r, span_make(word, len));
        add(r, span_str(between[random_below(r, ARRAY_LEN(between))]));
    }
}

/* Pieces of all that a text may be, and what no text should be. */
static const char *const pieces[] = {
    "caf\xc3\xa9", "CAF\xc3\x89", "cafe\xcc\x81", "\xcc\x81", "\xcc\x81\xcc\x82", "na\xc3\xafve",
    "\xce\x91\xce\xb8\xce\xae\xce\xbd\xce\xb1", "\xce\xb1\xce\xb8\xce\xb7\xce\xbd\xce\xb1",
    "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x9c\xac\xe8\xaa\x9e", "\xe8\xaa\x9e",
    "\xe0\xb8\xa0\xe0\xb8\xb2\xe0\xb8\xa9\xe0\xb8\xb2", "\xf0\x9f\x98\x80", "smile\xf0\x9f\x98\x80smile", "\xc2\xa0",
    "a\xc2\xa0" "b", "\xe2\x80\x99", "it\xe2\x80\x99s", "\xc8\xba\xc8\xba\xc8\xba\xc8\xba", "\xc4\xb0", "\xc3\x9f",
    "\xef\xbb\xbf", "\xee\x80\x80", "\xc2\xb5\xc2\xaa", "\xff", "\xc3", "\xc3 x", "a\xc3z", "\xb5\xb5\xb5",
    "word\x80word", "\xe6\x97", "\xf0\x9f", "\xc0\x80", "\xed\xa0\x80", "\xc3\xbf\xbf\xbf\xbf\xbf", "\xf4\x90\x80\x80",
    "\x7f", "@[`{", "/0:9", "AZaz09", "aBcDeFg", "aBcDeFgH", "aBcDeFgHi", "abcdefgh\xc3\xa9", "abcdefghijklmno",
    "abcdefghijklmnop", "abcdefghijklmnopQ", "abcdefgh abcdefgi", "abcdefg\xc3\xa9h", "abcdefghijklmnop\xe2\x80\x99",
    "", " ", "\t\r\n", "-", "...", "x",
};

static void add_pieces(struct rig *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add(r, span_str(pieces[random_below(r, ARRAY_LEN(pieces))]));
        if (random_below(r, 8))
            add_byte(r, random_below(r, 30) ? ' ' : 0);
    }
}

static void add_bytes(struct rig *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_byte(r, (int)random_below(r, 256));
}

static void add_long_word(struct rig *r, size_t n, struct span end)
{
    for (size_t i = 0; i < n; i++)
        add_byte(r, "abcdeFGHIJ"[i % 10]);
    add(r, end);
    add_byte(r, ' ');
}

static void add_random_doc(struct rig *r)
{
    begin_doc(r);
    for (size_t i = 0; i < TOKENS_COLUMNS; i++) {
        size_t n = random_below(r, 4) ? random_below(r, i == 2 ? 400 : 12) : 0;

        switch (random_below(r, 8)) {
        case 0: add_pieces(r, n); break;
        case 1: add_bytes(r, n); break;
        case 2: add_long_word(r, 7 + random_below(r, 60), SPAN("")); break;
        case 3: add_ascii(r, n * 20); break;
        default: add_ascii(r, n); break;
        }
        end_column(r, i);
    }
}

/* --- writing and comparing ---------------------------------------------------------- */

static void insert(struct rig *r, const struct doc *d, const char *sql)
{
    sqlite3_stmt *st = db_stmt(r->db, sql);

    db_int(r->db, st, 1, d->id);
    for (size_t i = 0; i < TOKENS_COLUMNS; i++)
        db_text(r->db, st, 2 + (int)i, column_of(r, d, i));
    assert_int_equal(db_run(r->db, st), OK);
}

#define INSERT_SQL(table) "INSERT INTO " table " (rowid, title, description, text) VALUES (?1, ?2, ?3, ?4)"
#define DELETE_SQL(table)                                                                                     \
    "INSERT INTO " table " (" table ", rowid, title, description, text) VALUES ('delete', ?1, ?2, ?3, ?4)"

/* All documents that wait into ours. How many segments. */
static int write_ours(struct rig *r)
{
    int n;

    assert_true(segment_begin(r->segment));
    for (size_t i = 0; i < r->n_docs; i++) {
        struct span columns[TOKENS_COLUMNS];

        for (size_t k = 0; k < TOKENS_COLUMNS; k++)
            columns[k] = column_of(r, &r->docs[i], k);
        assert_true(segment_add(r->segment, r->docs[i].id, columns));
    }
    n = segment_end(r->segment);
    assert_int_equal(r->db->failed, OK);
    return n;
}

static void drop_docs(struct rig *r)
{
    r->n_docs = 0;
    buf_reset(&r->bytes);
}

/* A transaction of all documents that wait, into both. */
static int index_docs(struct rig *r)
{
    int n;

    db_begin(r->db);
    n = write_ours(r);
    for (size_t i = 0; i < r->n_docs; i++)
        insert(r, &r->docs[i], INSERT_SQL("plain"));
    assert_int_equal(db_commit(r->db), OK);
    drop_docs(r);
    return n;
}

static sqlite3_stmt *query(struct rig *r, const char *sql)
{
    sqlite3_stmt *st;

    if (sqlite3_prepare_v2(r->reader, sql, -1, &st, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(r->reader));
    return st;
}

/* Both queries have the same rows, byte for byte. How many. */
static size_t assert_same(struct rig *r, const char *ours, const char *theirs)
{
    sqlite3_stmt *a = query(r, ours), *b = query(r, theirs);
    size_t n = 0;
    int rc = sqlite3_step(a);

    for (; rc == SQLITE_ROW; rc = sqlite3_step(a), n++) {
        assert_int_equal(sqlite3_step(b), SQLITE_ROW);
        for (int i = 0; i < sqlite3_column_count(a); i++) {
            int len = sqlite3_column_bytes(a, i);

            assert_int_equal(sqlite3_column_bytes(b, i), len);
            if (len)
                assert_memory_equal(sqlite3_column_blob(a, i), sqlite3_column_blob(b, i), (size_t)len);
        }
    }
    assert_int_equal(rc, SQLITE_DONE);
    assert_int_equal(sqlite3_step(b), SQLITE_DONE);
    sqlite3_finalize(a);
    sqlite3_finalize(b);
    return n;
}

#define MATCH_SQL(table, words) \
    "SELECT rowid, format('%.9f', bm25(" table ")) FROM " table " WHERE " table " MATCH '" words "' ORDER BY 2, 1"
#define ASSERT_SAME_HITS(r, words) assert_same(r, MATCH_SQL("page_text", words), MATCH_SQL("plain", words))

/* How many words all documents have. */
static size_t assert_all_same(struct rig *r)
{
    size_t n = assert_same(r, "SELECT term, doc, col, offset FROM ours", "SELECT term, doc, col, offset FROM theirs");

    assert_same(r, "SELECT id, sz FROM page_text_docsize", "SELECT id, sz FROM plain_docsize");
    assert_same(r, "SELECT block FROM page_text_data WHERE id = 1", "SELECT block FROM plain_data WHERE id = 1");
    exec(r->reader, "INSERT INTO page_text (page_text) VALUES ('integrity-check')");
    ASSERT_SAME_HITS(r, "t0");
    ASSERT_SAME_HITS(r, "(cafe NOT x) OR common");
    ASSERT_SAME_HITS(r, "t* OR a*");
    ASSERT_SAME_HITS(r, "(title : (x OR e*)) NOT \"azaz09 x\"");
    ASSERT_SAME_HITS(r, "NEAR(common word, 3)");
    return n;
}

static void merge_both(struct rig *r, const char *what)
{
    char sql[160];

    snprintf(sql, sizeof sql, "INSERT INTO page_text (page_text, rank) VALUES (%s);", what);
    assert_int_equal(db_exec(r->db, sql), OK);
    snprintf(sql, sizeof sql, "INSERT INTO plain (plain, rank) VALUES (%s);", what);
    assert_int_equal(db_exec(r->db, sql), OK);
}

static int64_t number(struct rig *r, const char *sql)
{
    sqlite3_stmt *st = query(r, sql);
    int64_t n;

    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

/* --- tests ------------------------------------------------------------------------- */

static void each_piece_alone_is_what_fts5_makes_of_it(void **state)
{
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        add_doc(r, span_str(pieces[i]), SPAN(""), SPAN(""));
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        begin_doc(r);
        end_column(r, 0);
        for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
            add(r, span_str(pieces[i]));
            add(r, span_str(pieces[k]));
            add_byte(r, k % 2 ? ' ' : '\0');
        }
        end_column(r, 1);
        end_column(r, 2);
    }
    assert_int_equal(index_docs(r), 1);
    assert_true(assert_all_same(r) > 3000);
}

/* An ASCII byte beside each byte, at each place of the eight that are looked at together. */
static void each_byte_is_what_fts5_makes_of_it(void **state)
{
    struct rig *r = *state;

    for (int c = 0; c < 256; c++) {
        begin_doc(r);
        end_column(r, 0);
        for (int n = 0; n < 10; n++) {
            for (int i = 0; i < n; i++)
                add_byte(r, 'Q');
            add_byte(r, c);
            for (int i = 0; i < 10 - n; i++)
                add_byte(r, '7');
            add_byte(r, ' ');
        }
        end_column(r, 1);
        add_byte(r, c);
        end_column(r, 2);
        if (r->n_docs == 100)
            index_docs(r);
    }
    index_docs(r);
    assert_true(assert_all_same(r) > 2560);
}

static void no_word_at_all_makes_no_segment(void **state)
{
    struct rig *r = *state;

    add_doc(r, SPAN(""), SPAN(" - "), SPAN("\xe2\x80\x99"));
    assert_int_equal(index_docs(r), 0);
    assert_int_equal(assert_all_same(r), 0);
    assert_int_equal(number(r, "SELECT count(*) FROM page_text_docsize"), 1);
}

static void long_words_are_cut_as_fts5_cuts_them(void **state)
{
    static const size_t lengths[] = { 8, 9, 15, 16, 17, 4000, 4040, 4050, 32766, 32767, 32768, 32769, 32776, 40000 };
    const struct span ends[] = { SPAN(""), SPAN("\xc3\xa9"), SPAN("\xc3\xa9" "abc") };
    struct rig *r = *state;

    for (size_t d = 0; d < ARRAY_LEN(ends); d++) {
        begin_doc(r);
        for (size_t c = 0; c < TOKENS_COLUMNS; c++) {
            for (size_t i = 0; c == d && i < ARRAY_LEN(lengths); i++)
                add_long_word(r, lengths[i], ends[d]);
            end_column(r, c);
        }
    }
    assert_int_equal(index_docs(r), 1);
    assert_int_equal(assert_all_same(r), 3 * ARRAY_LEN(lengths));
    merge_both(r, "'optimize', NULL");
    assert_all_same(r);
}

static void a_word_a_hundred_thousand_times(void **state)
{
    struct rig *r = *state;

    add_doc(r, SPAN("common"), SPAN(""), SPAN("another one"));
    begin_doc(r);
    for (int i = 0; i < 70; i++)
        add(r, SPAN("common "));
    end_column(r, 0);
    end_column(r, 1);
    for (int i = 0; i < 100000; i++)
        add(r, i % 1000 ? SPAN("x ") : SPAN("common "));
    end_column(r, 2);
    add_doc(r, SPAN("common x"), SPAN("x"), SPAN("common"));
    assert_int_equal(index_docs(r), 1);
    assert_int_equal(assert_all_same(r), 100000 + 77);
}

static void a_word_of_256_documents(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 256; i++) {
        begin_doc(r);
        add(r, SPAN("common word"));
        end_column(r, 0);
        end_column(r, 1);
        for (size_t k = random_below(r, 200); k; k--)
            add(r, random_below(r, 2) ? SPAN("common ") : SPAN("Word, "));
        end_column(r, 2);
    }
    assert_int_equal(index_docs(r), 1);
    assert_true(assert_all_same(r) > 512);
    /* Readers must go backwards, too, without an index of the list. */
    assert_int_equal(assert_same(r, "SELECT rowid FROM page_text WHERE page_text MATCH 'common' ORDER BY rowid DESC",
                                 "SELECT rowid FROM plain WHERE plain MATCH 'common' ORDER BY rowid DESC"),
                     256);
    merge_both(r, "'optimize', NULL");
    assert_all_same(r);
}

/* One to forty segments of documents of all kinds; merges between; then FTS5 on its own, from another connection. */
static void whatever_comes_is_the_same(void **state)
{
    struct rig *r = *state;

    for (int round = 0; round < 40; round++) {
        for (size_t n = 1 + random_below(r, round % 4 ? 6 : 100); n; n--)
            add_random_doc(r);
        index_docs(r);
        if (random_below(r, 3) == 0)
            merge_both(r, random_below(r, 2) ? "'merge', 3" : "'merge', -16");
        if (round % 8 == 7 || round < 3)
            assert_all_same(r);
    }
    assert_true(assert_all_same(r) > 10000);
    merge_both(r, "'merge', 100000");
    assert_all_same(r);
    merge_both(r, "'optimize', NULL");
    assert_all_same(r);
}

/* What FTS5 adds and takes out afterwards, here and from another connection. */
static void fts5_goes_on_with_what_we_wrote(void **state)
{
    struct rig *r = *state;

    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 20; i++)
            add_random_doc(r);
        db_begin(r->db);
        write_ours(r);
        for (size_t i = 0; i < r->n_docs; i++)
            insert(r, &r->docs[i], INSERT_SQL("plain"));
        assert_int_equal(db_commit(r->db), OK);
        db_begin(r->db);
        for (size_t i = 0; i < r->n_docs; i += 3) {
            insert(r, &r->docs[i], DELETE_SQL("page_text"));
            insert(r, &r->docs[i], DELETE_SQL("plain"));
        }
        assert_int_equal(db_commit(r->db), OK);
        exec(r->reader, "INSERT INTO page_text (rowid, title, text) VALUES (1000000, 'common t0', 'x');"
                        "INSERT INTO plain (rowid, title, text) VALUES (1000000, 'common t0', 'x');");
        assert_all_same(r);
        exec(r->reader, "INSERT INTO page_text (page_text, rowid, title, text)"
                        " VALUES ('delete', 1000000, 'common t0', 'x');"
                        "INSERT INTO plain (plain, rowid, title, text) VALUES ('delete', 1000000, 'common t0', 'x');");
        drop_docs(r);
    }
    assert_all_same(r);
    merge_both(r, "'optimize', NULL");
    assert_all_same(r);
}

/* It would have written over our list of segments the one that it had read before. */
static void fts5_forgets_what_it_knew_of_the_table(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 8; i++) { /* it reads the list to merge, and keeps it where it merges nothing */
        assert_int_equal(db_exec(r->db, "SELECT count(*) FROM page_text WHERE page_text MATCH 'common';"), OK);
        add_doc(r, SPAN("common word"), SPAN(""), SPAN("x"));
        index_docs(r);
        if (i % 2)
            merge_both(r, "'merge', 100");
    }
    assert_int_equal(assert_all_same(r), 24);
    add_doc(r, SPAN("one more"), SPAN(""), SPAN(""));
    insert(r, &r->docs[0], INSERT_SQL("page_text"));
    insert(r, &r->docs[0], INSERT_SQL("plain"));
    assert_int_equal(assert_all_same(r), 26);
}

/* After ours, in the same transaction: so are documents indexed that are too large. */
static void fts5_may_add_in_the_same_transaction(void **state)
{
    struct rig *r = *state;

    for (int round = 0; round < 3; round++) {
        db_begin(r->db);
        for (int i = 0; i < 9; i++)
            add_random_doc(r);
        write_ours(r);
        for (size_t i = 0; i < r->n_docs; i++)
            insert(r, &r->docs[i], INSERT_SQL("plain"));
        drop_docs(r);
        add_random_doc(r);
        insert(r, &r->docs[0], INSERT_SQL("page_text"));
        insert(r, &r->docs[0], INSERT_SQL("plain"));
        drop_docs(r);
        assert_int_equal(db_commit(r->db), OK);
        assert_all_same(r);
    }
}

static void what_is_rolled_back_leaves_nothing(void **state)
{
    struct rig *r = *state;

    add_random_doc(r);
    index_docs(r);
    db_begin(r->db);
    for (int i = 0; i < 50; i++)
        add_random_doc(r);
    write_ours(r);
    drop_docs(r);
    db_rollback(r->db);
    assert_all_same(r);
    for (int i = 0; i < 50; i++)
        add_random_doc(r);
    index_docs(r);
    assert_all_same(r);
    merge_both(r, "'optimize', NULL");
    assert_all_same(r);
}

static void more_than_there_is_room_for_makes_several(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 5; i++) { /* 200,000 words each, of two bytes */
        begin_doc(r);
        end_column(r, 0);
        end_column(r, 1);
        for (int k = 0; k < 200000; k++) {
            add_byte(r, "abcdefghij0123456789"[random_below(r, 20)]);
            add_byte(r, ' ');
        }
        end_column(r, 2);
    }
    assert_int_equal(index_docs(r), 3);
    assert_int_equal(assert_all_same(r), 1000000);
}

/* As many different words as there may be. */
static void more_terms_than_there_is_room_for_make_several(void **state)
{
    struct rig *r = *state;
    char word[8];

    for (int i = 0, k = 0; i < 24; i++) {
        begin_doc(r);
        end_column(r, 0);
        end_column(r, 1);
        for (; r->bytes.len - r->docs[r->n_docs].from < 100000; k++)
            add(r, span_make(word, (size_t)snprintf(word, sizeof word, "%x ", 0x10000 + k)));
        end_column(r, 2);
    }
    assert_int_equal(index_docs(r), 2);
    assert_true(assert_all_same(r) > 400000);
}

static void ids_that_fall_make_several(void **state)
{
    struct rig *r = *state;

    add_doc(r, SPAN("common x"), SPAN(""), SPAN(""));
    r->next_id = 1000;
    add_doc(r, SPAN("common y"), SPAN(""), SPAN(""));
    r->next_id = 500;
    add_doc(r, SPAN("common z"), SPAN(""), SPAN(""));
    assert_int_equal(index_docs(r), 2);
    assert_int_equal(assert_all_same(r), 6);
}

static void a_document_that_is_too_large_is_not_taken(void **state)
{
    struct rig *r = *state;
    struct span columns[TOKENS_COLUMNS] = { SPAN("common"), SPAN_NONE, SPAN_NONE };

    begin_doc(r);
    for (size_t i = 0; i < TOKENS_MAX_TEXT - 5; i++)
        add_byte(r, i % 7 ? 'a' : ' ');
    columns[2] = span_make(r->bytes.ptr, TOKENS_MAX_TEXT - 5); /* with the title one byte too many */
    db_begin(r->db);
    assert_true(segment_begin(r->segment));
    assert_false(segment_add(r->segment, 1, columns));
    columns[2].len--;
    assert_true(segment_add(r->segment, 2, columns));
    assert_int_equal(segment_end(r->segment), 1);
    assert_int_equal(db_commit(r->db), OK);
    assert_int_equal(number(r, "SELECT group_concat(rowid) FROM page_text WHERE page_text MATCH 'common'"), 2);
}

static void pages_of_every_size(void **state)
{
    static const char *const sizes[] = { "'pgsz', 64", "'pgsz', 100", "'pgsz', 1000", "'pgsz', 32768" };
    struct rig *r = *state;

    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        merge_both(r, sizes[k]);
        for (int i = 0; i < 30; i++)
            add_random_doc(r);
        begin_doc(r);
        add_long_word(r, 33000, SPAN(""));
        for (size_t c = 0; c < TOKENS_COLUMNS; c++)
            end_column(r, c);
        index_docs(r);
        assert_all_same(r);
    }
    merge_both(r, "'optimize', NULL");
    assert_all_same(r);
}

/* With as many segments as make FTS5 merge inside a commit, it is to do the next, and does. */
static void too_many_segments_are_left_to_fts5(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 512; i++) {
        add_doc(r, SPAN("common"), SPAN(""), SPAN(""));
        db_begin(r->db);
        write_ours(r);
        drop_docs(r);
        assert_int_equal(db_commit(r->db), OK);
    }
    db_begin(r->db);
    assert_false(segment_begin(r->segment));
    assert_int_equal(db_exec(r->db, "INSERT INTO page_text (rowid, title) VALUES (1000000, 'common')"), OK);
    assert_int_equal(db_commit(r->db), OK);
    assert_true(segment_begin(r->segment));
    assert_int_equal(number(r, "SELECT count(*) FROM page_text WHERE page_text MATCH 'common'"), 513);
    assert_int_equal(number(r, "SELECT count(*) FROM page_text_idx"), 1);
}

static const struct strange {
    const char *label, *sql;
} strange[] = {
    { "a format to come", "UPDATE page_text_config SET v = 5 WHERE k = 'version'" },
    { "no format", "DELETE FROM page_text_config WHERE k = 'version'" },
    { "pages that are too large", "INSERT INTO page_text_config VALUES ('pgsz', 65536)" },
    { "pages that are too small", "INSERT INTO page_text_config VALUES ('pgsz', 32)" },
    { "no list of segments", "DELETE FROM page_text_data WHERE id = 10" },
    { "an empty list", "UPDATE page_text_data SET block = x'' WHERE id = 10" },
    { "a list that is cut", "UPDATE page_text_data SET block = substr(block, 1, length(block) - 1) WHERE id = 10" },
    { "a list with more behind it", "UPDATE page_text_data SET block = block || x'01' WHERE id = 10" },
    { "a list with another head, of tables that can delete",
      "UPDATE page_text_data SET block = substr(block, 1, 4) || x'ff000001' || substr(block, 5) WHERE id = 10" },
    { "a segment without an id", "UPDATE page_text_data SET block = x'00000000010100' || x'0001000101' WHERE id = 10" },
    { "a segment of pages backwards",
      "UPDATE page_text_data SET block = x'00000000010100' || x'0001010201' WHERE id = 10" },
    { "two segments of one id",
      "UPDATE page_text_data SET block = x'00000000010200' || x'0002010101010101' WHERE id = 10" },
    { "more segments than it counts",
      "UPDATE page_text_data SET block = x'00000000010100' || x'0002010101020101' WHERE id = 10" },
    { "less segments than it counts",
      "UPDATE page_text_data SET block = x'00000000010300' || x'0002010101020101' WHERE id = 10" },
    { "a merge of more than there is",
      "UPDATE page_text_data SET block = x'00000000010200' || x'0302010101020101' WHERE id = 10" },
    { "a list that is a number", "UPDATE page_text_data SET block = 7 WHERE id = 10" },
    { "a list that is huge", "UPDATE page_text_data SET block = zeroblob(100000) WHERE id = 10" },
    { "no totals", "DELETE FROM page_text_data WHERE id = 1" },
    { "totals that are cut", "UPDATE page_text_data SET block = x'010181' WHERE id = 1" },
    { "totals of more columns", "UPDATE page_text_data SET block = x'0101010101' WHERE id = 1" },
};

static void what_is_not_as_we_know_it_is_left_to_fts5(void **state)
{
    const struct strange *row = *state;
    void *given;
    struct rig *r;

    setup(&given);
    r = given;
    add_doc(r, SPAN("common"), SPAN(""), SPAN("x"));
    index_docs(r);
    exec(r->reader, row->sql);
    db_begin(r->db);
    assert_false(segment_begin(r->segment));
    assert_int_equal(r->db->failed, OK);
    db_rollback(r->db);
    teardown(&given);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(each_piece_alone_is_what_fts5_makes_of_it),
        TEST(each_byte_is_what_fts5_makes_of_it),
        TEST(no_word_at_all_makes_no_segment),
        TEST(long_words_are_cut_as_fts5_cuts_them),
        TEST(a_word_a_hundred_thousand_times),
        TEST(a_word_of_256_documents),
        TEST(whatever_comes_is_the_same),
        TEST(fts5_goes_on_with_what_we_wrote),
        TEST(fts5_forgets_what_it_knew_of_the_table),
        TEST(fts5_may_add_in_the_same_transaction),
        TEST(what_is_rolled_back_leaves_nothing),
        TEST(more_than_there_is_room_for_makes_several),
        TEST(more_terms_than_there_is_room_for_make_several),
        TEST(ids_that_fall_make_several),
        TEST(a_document_that_is_too_large_is_not_taken),
        TEST(pages_of_every_size),
        TEST(too_many_segments_are_left_to_fts5),
    };
    static struct strange copies[ARRAY_LEN(strange)];
    static struct CMUnitTest row_tests[ARRAY_LEN(strange)];

    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        copies[i] = strange[i];
        row_tests[i] = (struct CMUnitTest){ .name = strange[i].label,
                                            .test_func = what_is_not_as_we_know_it_is_left_to_fts5,
                                            .initial_state = &copies[i] };
    }
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(row_tests, NULL, NULL);
}
