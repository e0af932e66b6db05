/* SPDX-License-Identifier: MIT */
#include "crawler/table.h"

#include "config/arena.h"
#include "config/log.h"
#include "config/mem.h"
#include "crawler/width.h"

#define HELD_ROWS     1000
#define WIDEST_COLUMN 60 /* where nothing is cut: longer values stick out */
#define LEAST_TEXT    12 /* columns that a text keeps, if it has them */
#define LEAST_HEAD    6  /* and a name over narrower values */
#define BETWEEN       2
#define NARROW_URL    28 /* in less room only the end of a URL is shown */
#define RECORD_LINES  4 /* of one value in a record */
#define MAX_MEMORY    ((size_t)256 * MIB)
#define CUT           "…"

enum layout {
    LAYOUT_OPEN, /* rows are still held */
    LAYOUT_COLUMNS,
    LAYOUT_RECORDS,
};

struct column {
    struct span name; /* as shown */
    bool is_number;
    int width;  /* as shown */
    int widest; /* value among those held */
};

struct table {
    struct terminal terminal;
    enum layout layout;
    bool is_countless;
    struct column *columns;
    size_t n_columns, n_rows;
    struct arena mem;     /* names and held cells */
    struct arena row_mem; /* cells of one record */
    struct buf raw, safe, cut; /* a cell that is being made */
    struct span *held;    /* HELD_ROWS * n_columns cells */
    size_t n_held;
};

struct table *table_new(const struct span *columns, size_t n,
                        const struct terminal *terminal)
{
    struct table *t = mem_alloc(sizeof *t);

    t->terminal = *terminal;
    t->n_columns = n;
    arena_init(&t->mem, MAX_MEMORY);
    arena_init(&t->row_mem, MAX_MEMORY);
    buf_init(&t->raw, MAX_MEMORY);
    buf_init(&t->safe, MAX_MEMORY);
    buf_init(&t->cut, MAX_MEMORY);
    t->columns = mem_array(n + 1, sizeof *t->columns);
    t->held = mem_array(HELD_ROWS * (n + 1), sizeof *t->held);
    for (size_t i = 0; i < n; i++)
        t->columns[i].name = columns[i];
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    mem_free(t->columns);
    mem_free(t->held);
    arena_clear(&t->mem);
    arena_clear(&t->row_mem);
    buf_clear(&t->raw);
    buf_clear(&t->safe);
    buf_clear(&t->cut);
    mem_free(t);
}

void table_set_countless(struct table *t)
{
    t->is_countless = true;
}

/* --- cells --------------------------------------------------------------------------- */

/* The value as it may stand in a table; in t->safe or t->raw. */
static enum err cell_text(struct table *t, const struct output_value *v,
                          struct span *out)
{
    enum err e;

    if (v->type != OUTPUT_TEXT) {
        buf_reset(&t->raw);
        e = cell_put_plain(&t->raw, v);
        *out = buf_span(&t->raw); /* digits and the like: nothing to make harmless */
        return e;
    }
    buf_reset(&t->safe);
    e = log_escape(&t->safe, v->text);
    *out = buf_span(&t->safe);
    return e;
}

static enum err cell_copy(struct table *t, struct arena *mem,
                          const struct output_value *v, struct span *out)
{
    struct span cell;
    enum err e = cell_text(t, v, &cell);

    return e ? e : arena_try_copy(mem, cell, out);
}

/* Cut to columns, if it is longer; of a URL the beginning and the end say most, and the end more. */
static enum err put_cut(struct buf *out, struct span s, int columns)
{
    struct span head, tail = SPAN_NONE;
    int room = columns - 1; /* for the sign that something is missing */
    enum err e;

    head = span_slice(s, 0, width_prefix(s, room));
    if (span_find_span(s, SPAN("://")) < 8) {
        int front = room < NARROW_URL ? 0 : room / 2;

        head = span_slice(s, 0, width_prefix(s, front));
        tail = span_skip(s, s.len - width_suffix(s, room - front));
    }
    e = buf_append(out, head);
    if (!e)
        e = buf_append(out, SPAN(CUT));
    return e ? e : buf_append(out, tail);
}

static enum err put_spaces(struct buf *out, int n)
{
    enum err e = n > 0 ? buf_reserve(out, (size_t)n) : OK;

    if (e || n <= 0)
        return e;
    memset(out->ptr + out->len, ' ', (size_t)n);
    out->len += (size_t)n;
    return OK;
}

/* --- side by side --------------------------------------------------------------------- */

static enum err put_cell(struct table *t, size_t i, struct span cell, bool is_head,
                         struct buf *out)
{
    const struct column *c = &t->columns[i];
    int width = width_of(cell);
    bool is_cut = t->terminal.is_terminal && width > c->width;
    enum err e = OK;

