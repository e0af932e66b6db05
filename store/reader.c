/* SPDX-License-Identifier: MIT */
#include "store/reader.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config/buf.h"
#include "config/clock.h"
#include "config/mem.h"
#include "parse/pack.h"
#include "store/db.h"
#include "store/dictionaries.h"
#include "store/guard.h"
#include "store/reader_functions.h"
#include "store/reader_older.h"
#include "store/schema.h"
#include "store/shape.h"

#define BUSY_TIMEOUT_MS 10000
#define NO_NUMBER       INT64_MIN /* a database's own are of 32 bits */
#define STEPS_BETWEEN_LOOKS \
    10000 /* virtual machine steps between two looks at the clock */
/* Of a view of ours we know what it takes; one of an older schema is any view of that name. */
#define OLD_VIEWS_MS  600000
#define MAX_COLUMNS   200
#define MAX_SQL_BYTES 1000000

struct reader {
    sqlite3 *handle;
    char *path;
    struct reader_functions *functions;
    struct dictionaries *dictionaries;
    int64_t deadline_ms;
    int64_t give_up_ns; /* of the present query; 0 = never */
    bool is_still;      /* read as a file that nobody writes; see open_still */
    struct stat seen;   /* how it was then */
};

/* --- opening --------------------------------------------------------------------- */

