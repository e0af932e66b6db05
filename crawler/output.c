/* SPDX-License-Identifier: MIT */
#include "crawler/output.h"


#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"

#define HELD_ROWS 1000
#define WIDEST_COLUMN 60
#define BLOCK ((size_t)64 * 1024)
#define MAX_BUFFER ((size_t)256 * MIB)

struct output {
    enum output_format format;
    int fd;
    size_t n_columns, n_rows;
    struct span *columns;
    struct buf out;
    /* The table format: cells held until the widths are known. */
    struct arena mem;
    struct span *held; /* HELD_ROWS * n_columns cells */
    size_t n_held;
    int *widths;
    bool *is_number;
    bool has_widths;
};

static enum err flush(struct output *o, size_t at_least)
{
    enum err e = OK;

    if (o->out.len > at_least) {
        e = io_write_all(o->fd, buf_span(&o->out));
        buf_reset(&o->out);
    }
    return e;
}

struct output *output_new(enum output_format format, int fd, const struct span *columns, size_t n)
{
    struct output *o = mem_alloc(sizeof *o);

    o->format = format;
    o->fd = fd;
    o->n_columns = n;
    arena_init(&o->mem, MAX_BUFFER);
    buf_init(&o->out, MAX_BUFFER);
    o->columns = mem_array(n + 1, sizeof *o->columns);
    o->widths = mem_array(n + 1, sizeof *o->widths);
    o->is_number = mem_array(n + 1, sizeof *o->is_number);
    for (size_t i = 0; i < n; i++)
        o->columns[i] = arena_copy(&o->mem, columns[i]);
    if (format == OUTPUT_TABLE)
        o->held = mem_array(HELD_ROWS * (n + 1), sizeof *o->held);
    return o;
}

void output_free(struct output *o)
{
    if (!o)
        return;
    mem_free(o->columns);
    mem_free(o->widths);
    mem_free(o->is_number);
    mem_free(o->held);
    buf_clear(&o->out);
    arena_clear(&o->mem);
    mem_free(o);
}

size_t output_count(const struct output *o)
{
    return o->n_rows;
}

/* --- values as text --------------------------------------------------------------- */

static enum err put_hex(struct buf *out, struct span bytes)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < bytes.len; i++)
        e = buf_printf(out, "%02x", (unsigned char)bytes.ptr[i]);
    return e;
}

static enum err put_plain(struct buf *out, const struct output_value *v)
{
    switch (v->type) {
    case OUTPUT_NULL:
        return OK;
    case OUTPUT_INTEGER:
        return buf_printf(out, "%lld", (long long)v->integer);
    case OUTPUT_REAL:
        return buf_printf(out, "%.15g", v->real);
    case OUTPUT_TEXT:
        return buf_append(out, v->text);
    case OUTPUT_BLOB:
        return put_hex(out, v->text);
    }
    return ERR_INVALID;
}

static enum err put_json_text(struct buf *out, struct span s)
{
    enum err e = buf_append_byte(out, '"');

    for (size_t i = 0; !e && i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_append_byte(out, (char)c);
    }
    return e ? e : buf_append_byte(out, '"');
}

static enum err put_json(struct buf *out, const struct output_value *v)
{
    enum err e;

    switch (v->type) {
    case OUTPUT_NULL:
        return buf_append(out, SPAN("null"));
    case OUTPUT_TEXT:
        return put_json_text(out, v->text);
    case OUTPUT_BLOB:
        e = buf_append_byte(out, '"');
        e = e ? e : put_hex(out, v->text);
        return e ? e : buf_append_byte(out, '"');
    default:
        return put_plain(out, v);
    }
}

/* RFC 4180 quoting; a cell that a spreadsheet would run as a formula is disarmed (OWASP CSV injection). */
static enum err put_csv(struct buf *out, const struct output_value *v)
{
    enum err e;

    if (v->type != OUTPUT_TEXT)
        return put_plain(out, v);
    e = buf_append_byte(out, '"');
    if (!e && v->text.len && strchr("=+-@\t\r", v->text.ptr[0]))
        e = buf_append_byte(out, '\'');
    for (size_t i = 0; !e && i < v->text.len; i++) {
        if (v->text.ptr[i] == '"')
            e = buf_append_byte(out, '"');
        if (!e)
            e = buf_append_byte(out, v->text.ptr[i]);
    }
    return e ? e : buf_append_byte(out, '"');
}