    if (is_cut) {
        buf_reset(&t->cut);
        e = put_cut(&t->cut, cell, c->width);
        cell = buf_span(&t->cut);
        width = c->width;
    }
    if (!e && c->is_number)
        e = put_spaces(out, c->width - width);
    if (!e)
        e = is_head ? terminal_put(out, &t->terminal, STYLE_BOLD, cell)
                    : buf_append(out, cell);
    if (e || i + 1 == t->n_columns)
        return e;
    return put_spaces(out, (c->is_number ? 0 : MAX(0, c->width - width)) + BETWEEN);
}

static enum err put_cells(struct table *t, const struct span *cells, struct buf *out)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < t->n_columns; i++)
        e = put_cell(t, i, cells[i], false, out);
    return e ? e : buf_append_byte(out, '\n');
}

static enum err put_rule(struct table *t, struct buf *out)
{
    struct buf line;
    enum err e = OK;

    buf_init(&line, MAX_MEMORY);
    for (size_t i = 0; !e && i < t->n_columns; i++) {
        for (int k = 0; !e && k < t->columns[i].width; k++)
            e = buf_append(&line, t->terminal.is_terminal ? SPAN("─") : SPAN("-"));
        if (!e && i + 1 < t->n_columns)
            e = put_spaces(&line, BETWEEN);
    }
    if (!e)
        e = terminal_put(out, &t->terminal, STYLE_DIM, buf_span(&line));
    buf_clear(&line);
    return e ? e : buf_append_byte(out, '\n');
}

static enum err put_head(struct table *t, struct buf *out)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < t->n_columns; i++)
        e = put_cell(t, i, t->columns[i].name, true, out);
    if (!e)
        e = buf_append_byte(out, '\n');
    return e ? e : put_rule(t, out);
}

/* --- records --------------------------------------------------------------------------- */

static enum err put_record_head(struct table *t, struct buf *out)
{
    struct buf line;
    enum err e;

    buf_init(&line, MAX_MEMORY);
    e = buf_printf(&line, "── %zu ", t->n_rows);
    for (int k = width_of(buf_span(&line)); !e && k < MIN(t->terminal.columns, 60); k++)
        e = buf_append(&line, SPAN("─"));
    if (!e)
        e = terminal_put(out, &t->terminal, STYLE_DIM, buf_span(&line));
    buf_clear(&line);
    return e ? e : buf_append_byte(out, '\n');
}

/* What is NULL is left out. */
static enum err put_record(struct table *t, const struct span *cells, struct buf *out)
{
    int names = 0;
    enum err e;

    t->n_rows++;
    e = put_record_head(t, out);
    for (size_t i = 0; i < t->n_columns; i++)
        names = MAX(names, width_of(t->columns[i].name));
    for (size_t i = 0; !e && i < t->n_columns; i++) {
        int room = t->terminal.columns * RECORD_LINES - names - BETWEEN;

        if (!cells[i].len)
            continue;
        e = terminal_put(out, &t->terminal, STYLE_BOLD, t->columns[i].name);
        if (!e)
            e = put_spaces(out, names - width_of(t->columns[i].name) + BETWEEN);
        if (!e)
            e = room > 0 && width_of(cells[i]) > room ? put_cut(out, cells[i], room)
                                          : buf_append(out, cells[i]);
        if (!e)
            e = buf_append_byte(out, '\n');
    }
    return e;
}

/* --- layout ------------------------------------------------------------------------------ */

static void measure(struct table *t)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        struct column *c = &t->columns[i];

        for (size_t r = 0; r < t->n_held; r++)
            c->widest = MAX(c->widest, width_of(t->held[r * t->n_columns + i]));
        c->width =
            MAX(width_of(c->name),
                t->terminal.is_terminal ? c->widest : MIN(c->widest, WIDEST_COLUMN));
    }
}

static int total(const struct table *t)
{
    int sum = 0;

    for (size_t i = 0; i < t->n_columns; i++)
        sum += t->columns[i].width + (i ? BETWEEN : 0);
    return sum;
}

/* The least that a column may be cut to. */
static int least(const struct column *c)
{
    return c->is_number ? MAX(c->widest, 1) : MIN(c->widest, LEAST_TEXT);
}

/* Names wider than all values below are cut first, then the widest texts, a column at a time. */
static bool fit(struct table *t)
{
    int too_wide = total(t) - t->terminal.columns;

    while (too_wide > 0) {
        struct column *most = NULL;
        int gain = 0;

        for (size_t i = 0; i < t->n_columns; i++) {
            struct column *c = &t->columns[i];
            int floor = MAX(c->widest, MIN(LEAST_HEAD, width_of(c->name)));

            if (c->width - floor > gain) {
                gain = c->width - floor;
                most = c;
            }
        }
        for (size_t i = 0; !gain && i < t->n_columns; i++) {
            struct column *c = &t->columns[i];
            int floor = MAX(least(c), MIN(LEAST_HEAD, width_of(c->name)));

            if (!c->is_number && c->width > floor && (!most || c->width > most->width))
                most = c;
        }
        if (!most)
            return false;
        most->width--;
        too_wide--;
    }
    return true;
}