/* Pragmas that only tell. */
static bool is_harmless_pragma(const char *name, const char *value)
{
    static const char *const telling[] = {
        "table_info",        "table_xinfo",     "table_list",      "index_list",
        "index_info",        "index_xinfo",     "integrity_check", "quick_check",
        "foreign_key_check", "compile_options", "function_list",   "database_list"
    };
    static const char *const
        plain[] = { "user_version", "application_id", "page_count",
                    "page_size",    "freelist_count", "journal_mode",
                    "encoding",     "data_version" /* full-text search asks for it */ };

    for (size_t i = 0; i < ARRAY_LEN(telling); i++)
        if (sqlite3_stricmp(name, telling[i]) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (!value && sqlite3_stricmp(name, plain[i]) == 0)
            return true;
    return false;
}

static int authorize(void *arg, int action, const char *a, const char *b,
                     const char *database, const char *trigger)
{
    (void)arg;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION: return SQLITE_OK;
    case SQLITE_FUNCTION:
        return b && sqlite3_stricmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_UPDATE: /* SQLite asks this while it declares a virtual table; the file is read-only anyway */
        return a && sqlite3_stricmp(a, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_PRAGMA: return is_harmless_pragma(a, b) ? SQLITE_OK : SQLITE_DENY;
    default: return SQLITE_DENY;
    }
}

static int is_over(void *arg)
{
    const struct reader *r = arg;

    return r->give_up_ns && clock_now_ns() > r->give_up_ns;
}

/* Or NO_NUMBER: it could not be asked. */
static int64_t pragma_number(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *st;
    int64_t value = NO_NUMBER;

    if (sqlite3_prepare_v2(handle, sql, -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return value;
}

static enum err check_identity(struct reader *r, struct err_note *note)
{
    int64_t id = pragma_number(r->handle, "PRAGMA application_id");
    int64_t version = pragma_number(r->handle, "PRAGMA user_version");

    if (id == NO_NUMBER || version == NO_NUMBER)
        return db_explain(r->handle, sqlite3_errcode(r->handle), r->path, note);
    if (id != DB_APPLICATION_ID)
        return err_set(note, ERR_REFUSED, "%s is another program's database", r->path);
    if (version > DB_SCHEMA_VERSION)
        return err_set(
            note, ERR_VERSION,
            "%s was written by a newer crawl (schema %lld, this one knows %d)", r->path,
            (long long)version, DB_SCHEMA_VERSION);
    return OK;
}

/* SQLite's own advice for databases of unknown origin: sqlite.org/security.html. */
static int harden(struct reader *r)
{
    int rc;

    sqlite3_db_config(r->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(r->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(r->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_exec(r->handle, "PRAGMA query_only=1; PRAGMA temp_store=2", NULL, NULL,
                 NULL);
    rc = reader_older_bridge(r->handle);
    sqlite3_limit(r->handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(r->handle, SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES);
    sqlite3_set_authorizer(r->handle, authorize, r);
    sqlite3_progress_handler(r->handle, STEPS_BETWEEN_LOOKS, is_over, r);
    return rc;
}

static enum err check_shape(struct reader *r, struct err_note *note)
{
    bool has_old_views = false;
    enum err e = shape_check_read(r->handle, r->path, &has_old_views, note);

    r->deadline_ms = has_old_views ? OLD_VIEWS_MS : 0;
    return e;
}

enum err reader_open(const char *path, struct reader **out, struct err_note *note)
{
    struct reader *r = NULL;
    enum err e = guard_check_read(path, note);

    if (!e)
        e = reader_open_own(path, &r, note);
    if (!e)
        e = check_shape(r, note);
    if (!e)
        *out = r;
    else
        reader_close(r);
    return e;
}

static enum err open_handle(struct reader *r, const char *name, int more_flags, struct err_note *note)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | more_flags;
    int rc = sqlite3_open_v2(name, &r->handle, flags, NULL);

    if (rc)
        return db_explain(r->handle, rc, r->path, note);
    /* Before the first look: a crawl that ends or reads a log again has the file alone for a moment. */
    sqlite3_busy_timeout(r->handle, BUSY_TIMEOUT_MS);
    return check_identity(r, note);
}

/* Is there a log beside it, as there is while a crawl runs or after one that was killed? */
static bool has_log(const char *name)
{
    char log[PATH_MAX + 8];
    struct stat st;

    return snprintf(log, sizeof log, "%s-wal", name) >= (int)sizeof log ||
           (!stat(log, &st) && st.st_size > 0);
}

/* The name as a URI (sqlite.org/uri.html). */
static char *still_uri(const char *name)
{
    static const char hex[] = "0123456789ABCDEF";
    struct buf uri;
    char *text;

    buf_init(&uri, SIZE_MAX);
    BUG_IF(buf_append(&uri, SPAN("file:")));
    for (; *name; name++) {
        char escape[3] = { '%', hex[(unsigned char)*name >> 4], hex[*name & 15] };

        BUG_IF(strchr("%?#", *name) ? buf_append(&uri, span_make(escape, 3))
                                    : buf_append_byte(&uri, *name));
    }
    BUG_IF(buf_append(&uri, SPAN("?immutable=1")));
    text = mem_str_copy(buf_span(&uri));
    buf_clear(&uri);
    return text;
}

/*
 * A database of a crawl is in WAL mode, and SQLite then wants to write beside it even to
 * read. Where that may not be, a file without a log is read as it lies there: whole, for
 * what a crawl has closed; has_moved tells whether one began meanwhile.
 */
static enum err open_still(struct reader *r, const char *name, enum err e,
                           struct err_note *note)
{
    int code = sqlite3_errcode(r->handle) & 0xff;
    char *uri;

    if ((code != SQLITE_READONLY && code != SQLITE_CANTOPEN) || has_log(name) ||
        stat(name, &r->seen))
        return e;
    sqlite3_close(r->handle);
    uri = still_uri(name);
    e = open_handle(r, uri, SQLITE_OPEN_URI, note);
    mem_free(uri);
    r->is_still = !e;
    return e;
}

static bool has_moved(const struct reader *r)
{
    struct stat now;

    return r->is_still &&
           (stat(r->path, &now) || now.st_size != r->seen.st_size ||
            now.st_ino != r->seen.st_ino || now.st_mtim.tv_sec != r->seen.st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != r->seen.st_mtim.tv_nsec);
}

enum err reader_open_own(const char *path, struct reader **out, struct err_note *note)
{
    struct reader *r = mem_alloc(sizeof *r);
    char *name = guard_follow_directory(path);
    enum err e;
    int rc;

    r->path = mem_str_copy(span_str(path));
    e = open_handle(r, name, 0, note);
    if (e)
        e = open_still(r, name, e, note);
    mem_free(name);
    if (!e && reader_functions_new(r->handle, &r->functions))
        e = err_set(note, ERR_NO_MEMORY, "%s: out of memory", path);
    rc = e ? SQLITE_OK : harden(r);
    if (rc)
        e = db_explain(r->handle, rc, r->path, note);
    if (e) {
        reader_close(r);
        return e;
    }
    r->dictionaries = dictionaries_new(r->handle);
    *out = r;
    return OK;
}

enum err reader_open_empty(struct reader **out, struct err_note *note)
{
    struct reader *r = mem_alloc(sizeof *r);
    int rc = sqlite3_open(":memory:", &r->handle);
    char stamp[40];

    r->path = mem_str_copy(SPAN("the empty database"));
    for (int n = 1; !rc && schema_sql(n); n++)
        rc = sqlite3_exec(r->handle, schema_sql(n), NULL, NULL, NULL);
    snprintf(stamp, sizeof stamp, "PRAGMA user_version=%d", DB_SCHEMA_VERSION);
    rc = rc ? rc : sqlite3_exec(r->handle, stamp, NULL, NULL, NULL);
    if (rc || reader_functions_new(r->handle, &r->functions) || harden(r)) {
        enum err e = db_explain(r->handle, rc, r->path, note);

        reader_close(r);
        return e ? e : err_set(note, ERR_NO_MEMORY, "out of memory");
    }
    *out = r;
    return OK;
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    sqlite3_close(r->handle);
    reader_functions_free(r->functions);
    dictionaries_free(r->dictionaries);
    mem_free(r->path);
    mem_free(r);
}

enum err reader_hold(struct reader *r, int64_t cache_bytes, struct err_note *note)
{
    char sql[128];
    int rc;

    snprintf(sql, sizeof sql, "PRAGMA temp_store=1; PRAGMA cache_size=-%lld",
             (long long)(cache_bytes / KIB));
    sqlite3_set_authorizer(r->handle, NULL, NULL);
    rc = sqlite3_exec(r->handle, sql, NULL, NULL, NULL);
    rc = rc ? rc : reader_older_bridge(r->handle);
    rc = rc ? rc : sqlite3_exec(r->handle, "BEGIN", NULL, NULL, NULL);
    sqlite3_set_authorizer(r->handle, authorize, r);
    return rc ? db_explain(r->handle, rc, r->path, note) : OK;
}

struct sqlite3 *reader_handle(struct reader *r)
{
    return r->handle;
}

void reader_set_deadline(struct reader *r, int64_t deadline_ms)
{
    r->deadline_ms = deadline_ms;
}

/* --- queries ------------------------------------------------------------------------ */

/*
 * From the value itself, as each sqlite3_column_ function would look it up again: that may be done where, as here
 * (SQLITE_OPEN_NOMUTEX), nothing else uses the connection meanwhile (sqlite.org/c3ref/value.html).
 */
static struct reader_value value_of(sqlite3_value *value)
{
    struct reader_value v = { .type = READER_NULL };

    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        v.type = READER_INTEGER;
        v.integer = sqlite3_value_int64(value);
        break;
    case SQLITE_FLOAT:
        v.type = READER_REAL;
        v.real = sqlite3_value_double(value);
        break;
    case SQLITE_TEXT:
        v.type = READER_TEXT;
        v.text.ptr = (const char *)sqlite3_value_text(value);
        v.text.len = (size_t)sqlite3_value_bytes(value);
        break;
    case SQLITE_BLOB:
        v.type = READER_BLOB;
        v.text.ptr = sqlite3_value_blob(value);
        v.text.len = (size_t)sqlite3_value_bytes(value);
        break;
    default: break;
    }
    return v;
}

static enum err query_failed(struct reader *r, struct err_note *note)
{
    int rc = sqlite3_errcode(r->handle);

    if (rc == SQLITE_INTERRUPT)
        return err_set(note, ERR_TIMEOUT, "the query took longer than %lld ms",
                       (long long)r->deadline_ms);
    if (rc == SQLITE_AUTH)
        return err_set(note, ERR_USAGE,
                       "not allowed here: the database is opened for reading only");
    if (rc == SQLITE_ERROR || rc == SQLITE_RANGE || rc == SQLITE_READONLY)
        return err_set(note, ERR_USAGE, "%s", sqlite3_errmsg(r->handle));
    return db_explain(r->handle, rc, r->path, note);
}

static enum err step_all(struct reader *r, sqlite3_stmt *st, reader_row_fn *fn,
                         void *arg, struct err_note *note)
{
    struct span names[MAX_COLUMNS];
    struct reader_value values[MAX_COLUMNS];
    int n = MIN(sqlite3_column_count(st), MAX_COLUMNS), rc;
    enum err e;

    for (int i = 0; i < n; i++)
        names[i] = span_str(sqlite3_column_name(st, i));
    e = fn(arg, names, NULL, (size_t)n);
    while (!e && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW)
            return query_failed(r, note);
        for (int i = 0; i < n; i++)
            values[i] = value_of(sqlite3_column_value(st, i));
        e = fn(arg, names, values, (size_t)n);
    }
    return e;
}

/* The one statement in sql. */
static enum err prepare(struct reader *r, struct span sql, sqlite3_stmt **out,
                        struct err_note *note)
{
    const char *rest;
    sqlite3_stmt *st;

    r->give_up_ns = r->deadline_ms ? clock_now_ns() + r->deadline_ms * NS_PER_MS : 0;
    /* Standard input that was empty has no bytes at all. */
    if (sqlite3_prepare_v2(r->handle, sql.ptr ? sql.ptr : "",
                           (int)MIN(sql.len, (size_t)MAX_SQL_BYTES + 1), &st, &rest))
        return query_failed(r, note);
    if (!st)
        return err_set(note, ERR_USAGE, "there is no statement in it");
    if (span_trim(span_make(rest, sql.len - (size_t)(rest - sql.ptr))).len) {
        sqlite3_finalize(st);
        return err_set(note, ERR_USAGE, "one statement at a time");
    }
    *out = st;
    return OK;
}

enum err reader_query(struct reader *r, struct span sql, const struct span *params,
                      size_t n_params, reader_row_fn *fn, void *arg,
                      struct err_note *note)
{
    sqlite3_stmt *st = NULL;
    enum err e = prepare(r, sql, &st, note);

    if (e)
        return e;
    for (size_t i = 0; i < n_params; i++)
        sqlite3_bind_text(st, (int)i + 1, params[i].ptr, (int)params[i].len,
                          SQLITE_STATIC);
    e = step_all(r, st, fn, arg, note);
    sqlite3_finalize(st);
    if (has_moved(r)) /* also where that is what SQLite stumbled over */
        e = err_set(note, ERR_IO, "%s: a crawl wrote it meanwhile; ask again", r->path);
    return e;
}

bool reader_may_lack(const struct reader *r, const char *what)
{
    static const char SQL[] =
        "SELECT 1 FROM sqlite_schema s WHERE s.type IN ('table', 'view') AND (s.name = ?1"
        " OR (instr(?1, s.name || '.') = 1"
        " AND EXISTS (SELECT 1 FROM pragma_table_info(s.name) c WHERE s.name || '.' || c.name = ?1)))";
    sqlite3_stmt *st;
    bool has = false;

    if (pragma_number(r->handle, "PRAGMA user_version") >= DB_SCHEMA_VERSION ||
        sqlite3_prepare_v2(r->handle, SQL, -1, &st, NULL))
        return false;
    sqlite3_bind_text(st, 1, what, -1, SQLITE_STATIC);
    has = sqlite3_step(st) == SQLITE_ROW;
    sqlite3_finalize(st);
    return !has;
}

enum err reader_dictionary(struct reader *r, struct span packed, uint32_t *out_id,
                           struct span *out, struct err_note *note)
{
    uint32_t id = pack_dictionary_id(packed);
    enum err e = OK;

    *out = SPAN_NONE;
    *out_id = id;
    if (id)
        e = dictionaries_find(r->dictionaries, id, out);
    return e ? err_set(note, e, "dictionary %u is %s", id,
                       e == ERR_CORRUPT ? "damaged" : "missing")
             : OK;
}

/* --- values from a person -------------------------------------------------------------- */

/* Digits, a point, digits; no spelling that a number would not come back in. */
static bool is_decimal(struct span s)
{
    size_t dot;

    if (span_starts(s, SPAN("-")))
        s = span_skip(s, 1);
    dot = span_find(s, '.');
    for (size_t i = 0; i < s.len; i++)
        if (i != dot && (s.ptr[i] < '0' || s.ptr[i] > '9'))
            return false;
    return dot > 0 && dot + 1 < s.len && s.len < 20;
}

static bool is_plain_integer(struct span s, int64_t *out)
{
    struct span digits = span_starts(s, SPAN("-")) ? span_skip(s, 1) : s;

    return span_parse_i64(s, out) && (digits.len == 1 || digits.ptr[0] != '0');
}

static void bind(sqlite3_stmt *st, int at, struct span value)
{
    char text[24];
    int64_t n;

    if (is_plain_integer(value, &n)) {
        sqlite3_bind_int64(st, at, n);
    } else if (is_decimal(value)) {
        snprintf(text, sizeof text, "%.*s", SPAN_ARG(value));
        sqlite3_bind_double(st, at, strtod(text, NULL));
    } else {
        sqlite3_bind_text(st, at, value.ptr, (int)value.len, SQLITE_STATIC);
    }
}

/* The value for place at of st ("?", "?3", ":name"), or NULL. */
static const struct reader_param *value_for(sqlite3_stmt *st, int at,
                                            const struct reader_param *params, size_t n)
{
    const char *place = sqlite3_bind_parameter_name(st, at);
    bool has_name = place && place[0] != '?';
    int nth = 0;

    for (size_t i = 0; i < n; i++) {
        nth += !params[i].name.ptr;
        if (has_name ? params[i].name.ptr && span_eq(params[i].name, span_str(place + 1))
                     : !params[i].name.ptr && nth == at)
            return &params[i];
    }
    return NULL;
}

static enum err bind_all(sqlite3_stmt *st, const struct reader_param *params, size_t n,
                         struct err_note *note)
{
    int n_places = sqlite3_bind_parameter_count(st);

    for (size_t i = 0, nth = 0; i < n; i++) {
        bool is_used = false;

        nth += !params[i].name.ptr;
        for (int at = 1; at <= n_places; at++)
            is_used |= value_for(st, at, params, n) == &params[i];
        if (!is_used && params[i].name.ptr)
            return err_set(note, ERR_USAGE, "the query has no :%.*s",
                           SPAN_ARG(params[i].name));
        if (!is_used)
            return err_set(note, ERR_USAGE,
                           "the query has no ?%zu for the value behind it", nth);
    }
    for (int at = 1; at <= n_places; at++) {
        const struct reader_param *value = value_for(st, at, params, n);
        const char *place = sqlite3_bind_parameter_name(st, at);

        if (value)
            bind(st, at, value->value);
        else if (place && place[0] != '?')
            return err_set(note, ERR_USAGE, "%s has no value: --param %s=VALUE gives one",
                           place, place + 1);
        else
            return err_set(note, ERR_USAGE,
                           "?%d has no value: values stand behind the query", at);
    }
    return OK;
}

enum err reader_ask(struct reader *r, struct span sql, const struct reader_param *params,
                    size_t n_params, reader_row_fn *fn, void *arg, struct err_note *note)
{
    sqlite3_stmt *st = NULL;
    enum err e = prepare(r, sql, &st, note);

    if (e)
        return e;
    e = bind_all(st, params, n_params, note);
    if (!e)
        e = step_all(r, st, fn, arg, note);
    sqlite3_finalize(st);
    return e;
}

/* --- named queries ---------------------------------------------------------------------- */

const struct reader_report *reader_find_report(struct span name)
{
    for (const struct reader_report *p = reader_reports; p->name; p++)
        if (span_eq(name, span_str(p->name)))
            return p;
    return NULL;
}

const struct reader_report *reader_find_export(const char *name)
{
    const struct reader_report *p = reader_exports;

    while (p->name && strcmp(p->name, name) != 0)
        p++;
    BUG_IF(!p->name);
    return p;
}
