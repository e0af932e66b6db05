/* SPDX-License-Identifier: MIT */
#include "crawler/output.h"

#include "config/io.h"
#include "config/mem.h"
#include "crawler/table.h"

#define BLOCK      ((size_t)64 * 1024)
#define MAX_BUFFER ((size_t)256 * MIB)

struct output {
    enum output_format format;
    int fd;
    struct pager *pager; /* or NULL: straight to fd */
    struct terminal
        terminal; /* text must be harmless on one in every format, not only exact */
    size_t n_columns, n_rows;
    struct span *columns;
    struct arena mem;
    struct buf out;
    struct table *table; /* of that format only */
};

static enum err flush(struct output *o, size_t at_least)
{
    enum err e = OK;

    if (o->out.len > at_least) {
        e = o->pager ? pager_write(o->pager, buf_span(&o->out))
                     : io_write_all(o->fd, buf_span(&o->out));
        buf_reset(&o->out);
    }
    return e;
}

static struct output *make(enum output_format format, const struct terminal *terminal,
                           const struct span *columns, size_t n)
{
    struct output *o = mem_alloc(sizeof *o);

    o->format = format;
    o->terminal = *terminal;
    o->n_columns = n;
    arena_init(&o->mem, MAX_BUFFER);
    buf_init(&o->out, MAX_BUFFER);
    o->columns = mem_array(n + 1, sizeof *o->columns);
    for (size_t i = 0; i < n; i++)
        o->columns[i] = arena_copy(&o->mem, columns[i]);
    if (format == OUTPUT_TABLE)
        o->table = table_new(o->columns, n, terminal);
    return o;
}

struct output *output_new(enum output_format format, int fd, const struct span *columns,
                          size_t n)
{
    struct terminal terminal = terminal_of(fd);
    struct output *o = make(format, &terminal, columns, n);

    io_widen_pipe(fd);
    o->fd = fd;
    return o;
}

struct output *output_new_paged(enum output_format format, struct pager *pager,
                                const struct span *columns, size_t n)
{
    struct output *o = make(format, pager_terminal(pager), columns, n);

    o->pager = pager;
    return o;
}

void output_set_countless(struct output *o)
{
    if (o->table)
        table_set_countless(o->table);
}

void output_free(struct output *o)
{
    if (!o)
        return;
    table_free(o->table);
    mem_free(o->columns);
    buf_clear(&o->out);
    arena_clear(&o->mem);
    mem_free(o);
}

size_t output_count(const struct output *o)
{
    return o->n_rows;
}

/* --- rows of the streaming formats ------------------------------------------------------ */

static enum err put_separated(struct output *o, const struct output_value *values,
                              struct span between,
                              enum err (*put)(struct buf *out,
                                              const struct output_value *v))
{
    enum err e = OK;

    for (size_t i = 0; !e && i < o->n_columns; i++) {
        if (i)
            e = buf_append(&o->out, between);
        if (!e)
            e = o->terminal.is_terminal && values[i].type == OUTPUT_TEXT
                    ? cell_put_terminal(&o->out, &values[i], put)
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
            e = cell_put_json_text(&o->out, o->columns[i]);
        if (!e)
            e = buf_append_byte(&o->out, ':');
        if (!e)
            e = cell_put_json(&o->out, &values[i]);
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
        e = put_separated(o, names, SPAN(","), cell_put_csv);
        return e ? e : buf_append(&o->out, SPAN("\r\n"));
    case OUTPUT_TSV:
        e = put_separated(o, names, SPAN("\t"), cell_put_tsv);
        return e ? e : buf_append_byte(&o->out, '\n');
    case OUTPUT_JSON: return buf_append_byte(&o->out, '[');
    case OUTPUT_MARKDOWN:
        e = buf_append(&o->out, SPAN("| "));
        e = e ? e : put_separated(o, names, SPAN(" | "), cell_put_markdown);
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
        e = put_separated(o, values, SPAN(","), cell_put_csv);
        return e ? e : buf_append(&o->out, SPAN("\r\n"));
    case OUTPUT_TSV:
        e = put_separated(o, values, SPAN("\t"), cell_put_tsv);
        return e ? e : buf_append_byte(&o->out, '\n');
    case OUTPUT_JSON:
        e = buf_append(&o->out, o->n_rows ? SPAN(",\n ") : SPAN("\n "));
        return e ? e : put_object(o, values);
    case OUTPUT_JSONL:
        e = put_object(o, values);
        return e ? e : buf_append_byte(&o->out, '\n');
    case OUTPUT_MARKDOWN:
        e = buf_append(&o->out, SPAN("| "));
        e = e ? e : put_separated(o, values, SPAN(" | "), cell_put_markdown);
        return e ? e : buf_append(&o->out, SPAN(" |\n"));
    case OUTPUT_TABLE: break;
    }
    return ERR_INVALID;
}

/* --- both ---------------------------------------------------------------------------------------- */

enum err output_row(struct output *o, const struct output_value *values)
{
    enum err e = OK;

    if (!o->n_rows)
        e = put_header(o);
    if (!e)
        e = o->table ? table_row(o->table, values, &o->out) : put_row(o, values);
    o->n_rows++;
    return e ? e : flush(o, BLOCK);
}

enum err output_finish(struct output *o)
{
    enum err e = o->n_rows ? OK : put_header(o);

    if (!e && o->table)
        e = table_finish(o->table, &o->out);
    if (!e && o->format == OUTPUT_JSON)
        e = buf_append(&o->out, o->n_rows ? SPAN("\n]\n") : SPAN("]\n"));
    return e ? e : flush(o, 0);
}
