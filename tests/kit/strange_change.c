/* SPDX-License-Identifier: MIT */
#include "tests/kit/strange.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "config/map.h"
#include "config/mem.h"
#include "store/db.h"
#include "store/varint.h"

#define MAX_BLOB    ((size_t)1 * MIB)
#define MAX_CHANGES 12
#define MAX_TABLES  48
#define MAX_COLUMNS 40

struct table {
    char *name, *columns[MAX_COLUMNS];
    size_t n_columns;
    char *key; /* that tells its rows apart */
};

struct strange_tables {
    struct table items[MAX_TABLES];
    size_t n;
};

/* --- what there is to change ------------------------------------------------------- */

static char *text_of(sqlite3_stmt *st, int column)
{
    const char *text = (const char *)sqlite3_column_text(st, column);

    return mem_str_copy(span_str(text ? text : ""));
}

static void list_columns(sqlite3 *db, struct table *t, bool has_rowid)
{
    struct buf key;
    sqlite3_stmt *st;

    buf_init(&key, 4096);
    BUG_IF(sqlite3_prepare_v2(db, "SELECT name, pk FROM pragma_table_info(?1)", -1, &st, NULL));
    sqlite3_bind_text(st, 1, t->name, -1, SQLITE_STATIC);
    while (sqlite3_step(st) == SQLITE_ROW && t->n_columns < MAX_COLUMNS) {
        if (!has_rowid && sqlite3_column_int(st, 1))
            BUG_IF(buf_printf(&key, "%s\"%s\"", key.len ? "," : "", (const char *)sqlite3_column_text(st, 0)));
        t->columns[t->n_columns++] = text_of(st, 0);
    }
    sqlite3_finalize(st);
    BUG_IF(has_rowid && buf_append(&key, SPAN("rowid")));
    t->key = mem_str_copy(buf_span(&key));
    buf_clear(&key);
}

static void list_tables(sqlite3 *db, struct strange_tables *all)
{
    static const char SQL[] = "SELECT name, wr FROM pragma_table_list WHERE type IN ('table', 'shadow')"
                              " AND schema = 'main' AND name NOT LIKE 'sqlite%' ORDER BY name";
    sqlite3_stmt *st;

    BUG_IF(sqlite3_prepare_v2(db, SQL, -1, &st, NULL));
    while (sqlite3_step(st) == SQLITE_ROW && all->n < MAX_TABLES) {
        struct table *t = &all->items[all->n++];

        t->name = text_of(st, 0);
        list_columns(db, t, !sqlite3_column_int(st, 1));
    }
    sqlite3_finalize(st);
}

struct strange_tables *strange_tables_list(const char *path)
{
    struct strange_tables *all = mem_alloc(sizeof *all);
    sqlite3 *db;

    BUG_IF(sqlite3_open(path, &db));
    list_tables(db, all);
    sqlite3_close(db);
    return all;
}

void strange_tables_free(struct strange_tables *all)
{
    for (size_t i = 0; i < all->n; i++) {
        for (size_t k = 0; k < all->items[i].n_columns; k++)
            mem_free(all->items[i].columns[k]);
        mem_free(all->items[i].name);
        mem_free(all->items[i].key);
    }
    mem_free(all);
}

bool strange_tells(void)
{
    return getenv("FUZZ_TELL") != NULL;
}

/* --- numbers and values out of the input ------------------------------------------- */