static enum err put_held(struct table *t, struct buf *out)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < t->n_columns; i++) {
        struct output_value name = { .type = OUTPUT_TEXT, .text = t->columns[i].name };

        e = cell_copy(t, &t->mem, &name, &t->columns[i].name);
    }
    if (e)
        return e;
    measure(t);
    t->layout = LAYOUT_COLUMNS;
    if (t->terminal.is_terminal && !fit(t) && t->n_held)
        t->layout = LAYOUT_RECORDS;
    t->n_rows = 0;
    if (t->layout == LAYOUT_COLUMNS)
        e = put_head(t, out);
    for (size_t r = 0; !e && r < t->n_held; r++) {
        const struct span *cells = &t->held[r * t->n_columns];

        if (t->layout == LAYOUT_RECORDS)
            e = put_record(t, cells, out);
        else
            e = put_cells(t, cells, out);
    }
    t->n_rows = t->n_held;
    t->n_held = 0;
    return e;
}

/*
 * Most values need nothing made harmless, take a column a byte and are not cut: put as put_cell would, at once.
 * digits: where such a number may be written.
 */
static bool is_simple(const struct table *t, size_t i, const struct output_value *v,
                      char digits[CELL_INTEGER_SIZE], struct span *out)
{
    *out = SPAN_NONE;
    if (v->type == OUTPUT_INTEGER)
        *out = cell_integer(v->integer, digits);
    else if (v->type == OUTPUT_TEXT)
        *out = v->text;
    else if (v->type != OUTPUT_NULL)
        return false;
    if (t->terminal.is_terminal && out->len > (size_t)t->columns[i].width)
        return false;
    return v->type != OUTPUT_TEXT || span_printable(*out) == out->len;
}

static enum err put_simple(const struct table *t, size_t i, struct span cell, struct buf *out)
{
    const struct column *c = &t->columns[i];
    size_t padding = (size_t)c->width > cell.len ? (size_t)c->width - cell.len : 0;
    size_t before = c->is_number ? padding : 0;
    size_t behind = i + 1 == t->n_columns ? 0 : padding - before + BETWEEN;
    enum err e = buf_reserve(out, before + cell.len + behind);
    char *at;

    if (e)
        return e;
    at = out->ptr + out->len;
    memset(at, ' ', before);
    if (cell.len)
        memcpy(at + before, cell.ptr, cell.len);
    memset(at + before + cell.len, ' ', behind);
    out->len += before + cell.len + behind;
    return OK;
}

/* Widths are known: nothing needs to be kept. */
static enum err put_row(struct table *t, const struct output_value *values,
                        struct buf *out)
{
    char digits[CELL_INTEGER_SIZE];
    struct span cell;
    enum err e = OK;

    t->n_rows++;
    for (size_t i = 0; !e && i < t->n_columns; i++) {
        if (is_simple(t, i, &values[i], digits, &cell)) {
            e = put_simple(t, i, cell, out);
            continue;
        }
        e = cell_text(t, &values[i], &cell);
        if (!e)
            e = put_cell(t, i, cell, false, out);
    }
    return e ? e : buf_append_byte(out, '\n');
}

enum err table_row(struct table *t, const struct output_value *values, struct buf *out)
{
    bool is_open = t->layout == LAYOUT_OPEN;
    struct span *cells = &t->held[t->n_held * t->n_columns];
    enum err e = OK;

    if (t->layout == LAYOUT_COLUMNS)
        return put_row(t, values, out);
    arena_reset(&t->row_mem);
    for (size_t i = 0; !e && i < t->n_columns; i++) {
        if (is_open && values[i].type != OUTPUT_NULL)
            t->columns[i].is_number =
                values[i].type == OUTPUT_INTEGER || values[i].type == OUTPUT_REAL;
        e = cell_copy(t, is_open ? &t->mem : &t->row_mem, &values[i], &cells[i]);
    }
    if (e)
        return e;
    if (is_open)
        return ++t->n_held < HELD_ROWS ? OK : put_held(t, out);
    return put_record(t, cells, out);
}

enum err table_finish(struct table *t, struct buf *out)
{
    char count[40];
    enum err e = t->layout == LAYOUT_OPEN ? put_held(t, out) : OK;

    if (e || !t->terminal.is_terminal || t->is_countless)
        return e;
    snprintf(count, sizeof count, "%zu row%s", t->n_rows, t->n_rows == 1 ? "" : "s");
    e = terminal_put(out, &t->terminal, STYLE_DIM, span_str(count));
    return e ? e : buf_append_byte(out, '\n');
}