/* Tab, newline, return and backslash as \t, \n, \r, \\ : one row stays one line. */
static enum err put_tsv(struct buf *out, const struct output_value *v)
{
    enum err e = OK;

    if (v->type != OUTPUT_TEXT)
        return put_plain(out, v);
    for (size_t i = 0; !e && i < v->text.len; i++) {
        char c = v->text.ptr[i];

        if (c == '\t' || c == '\n' || c == '\r' || c == '\\')
            e = buf_printf(out, "\\%c", c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
        else
            e = buf_append_byte(out, c);
    }
    return e;
}

static enum err put_markdown(struct buf *out, const struct output_value *v)
{
    enum err e = OK;

    if (v->type != OUTPUT_TEXT)
        return put_plain(out, v);
    for (size_t i = 0; !e && i < v->text.len; i++) {
        char c = v->text.ptr[i];

        if (c == '|' || c == '\\')
            e = buf_printf(out, "\\%c", c);
        else
            e = buf_append_byte(out, c == '\n' || c == '\r' ? ' ' : c);
    }
    return e;
}

/* --- rows of the streaming formats ------------------------------------------------------ */

static enum err put_separated(struct output *o, const struct output_value *values, const char *between,
                              enum err (*put)(struct buf *out, const struct output_value *v))
{
    enum err e = OK;

    for (size_t i = 0; !e && i < o->n_columns; i++) {
        if (i)
            e = buf_append(&o->out, span_str(between));
        if (!e)
            e = put(&o->out, &values[i]);
    }
    return e;
}

static enum err put_object(struct output *o, const struct output_value *values)
{
    enum err e = buf_append_byte(&o->out, '{');

    for (size_t i = 0; !e && i < o->n_columns; i++) {
        if (i)
            e = buf_append_byte(&o->out, ',');
        if (!e)
            e = put_json_text(&o->out, o->columns[i]);
        if (!e)
            e = buf_append_byte(&o->out, ':');
        if (!e)
            e = put_json(&o->out, &values[i]);
    }
    return e ? e : buf_append_byte(&o->out, '}');
}

static enum err put_header(struct output *o)
{
    struct output_value *names = arena_try_array(&o->mem, o->n_columns + 1, sizeof *names);
    enum err e = OK;

    if (!names)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < o->n_columns; i++)
        names[i] = (struct output_value){ .type = OUTPUT_TEXT, .text = o->columns[i] };
    switch (o->format) {
    case OUTPUT_CSV:
        e = put_separated(o, names, ",", put_csv);
        return e ? e : buf_append(&o->out, SPAN("\r\n"));
    case OUTPUT_TSV:
        e = put_separated(o, names, "\t", put_tsv);
        return e ? e : buf_append_byte(&o->out, '\n');
    case OUTPUT_JSON:
        return buf_append_byte(&o->out, '[');
    case OUTPUT_MARKDOWN:
        e = buf_append(&o->out, SPAN("| "));
        e = e ? e : put_separated(o, names, " | ", put_markdown);
        e = e ? e : buf_append(&o->out, SPAN(" |\n|"));
        for (size_t i = 0; !e && i < o->n_columns; i++)
            e = buf_append(&o->out, SPAN(" --- |"));
        return e ? e : buf_append_byte(&o->out, '\n');
    default:
        return OK;
    }
}

static enum err put_row(struct output *o, const struct output_value *values)
{
    enum err e = OK;

    switch (o->format) {
    case OUTPUT_CSV:
        e = put_separated(o, values, ",", put_csv);
        return e ? e : buf_append(&o->out, SPAN("\r\n"));
    case OUTPUT_TSV:
        e = put_separated(o, values, "\t", put_tsv);
        return e ? e : buf_append_byte(&o->out, '\n');
    case OUTPUT_JSON:
        e = buf_append(&o->out, o->n_rows ? SPAN(",\n ") : SPAN("\n "));
        return e ? e : put_object(o, values);
    case OUTPUT_JSONL:
        e = put_object(o, values);
        return e ? e : buf_append_byte(&o->out, '\n');
    case OUTPUT_MARKDOWN:
        e = buf_append(&o->out, SPAN("| "));
        e = e ? e : put_separated(o, values, " | ", put_markdown);
        return e ? e : buf_append(&o->out, SPAN(" |\n"));
    case OUTPUT_TABLE:
        break;
    }
    return ERR_INVALID;
}

