/* SPDX-License-Identifier: MIT */
#include "crawler/output.h"

#include <math.h>
#include <unistd.h>

#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"

#define HELD_ROWS     1000
#define WIDEST_COLUMN 60
#define BLOCK         ((size_t)64 * 1024)
#define MAX_BUFFER    ((size_t)256 * MIB)

struct output {
    enum output_format format;
    int fd;
    bool is_terminal; /* text must be harmless in every format, not only exact */
    size_t n_columns, n_rows;
    struct span *columns;
    struct buf out;
    /* The table format: cells held until the widths are known. */
    struct arena mem;
    struct arena row_mem; /* cells of one row, once the widths are known */
    struct span *held;    /* HELD_ROWS * n_columns cells */
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

struct output *output_new(enum output_format format, int fd, const struct span *columns,
                          size_t n)
{
    struct output *o = mem_alloc(sizeof *o);

    o->format = format;
    o->fd = fd;
    o->is_terminal = isatty(fd);
    o->n_columns = n;
    arena_init(&o->mem, MAX_BUFFER);
    arena_init(&o->row_mem, MAX_BUFFER);
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
    arena_clear(&o->row_mem);
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
    case OUTPUT_NULL: return OK;
    case OUTPUT_INTEGER: return buf_printf(out, "%lld", (long long)v->integer);
    case OUTPUT_REAL: return buf_printf(out, "%.15g", v->real);
    case OUTPUT_TEXT: return buf_append(out, v->text);
    case OUTPUT_BLOB: return put_hex(out, v->text);
    }
    return ERR_INVALID;
}