static unsigned take(struct strange_source *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

static unsigned take16(struct strange_source *s)
{
    unsigned high = take(s);

    return high << 8 | take(s);
}

static int64_t take_number(struct strange_source *s)
{
    static const int64_t known[] = { 0,         1,          -1,        2,         -2,        127,
                                     128,       255,        65535,     65536,     INT32_MAX, INT32_MIN,
                                     1LL << 31, UINT32_MAX, 1LL << 32, 1LL << 37, 1LL << 39, (1LL << 40) - 1,
                                     1LL << 53, 1LL << 62,  INT64_MAX, INT64_MIN, -65536,    1000000 };
    unsigned kind = take(s);
    uint64_t v = 0;

    if (kind < ARRAY_LEN(known))
        return known[kind];
    if (kind < 128)
        return (int64_t)kind - 64;
    for (unsigned i = 0; i < kind % 9; i++)
        v = v << 8 | take(s);
    return (int64_t)v;
}

static void bind_long(sqlite3_stmt *st, int i, size_t n, bool is_text)
{
    char *bytes = mem_alloc(n + 1);

    memset(bytes, n % 2 ? 'x' : '[', n);
    if (is_text)
        sqlite3_bind_text64(st, i, bytes, n, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_blob64(st, i, bytes, n, SQLITE_TRANSIENT);
    mem_free(bytes);
}

static void bind_value(struct strange_source *s, sqlite3_stmt *st, int i)
{
    static const struct span texts[] = { { "", 0 },
                                         { "a\0b", 3 },
                                         { "\xff\xfe\x80", 3 },
                                         { "queued", 6 },
                                         { "ok", 2 },
                                         { "http://", 7 },
                                         { "http://a.example/p1", 19 },
                                         { "\x1b[31m", 5 },
                                         { "[[1,2],[\"a\",{}],null,\"b\"]", 26 },
                                         { "{\"extract\":{\"x\":1}}", 19 },
                                         { "9223372036854775808", 19 },
                                         { "-1e999", 6 } };
    static const double reals[] = { 0.5, -1e300, 1e300, 9.3e18, -0.0, 1e-320, HUGE_VAL };
    unsigned kind = take(s) % 8, length = kind && kind < 6 ? take(s) : 0;
    size_t n = MIN((size_t)length, (size_t)(s->end - s->at));
    struct span text;

    switch (kind) {
    case 0: sqlite3_bind_null(st, i); break;
    case 1: sqlite3_bind_double(st, i, reals[length % ARRAY_LEN(reals)]); break;
    case 2:
        text = texts[length % ARRAY_LEN(texts)];
        sqlite3_bind_text(st, i, text.ptr, (int)text.len, SQLITE_STATIC);
        break;
    case 3: bind_long(st, i, (size_t)1 << length % 19, true); break;
    case 4: bind_long(st, i, ((size_t)1 << length % 19) + 1, false); break;
    case 5:
        sqlite3_bind_blob(st, i, n ? (const char *)s->at : "", (int)n, SQLITE_TRANSIENT);
        s->at += n;
        break;
    default: sqlite3_bind_int64(st, i, take_number(s)); break;
    }
}

/* --- changes ----------------------------------------------------------------------- */

static uint64_t weight(const char *name, unsigned byte)
{
    return map_hash(span_str(name), byte);
}

/* The name that weighs most: one that is added to a schema changes what few bytes mean. */
static const struct table *take_table(const struct strange_tables *all, struct strange_source *s)
{
    unsigned byte = take(s);
    const struct table *best = &all->items[0];

    for (size_t i = 1; i < all->n; i++)
        best = weight(all->items[i].name, byte) > weight(best->name, byte) ? &all->items[i] : best;
    return best;
}

static size_t take_column(const struct table *t, struct strange_source *s)
{
    unsigned byte = take(s);
    size_t best = 0;

    for (size_t i = 1; i < t->n_columns; i++)
        best = weight(t->columns[i], byte) > weight(t->columns[best], byte) ? i : best;
    return best;
}

static void run(sqlite3 *db, sqlite3_stmt *st)
{
    char *text = strange_tells() ? sqlite3_expanded_sql(st) : NULL;
    int rc = sqlite3_step(st);

    if (strange_tells())
        fprintf(stderr, "-- %.300s;%s%s\n", text ? text : sqlite3_sql(st), rc == SQLITE_DONE ? "" : " -- ",
                rc == SQLITE_DONE ? "" : sqlite3_errmsg(db));
    sqlite3_free(text);
    sqlite3_finalize(st);
}

/* As sqlite3_mprintf has it: %w is a name in quotes. NULL: it is none. */
static sqlite3_stmt *prepare(sqlite3 *db, const char *format, ...)
{
    va_list args;
    sqlite3_stmt *st = NULL;
    char *sql;

    va_start(args, format);
    sql = sqlite3_vmprintf(format, args);
    va_end(args);
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) && strange_tells())
        fprintf(stderr, "-- %s: %s\n", sql, sqlite3_errmsg(db));
    sqlite3_free(sql);
    return st;
}

#define ROW_OF "(%s) IN (SELECT %s FROM \"%w\" LIMIT 1 OFFSET %u)"

static void set_value(const struct strange_tables *all, sqlite3 *db, struct strange_source *s)
{
    const struct table *t = take_table(all, s);
    const char *column = t->columns[take_column(t, s)];
    unsigned row = take(s), kind = take(s);
    sqlite3_stmt *st = kind % 8 ? prepare(db, "UPDATE \"%w\" SET \"%w\" = ?1 WHERE " ROW_OF, t->name, column, t->key,
                                          t->key, t->name, row)
                                : prepare(db, "UPDATE OR IGNORE \"%w\" SET \"%w\" = ?1", t->name, column);

    if (st) {
        bind_value(s, st, 1);
        run(db, st);
    }
}