/* --- the table ------------------------------------------------------------------------------- */

/* Columns on a terminal: code points, wide East Asian ones twice. */
static int display_width(struct span s)
{
    int width = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c & 0xc0) != 0x80)
            width += c >= 0xe3 && c <= 0xed ? 2 : 1; /* U+3000..U+D7FF: CJK, kana, Hangul */
    }
    return width;
}

static enum err cell_text(struct output *o, const struct output_value *v, struct span *out)
{
    struct buf raw, safe;
    enum err e;

    buf_init(&raw, MAX_BUFFER);
    buf_init(&safe, MAX_BUFFER);
    e = put_plain(&raw, v);
    if (!e)
        e = log_escape(&safe, buf_span(&raw));
    if (!e)
        e = arena_try_copy(&o->mem, buf_span(&safe), out);
    buf_clear(&raw);
    buf_clear(&safe);
    return e;
}

static enum err put_cells(struct output *o, const struct span *cells)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < o->n_columns; i++) {
        int pad = MAX(0, o->widths[i] - display_width(cells[i]));
        bool is_last = i + 1 == o->n_columns;

        if (o->is_number[i])
            e = buf_printf(&o->out, "%*s", pad, "");
        if (!e)
            e = buf_append(&o->out, cells[i]);
        if (!e && !is_last)
            e = buf_printf(&o->out, "%*s", (o->is_number[i] ? 0 : pad) + 2, "");
    }
    return e ? e : buf_append_byte(&o->out, '\n');
}

static enum err put_held(struct output *o)
{
    enum err e;

    for (size_t i = 0; i < o->n_columns; i++) {
        o->widths[i] = display_width(o->columns[i]);
        for (size_t r = 0; r < o->n_held; r++)
            o->widths[i] = MAX(o->widths[i],
                               MIN(WIDEST_COLUMN, display_width(o->held[r * o->n_columns + i])));
    }
    o->has_widths = true;
    e = put_cells(o, o->columns);
    for (size_t i = 0; !e && i < o->n_columns; i++) {
        for (int k = 0; !e && k < o->widths[i]; k++)
            e = buf_append_byte(&o->out, '-');
        if (!e)
            e = buf_append(&o->out, i + 1 < o->n_columns ? SPAN("  ") : SPAN("\n"));
    }
    for (size_t r = 0; !e && r < o->n_held; r++)
        e = put_cells(o, &o->held[r * o->n_columns]);
    o->n_held = 0;
    return e;
}

static enum err table_row(struct output *o, const struct output_value *values)
{
    struct span *cells = &o->held[o->n_held * o->n_columns];
    enum err e = OK;

    for (size_t i = 0; !e && i < o->n_columns; i++) {
        if (!o->has_widths && values[i].type != OUTPUT_NULL)
            o->is_number[i] = values[i].type == OUTPUT_INTEGER || values[i].type == OUTPUT_REAL;
        e = cell_text(o, &values[i], &cells[i]);
    }
    if (e)
        return e;
    if (!o->has_widths && ++o->n_held < HELD_ROWS)
        return OK;
    return o->has_widths ? put_cells(o, cells) : put_held(o);
}

/* --- both ---------------------------------------------------------------------------------------- */

enum err output_row(struct output *o, const struct output_value *values)
{
    enum err e = OK;

    if (!o->n_rows)
        e = put_header(o);
    if (!e)
        e = o->format == OUTPUT_TABLE ? table_row(o, values) : put_row(o, values);
    o->n_rows++;
    return e ? e : flush(o, BLOCK);
}

enum err output_finish(struct output *o)
{
    enum err e = o->n_rows ? OK : put_header(o);

    if (!e && o->format == OUTPUT_TABLE && !o->has_widths)
        e = put_held(o);
    if (!e && o->format == OUTPUT_JSON)
        e = buf_append(&o->out, o->n_rows ? SPAN("\n]\n") : SPAN("]\n"));
    return e ? e : flush(o, 0);
}