/* The code point of the valid sequence of len bytes at p. */
static uint32_t code_point(const unsigned char *p, size_t len)
{
    uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);

    for (size_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* The length of the valid UTF-8 sequence at the start of s, or 0. */
static size_t sequence_length(struct span s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return len <= s.len && span_is_utf8(span_make(s.ptr, len)) ? len : 0;
}

/* C1 controls and what turns the direction of text: legal in JSON, but it may end on a terminal. */
static bool must_escape(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* RFC 8259. Bytes that are no UTF-8 come as U+FFFD each. */
static enum err put_json_text(struct buf *out, struct span s)
{
    enum err e = buf_append_byte(out, '"');

    while (!e && s.len) {
        size_t len = sequence_length(s);
        uint32_t c = len ? code_point((const unsigned char *)s.ptr, len) : 0xfffd;

        if (c == '"' || c == '\\')
            e = buf_printf(out, "\\%c", (char)c);
        else if (!len || must_escape(c))
            e = buf_printf(out, "\\u%04x", c);
        else
            e = buf_append(out, span_make(s.ptr, len));
        s = span_skip(s, MAX(len, (size_t)1));
    }
    return e ? e : buf_append_byte(out, '"');
}

static enum err put_json(struct buf *out, const struct output_value *v)
{
    enum err e;

    switch (v->type) {
    case OUTPUT_NULL: return buf_append(out, SPAN("null"));
    case OUTPUT_TEXT: return put_json_text(out, v->text);
    case OUTPUT_REAL:
        if (!isfinite(v->real)) /* JSON has no word for it */
            return buf_append(out, SPAN("null"));
        return put_plain(out, v);
    case OUTPUT_BLOB:
        e = buf_append_byte(out, '"');
        e = e ? e : put_hex(out, v->text);
        return e ? e : buf_append_byte(out, '"');
    default: return put_plain(out, v);
    }
}

/* RFC 4180 quoting; a cell that a spreadsheet would run as a formula is disarmed (OWASP CSV injection). */
static enum err put_csv(struct buf *out, const struct output_value *v)
{
    enum err e;

    if (v->type != OUTPUT_TEXT)
        return put_plain(out, v);
    e = buf_append_byte(out, '"');
    if (!e && v->text.len && memchr("=+-@\t\r", v->text.ptr[0], 6))
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
            e = buf_printf(out, "\\%c",
                           c == '\t'   ? 't'
                           : c == '\n' ? 'n'
                           : c == '\r' ? 'r'
                                       : '\\');
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

static enum err put_terminal(struct buf *out, const struct output_value *v,
                             enum err (*put)(struct buf *out,
                                             const struct output_value *v))
{
    struct output_value safe = *v;
    struct buf text;
    enum err e;

    buf_init(&text, MAX_BUFFER);
    e = log_escape(&text, v->text);
    safe.text = buf_span(&text);
    if (!e)
        e = put(out, &safe);
    buf_clear(&text);
    return e;
}

/* --- rows of the streaming formats ------------------------------------------------------ */

static enum err put_separated(struct output *o, const struct output_value *values,
                              const char *between,
                              enum err (*put)(struct buf *out,
                                              const struct output_value *v))
{
    enum err e = OK;

    for (size_t i = 0; !e && i < o->n_columns; i++) {
        if (i)
            e = buf_append(&o->out, span_str(between));
        if (!e)
            e = o->is_terminal && values[i].type == OUTPUT_TEXT
                    ? put_terminal(&o->out, &values[i], put)
                    : put(&o->out, &values[i]);
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
    struct output_value *names =
        arena_try_array(&o->mem, o->n_columns + 1, sizeof *names);
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
    case OUTPUT_JSON: return buf_append_byte(&o->out, '[');
    case OUTPUT_MARKDOWN:
        e = buf_append(&o->out, SPAN("| "));
        e = e ? e : put_separated(o, names, " | ", put_markdown);
        e = e ? e : buf_append(&o->out, SPAN(" |\n|"));
        for (size_t i = 0; !e && i < o->n_columns; i++)
            e = buf_append(&o->out, SPAN(" --- |"));
        return e ? e : buf_append_byte(&o->out, '\n');
    default: return OK;
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
    case OUTPUT_TABLE: break;
    }
    return ERR_INVALID;
}

/* --- the table ------------------------------------------------------------------------------- */

/* Columns that a character takes on a terminal, after Unicode's East Asian Width; combining ones take none. */
static int character_width(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        int width;
    } ranges[] = {
        { 0x0300, 0x036f, 0 },   { 0x0591, 0x05bd, 0 },   { 0x064b, 0x065f, 0 },
        { 0x0e34, 0x0e3a, 0 },   { 0x0e47, 0x0e4e, 0 },   { 0x1100, 0x115f, 2 },
        { 0x1ab0, 0x1aff, 0 },   { 0x1dc0, 0x1dff, 0 },   { 0x20d0, 0x20ff, 0 },
        { 0x2e80, 0x3029, 2 },   { 0x302a, 0x302d, 0 },   { 0x302e, 0x303e, 2 },
        { 0x3041, 0x3096, 2 },   { 0x3099, 0x309a, 0 },   { 0x309b, 0xa4cf, 2 },
        { 0xa960, 0xa97f, 2 },   { 0xac00, 0xd7a3, 2 },   { 0xf900, 0xfaff, 2 },
        { 0xfe00, 0xfe0f, 0 },   { 0xfe20, 0xfe2f, 0 },   { 0xfe30, 0xfe6f, 2 },
        { 0xff01, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },   { 0x1f1e6, 0x1f1ff, 1 },
        { 0x1f300, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1f9ff, 2 },
        { 0x20000, 0x3fffd, 2 }, { 0xe0100, 0xe01ef, 0 },
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return ranges[i].width;
    return 1;
}

static int display_width(struct span s)
{
    int width = 0;

    while (s.len) {
        size_t len = sequence_length(s);

        width +=
            len ? character_width(code_point((const unsigned char *)s.ptr, len)) : 1;
        s = span_skip(s, MAX(len, (size_t)1));
    }
    return width;
}

/* The value as it may stand in a table, in mem. */
static enum err cell_text(struct arena *mem, const struct output_value *v,
                          struct span *out)
{
    struct buf raw, safe;
    enum err e;

    buf_init(&raw, MAX_BUFFER);
    buf_init(&safe, MAX_BUFFER);
    e = put_plain(&raw, v);
    if (!e)
        e = log_escape(&safe, buf_span(&raw));
    if (!e)
        e = arena_try_copy(mem, buf_span(&safe), out);
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
    enum err e = OK;

    for (size_t i = 0; !e && i < o->n_columns; i++) {
        struct output_value name = { .type = OUTPUT_TEXT, .text = o->columns[i] };

        e = cell_text(&o->mem, &name, &o->columns[i]);
        o->widths[i] = display_width(o->columns[i]);
        for (size_t r = 0; r < o->n_held; r++)
            o->widths[i] =
                MAX(o->widths[i],
                    MIN(WIDEST_COLUMN, display_width(o->held[r * o->n_columns + i])));
    }
    o->has_widths = true;
    if (!e)
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
    struct arena *mem = o->has_widths ? &o->row_mem : &o->mem;
    enum err e = OK;

    arena_reset(&o->row_mem);
    for (size_t i = 0; !e && i < o->n_columns; i++) {
        if (!o->has_widths && values[i].type != OUTPUT_NULL)
            o->is_number[i] =
                values[i].type == OUTPUT_INTEGER || values[i].type == OUTPUT_REAL;
        e = cell_text(mem, &values[i], &cells[i]);
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