static void copy_value(const struct strange_tables *all, sqlite3 *db, struct strange_source *s)
{
    const struct table *t = take_table(all, s), *from = take(s) % 2 ? t : take_table(all, s);
    const char *column = t->columns[take_column(t, s)], *other = from->columns[take_column(from, s)];
    unsigned row = take(s), other_row = take(s);
    sqlite3_stmt *st = prepare(db, "UPDATE \"%w\" SET \"%w\" = (SELECT \"%w\" FROM \"%w\" LIMIT 1 OFFSET %u)"
                                   " WHERE " ROW_OF,
                               t->name, column, other, from->name, other_row, t->key, t->key, t->name, row);

    if (st)
        run(db, st);
}

static void drop_row(const struct strange_tables *all, sqlite3 *db, struct strange_source *s)
{
    const struct table *t = take_table(all, s);
    sqlite3_stmt *st = prepare(db, "DELETE FROM \"%w\" WHERE " ROW_OF, t->name, t->key, t->key, t->name, take(s));

    if (st)
        run(db, st);
}

/* One more row, which differs from another one in a column. */
static void add_row(const struct strange_tables *all, sqlite3 *db, struct strange_source *s)
{
    const struct table *t = take_table(all, s);
    unsigned row = take(s);
    size_t changed = take_column(t, s);
    sqlite3_stmt *st;
    struct buf list;

    buf_init(&list, 8192);
    for (size_t i = 0; i < t->n_columns; i++)
        BUG_IF(i == changed ? buf_printf(&list, "%s?1", i ? "," : "")
                            : buf_printf(&list, "%s\"%s\"", i ? "," : "", t->columns[i]));
    st = prepare(db, "INSERT INTO \"%w\" SELECT %.*s FROM \"%w\" LIMIT 1 OFFSET %u", t->name, SPAN_ARG(buf_span(&list)),
                 t->name, row);
    buf_clear(&list);
    if (st) {
        bind_value(s, st, 1);
        run(db, st);
    }
}

/* The number that begins after so many others becomes another one. */
static size_t replace_number(char *bytes, size_t n, size_t from, unsigned n_before, int64_t value)
{
    struct span rest = span_skip(span_make(bytes, n), from);
    unsigned char number[VARINT_MAX_BYTES];
    size_t at, n_old, n_new = (size_t)(varint_put(number, (uint64_t)value) - number);
    uint64_t old;

    for (unsigned i = 0; i < n_before && varint_take(&rest, &old); i++)
        ;
    at = (size_t)(rest.ptr - bytes);
    n_old = varint_take(&rest, &old) ? (size_t)(rest.ptr - bytes) - at : n - at;
    memmove(bytes + at + n_new, bytes + at + n_old, n - at - n_old);
    memcpy(bytes + at, number, n_new);
    return n - n_old + n_new;
}

static size_t change_bytes(struct strange_source *s, char *bytes, size_t n)
{
    unsigned kind = take(s);
    size_t at = take16(s) % (n + 1);

    switch (kind % 6) {
    case 0: return replace_number(bytes, n, 0, (unsigned)at % 32, take_number(s));
    case 1: return replace_number(bytes, n, 4, (unsigned)at % 256, take_number(s));
    case 2: return at; /* cut */
    case 3: /* as the first one, from anywhere */ return replace_number(bytes, n, at, 0, take_number(s));
    case 4:
        memmove(bytes + at + 1, bytes + at, n - at);
        bytes[at] = (char)take(s);
        return n + 1;
    default:
        for (unsigned i = 0, times = 1 + kind / 64; i < times && at + i < n; i++)
            bytes[at + i] = (char)take(s);
        return n;
    }
}

/* Inside of a blob or text: one of full text, dictionaries or bodies as often as one of all others. */
static void change_inside(const struct strange_tables *all, sqlite3 *db, struct strange_source *s)
{
    static const char *const blobs[][2] = { { "page_text_data", "block" }, { "page_text_data", "block" },
                                            { "page_text_idx", "term" },   { "page_text_docsize", "sz" },
                                            { "dictionaries", "data" },    { "body", "data" } };
    unsigned kind = take(s);
    const struct table *t = take_table(all, s);
    const char *table = kind % 8 < ARRAY_LEN(blobs) ? blobs[kind % 8][0] : t->name,
               *column = kind % 8 < ARRAY_LEN(blobs) ? blobs[kind % 8][1] : t->columns[take_column(t, s)];
    bool is_blob = kind % 8 < ARRAY_LEN(blobs);
    const char *key = strcmp(table, "page_text_idx") == 0 ? "segid, term" : is_blob ? "rowid" : t->key;
    unsigned row = take(s) % 24;
    sqlite3_stmt *st = prepare(db, "SELECT \"%w\" FROM \"%w\" LIMIT 1 OFFSET %u", column, table, row);
    char *bytes = mem_alloc(MAX_BLOB + 64);
    size_t n = 0;

    if (st && sqlite3_step(st) == SQLITE_ROW) {
        const char *old = sqlite3_column_blob(st, 0);

        n = MIN((size_t)sqlite3_column_bytes(st, 0), MAX_BLOB);
        if (n)
            memcpy(bytes, old, n);
    }
    sqlite3_finalize(st);
    n = change_bytes(s, bytes, n);
    st = prepare(db, "UPDATE \"%w\" SET \"%w\" = ?1 WHERE " ROW_OF, table, column, key, key, table, row);
    if (st) {
        sqlite3_bind_blob64(st, 1, bytes, n, SQLITE_TRANSIENT);
        run(db, st);
    }
    mem_free(bytes);
}

