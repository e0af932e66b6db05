/* SPDX-License-Identifier: MIT */
#include "store/reader_rows.h"

#include "config/arena.h"
#include "config/map.h"
#include "config/mem.h"

#define MAX_SETS 64
#define MAX_KEPT ((size_t)3 * GIB) /* bytes of a set: some millions of rows with a URL each */

struct kept_value {
    int type, n_bytes;
    union {
        sqlite3_int64 integer;
        double real;
        const void *bytes; /* TEXT and BLOB */
    } u;
};

struct row_set {
    struct arena mem;
    struct idmap rows; /* ids to arrays of n_columns struct kept_value */
    int n_columns;
    uint64_t last_id; /* that was asked for: the columns of a row are, one after the other */
    const struct kept_value *last;
};

struct reader_rows {
    struct row_set *sets[MAX_SETS];
    size_t n_sets;
};

static struct row_set *set_new(int n_columns)
{
    struct row_set *set = mem_alloc(sizeof *set);

    arena_init(&set->mem, MAX_KEPT);
    idmap_init(&set->rows);
    set->n_columns = n_columns;
    return set;
}

static void set_free(struct row_set *set)
{
    if (!set)
        return;
    idmap_clear(&set->rows);
    arena_clear(&set->mem);
    mem_free(set);
}

/* --- keeping ------------------------------------------------------------------------ */

static enum err keep_value(struct row_set *set, sqlite3_value *from, struct kept_value *to)
{
    struct span copy;
    enum err e;

    to->type = sqlite3_value_type(from);
    if (to->type == SQLITE_INTEGER)
        to->u.integer = sqlite3_value_int64(from);
    if (to->type == SQLITE_FLOAT)
        to->u.real = sqlite3_value_double(from);
    if (to->type != SQLITE_TEXT && to->type != SQLITE_BLOB)
        return OK;
    to->u.bytes = to->type == SQLITE_TEXT ? sqlite3_value_text(from) : sqlite3_value_blob(from);
    to->n_bytes = sqlite3_value_bytes(from);
    e = arena_try_copy(&set->mem, span_make(to->u.bytes, (size_t)to->n_bytes), &copy);
    to->u.bytes = copy.ptr;
    return e;
}

static enum err keep_row(struct row_set *set, sqlite3_value **values, uint64_t id)
{
    struct kept_value *row = arena_try_array(&set->mem, (size_t)set->n_columns + 1, sizeof *row);
    enum err e = row ? OK : ERR_NO_MEMORY;

    for (int i = 0; !e && i < set->n_columns; i++)
        e = keep_value(set, values[i], &row[i]);
    if (!e)
        idmap_set(&set->rows, id, row);
    return e;
}

static void row_set_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct row_set **set = sqlite3_aggregate_context(ctx, sizeof *set);
    uint64_t id;

    if (!set || argc < 1) {
        sqlite3_result_error(ctx, "row_set takes an id and values", -1);
        return;
    }
    if (!*set)
        *set = set_new(argc - 1);
    id = (uint64_t)sqlite3_value_int64(argv[0]);
    if (id && !idmap_get(&(*set)->rows, id) && keep_row(*set, argv + 1, id))
        sqlite3_result_error(ctx, "too many rows to keep at hand", -1);
}

static void row_set_end(sqlite3_context *ctx)
{
    struct row_set **set = sqlite3_aggregate_context(ctx, 0);
    struct reader_rows *r = sqlite3_user_data(ctx);

    if (r->n_sets == MAX_SETS) {
        sqlite3_result_error(ctx, "too many sets of rows", -1);
        set_free(set ? *set : NULL);
        return;
    }
    r->sets[r->n_sets] = set && *set ? *set : set_new(0);
    sqlite3_result_int64(ctx, (sqlite3_int64)r->n_sets++);
}

/* --- looking up ---------------------------------------------------------------------- */

/* Sets last as long as handle, so nothing is copied. */
static void put_value(sqlite3_context *ctx, const struct kept_value *v)
{
    switch (v->type) {
    case SQLITE_INTEGER: sqlite3_result_int64(ctx, v->u.integer); break;
    case SQLITE_FLOAT: sqlite3_result_double(ctx, v->u.real); break;
    case SQLITE_TEXT: sqlite3_result_text(ctx, v->u.bytes, v->n_bytes, SQLITE_STATIC); break;
    case SQLITE_BLOB: sqlite3_result_blob(ctx, v->u.bytes, v->n_bytes, SQLITE_STATIC); break;
    default: break;
    }
}

static void row_value(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct reader_rows *r = sqlite3_user_data(ctx);
    sqlite3_int64 number = sqlite3_value_int64(argv[0]), column = sqlite3_value_int64(argv[2]);
    uint64_t id = (uint64_t)sqlite3_value_int64(argv[1]);
    struct row_set *set;

    (void)argc;
    if (number < 0 || number >= (sqlite3_int64)r->n_sets) {
        sqlite3_result_error(ctx, "no such set of rows", -1);
        return;
    }
    set = r->sets[number];
    if (id != set->last_id) {
        set->last_id = id;
        set->last = id ? idmap_get(&set->rows, id) : NULL;
    }
    if (set->last && column >= 0 && column < set->n_columns)
        put_value(ctx, &set->last[column]);
}

/* --- both ----------------------------------------------------------------------------- */

enum err reader_rows_new(sqlite3 *handle, struct reader_rows **out)
{
    struct reader_rows *r = mem_alloc(sizeof *r);
    int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;

    if (sqlite3_create_function(handle, "row_set", -1, flags, r, NULL, row_set_step, row_set_end) ||
        sqlite3_create_function(handle, "row_value", 3, flags | SQLITE_DETERMINISTIC, r, row_value, NULL, NULL)) {
        mem_free(r);
        return ERR_NO_MEMORY;
    }
    *out = r;
    return OK;
}

void reader_rows_free(struct reader_rows *r)
{
    for (size_t i = 0; r && i < r->n_sets; i++)
        set_free(r->sets[i]);
    mem_free(r);
}