#define WITHOUT_END "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n)"

/* What takes the place of a declaration. */
static void change_schema(sqlite3 *db, struct strange_source *s)
{
    static const char *const changes[] = {
        "UPDATE sqlite_schema SET sql = replace(sql, 'PRIMARY KEY', '') WHERE name = 'redirects'",
        "UPDATE sqlite_schema SET sql = replace(sql, ' UNIQUE', '')",
        "UPDATE sqlite_schema SET sql = replace(sql, 'WITHOUT ROWID', '')",
        "UPDATE sqlite_schema SET rootpage = rootpage + 1 WHERE name = 'fetch'",
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'body')"
        " WHERE name = 'page'",
        "DELETE FROM sqlite_schema WHERE type = 'view'",
        "DELETE FROM sqlite_schema WHERE name = 'url_by_robots'",
        "DROP VIEW urls; CREATE VIEW urls AS " WITHOUT_END " SELECT i AS id, 'http://a/' || i AS url, NULL AS state,"
        " '' AS reason, 'k' AS key, 1 AS host_id, 1 AS fetch_id, 'x' AS hop FROM n",
        "DROP VIEW redirect_chains; CREATE VIEW redirect_chains AS " WITHOUT_END " SELECT i AS hops, 0 AS is_loop,"
        " '' AS path, 0 AS final_status_code, '' AS final_outcome, '' AS start_url, '' AS final_url FROM n",
        "DROP VIEW links; CREATE VIEW links AS " WITHOUT_END " SELECT i AS src_id, i AS dst_id, 1 AS position,"
        " '' AS anchor, '' AS kind, 0 AS nofollow, '' AS rel FROM n",
        "ALTER TABLE fetch RENAME TO f; CREATE VIEW fetch AS SELECT a.* FROM f a, f b, f c, f d, f e, f g",
        "DROP TABLE page_text; CREATE TABLE page_text (title, description, text)",
        "ALTER TABLE hosts ADD COLUMN more GENERATED ALWAYS AS (hex(zeroblob(1000000)))",
        "CREATE TRIGGER t AFTER UPDATE ON url BEGIN DELETE FROM url; END",
        "CREATE VIEW pragma_table_info AS SELECT 1",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE ' || name || '(a)' WHERE name = 'meta'",
    };
    const char *sql = changes[take(s) % ARRAY_LEN(changes)];

    sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (strange_tells())
        fprintf(stderr, "-- %s; -- %s\n", sql, sqlite3_errmsg(db));
}

static void change_version(sqlite3 *db, struct strange_source *s)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)(take(s) % (DB_SCHEMA_VERSION + 1)));
    sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (strange_tells())
        fprintf(stderr, "-- %s\n", sql);
}

static void change_file(const char *path, struct strange_source *s)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    size_t at = (size_t)take16(s) << 8 | take(s);
    char byte = (char)take(s);

    BUG_IF(size <= 0);
    at %= (size_t)size;
    BUG_IF(pwrite(fd, &byte, 1, (off_t)at) != 1);
    close(fd);
    if (strange_tells())
        fprintf(stderr, "-- byte %zu of the file = %u\n", at, (unsigned char)byte);
}

void strange_change(const struct strange_tables *all, const char *path, struct strange_source *s)
{
    size_t n_file = 0;
    sqlite3 *db;

    BUG_IF(sqlite3_open(path, &db));
    sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA writable_schema = ON;"
                     "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    for (size_t i = 0; i < MAX_CHANGES && s->at < s->end; i++)
        switch (take(s) % 24) {
        case 0: drop_row(all, db, s); break;
        case 1: add_row(all, db, s); break;
        case 2: change_schema(db, s); break;
        case 3: change_version(db, s); break;
        case 4: n_file = 1; break;
        case 5:
        case 6:
        case 7: copy_value(all, db, s); break;
        case 8:
        case 9:
        case 10:
        case 11:
        case 12:
        case 13: change_inside(all, db, s); break;
        default: set_value(all, db, s); break;
        }
    sqlite3_close(db);
    if (n_file)
        change_file(path, s);
}
