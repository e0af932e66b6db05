/* SPDX-License-Identifier: MIT */
#include "crawler/dossier.h"

#include "config/log.h"
#include "crawler/output.h"
#include "crawler/width.h"
#include "parse/json_text.h"

#define FIRST_ROWS  "10"
#define NAME_WIDTH  16
#define VALUE_LINES 4 /* of the terminal, that a value takes at most */
#define MAX_OUTPUT  ((size_t)256 * MIB)
#define MAX_COLUMNS 64
#define MAX_DEPTH   64 /* of JSON that is taken over as it stands */

struct dossier {
    const struct dossier_options *o;
    struct pager *pager;
    struct output *rows; /* of the present part */
    const struct reader_part *part;
    size_t n_rows, n_parts;
    int64_t total;
    bool has_total;
    struct buf out;
};

static struct output_value value_of(const struct reader_value *v)
{
    static const enum output_type types[] = { OUTPUT_NULL, OUTPUT_INTEGER, OUTPUT_REAL,
                                              OUTPUT_TEXT, OUTPUT_BLOB };

    return (struct output_value){ types[v->type], v->integer, v->real, v->text };
}

static enum err flush(struct dossier *d)
{
    enum err e = pager_write(d->pager, buf_span(&d->out));

    buf_reset(&d->out);
    return e;
}

/* --- for people ------------------------------------------------------------------------ */

/* A value as it may stand on a terminal; cut there, unless all is wanted. */
static enum err put_value(struct dossier *d, struct span raw)
{
    const struct terminal *t = pager_terminal(d->pager);
    int room = t->columns * VALUE_LINES - NAME_WIDTH - 2;
    struct span value;
    struct buf shown;
    enum err e;

    buf_init(&shown, MAX_OUTPUT);
    e = log_escape(&shown, raw);
    value = buf_span(&shown);
    if (!e && t->is_terminal && !d->o->has_all && width_of(value) > room) {
        e = buf_append(&d->out, span_slice(value, 0, width_prefix(value, room - 1)));
        value = SPAN("…");
    }
    if (!e)
        e = buf_append(&d->out, value);
    buf_clear(&shown);
    return e;
}

/* One value a line; what is not set is left out. */
static enum err put_line(struct dossier *d, struct span name,
                         const struct reader_value *v)
{
    struct output_value value = value_of(v);
    struct buf raw;
    enum err e;

    if (v->type == READER_NULL || (v->type == READER_TEXT && !v->text.len))
        return OK;
    buf_init(&raw, MAX_OUTPUT);
    e = buf_append(&d->out, SPAN("  "));
    if (!e)
        e = terminal_put(&d->out, pager_terminal(d->pager), STYLE_DIM, name);
    if (!e)
        e = buf_printf(&d->out, "%*s", MAX(1, NAME_WIDTH - width_of(name)), "");
    if (!e)
        e = cell_put_plain(&raw, &value);
    if (!e)
        e = put_value(d, buf_span(&raw));
    buf_clear(&raw);
    return e ? e : buf_append_byte(&d->out, '\n');
}

static enum err put_title(struct dossier *d)
{
    struct buf title;
    enum err e = OK;

    if (!d->part->title)
        return OK;
    buf_init(&title, 1024);
    e = buf_printf(&title, "%s", d->part->title);
    if (!e && d->has_total)
        e = buf_printf(&title, " (%lld)", (long long)d->total);
    if (!e)
        e = buf_append_byte(&d->out, '\n');
    if (!e)
        e = terminal_put(&d->out, pager_terminal(d->pager), STYLE_BOLD,
                         buf_span(&title));
    buf_clear(&title);
    return e ? e : buf_append_byte(&d->out, '\n');
}

/* What goes without saying; programs get it all. */
static bool is_plain(struct span name, const struct reader_value *v, struct span url)
{
    static const char *const counts[] = { "retries", "priority", "redirects" };

    if (span_eq(name, SPAN("key")))
        return v->type == READER_TEXT && span_eq(v->text, url);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        if (span_eq(name, span_str(counts[i])))
            return v->type == READER_INTEGER && !v->integer;
    return false;
}

static enum err put_record(struct dossier *d, const struct span *columns,
                           const struct reader_value *values, size_t n)
{
    enum err e = put_title(d);

    for (size_t i = 0; !e && i < n; i++)
        if (!is_plain(columns[i], &values[i], values[0].text))
            e = put_line(d, columns[i], &values[i]);
    return e ? e : flush(d);
}

static enum err put_table_row(struct dossier *d, const struct span *columns,
                              const struct reader_value *values, size_t n)
{
    struct output_value cells[MAX_COLUMNS];
    size_t skip = d->has_total ? 1 : 0;
    enum err e = OK;

    if (!d->rows) {
        e = put_title(d);
        if (!e)
            e = flush(d);
        d->rows = output_new_paged(OUTPUT_TABLE, d->pager, columns + skip, n - skip);
        output_set_countless(d->rows);
    }
    for (size_t i = skip; i < n; i++)
        cells[i - skip] = value_of(&values[i]);
    return e ? e : output_row(d->rows, cells);
}

static enum err end_table(struct dossier *d)
{
    size_t n = d->n_rows;
    enum err e;

    if (!d->rows)
        return OK;
    e = output_finish(d->rows);
    output_free(d->rows);
    d->rows = NULL;
    if (e || !d->has_total || (int64_t)n >= d->total)
        return e;
    e = buf_printf(&d->out, "... %lld more: --all shows them\n",
                   (long long)(d->total - (int64_t)n));
    return e ? e : flush(d);
}

/* --- for programs ------------------------------------------------------------------------- */

/* What is JSON in the database is taken over as it stands, but for what a terminal must not see. */
static bool is_json(struct span name, const struct reader_value *v)
{
    return v->type == READER_TEXT && span_eq(name, SPAN("facts")) &&
           json_text_is_value(v->text, MAX_DEPTH);
}

static enum err put_json(struct dossier *d, struct span json)
{
    struct buf compact;
    enum err e;

    buf_init(&compact, MAX_OUTPUT);
    e = json_text_put_compact(json, &compact);
    if (!e)
        e = cell_put_json_value(&d->out, buf_span(&compact));
    buf_clear(&compact);
    return e;
}

static enum err put_object(struct dossier *d, const struct span *columns,
                           const struct reader_value *values, size_t n)
{
    size_t first = d->has_total ? 1 : 0;
    enum err e = buf_append_byte(&d->out, '{');

    for (size_t i = first; !e && i < n; i++) {
        struct output_value value = value_of(&values[i]);

        if (i > first)
            e = buf_append_byte(&d->out, ',');
        if (!e)
            e = cell_put_json_text(&d->out, columns[i]);
        if (!e)
            e = buf_append_byte(&d->out, ':');
        if (!e)
            e = is_json(columns[i], &values[i])
                    ? put_json(d, values[i].text)
                    : cell_put_json(&d->out, &value);
    }
    return e ? e : buf_append_byte(&d->out, '}');
}

static enum err begin_member(struct dossier *d)
{
    return buf_printf(&d->out, "%s\"%s\":%s", d->n_parts++ ? "," : "{", d->part->name,
                      d->part->is_record ? "" : "[");
}

static enum err end_member(struct dossier *d)
{
    enum err e = OK;

    if (d->part->is_record)
        e = d->n_rows ? OK : buf_append(&d->out, SPAN("null"));
    else
        e = buf_append_byte(&d->out, ']');
    if (!e && d->has_total)
        e = buf_printf(&d->out, ",\"%s_total\":%lld", d->part->name,
                       (long long)d->total);
    return e ? e : flush(d);
}

/* --- parts ----------------------------------------------------------------------------------- */

static enum err on_row(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    struct dossier *d = arg;
    enum err e = OK;

    BUG_IF(n > MAX_COLUMNS);
    if (!values) {
        d->has_total = span_eq(columns[0], SPAN("total"));
        return OK;
    }
    if (d->has_total)
        d->total = values[0].integer;
    if (!d->o->is_json)
        e = d->part->is_record ? put_record(d, columns, values, n)
                               : put_table_row(d, columns, values, n);
    else if (d->n_rows)
        e = buf_append_byte(&d->out, ',');
    if (!e && d->o->is_json)
        e = put_object(d, columns, values, n);
    d->n_rows++;
    return e;
}

static enum err print_part(struct dossier *d, struct reader *r, struct span id,
                           struct err_note *note)
{
    struct span params[] = { id, d->o->has_all ? SPAN("-1") : SPAN(FIRST_ROWS) };
    enum err e = d->o->is_json ? begin_member(d) : OK;

    d->n_rows = 0;
    d->total = 0;
    if (!e)
        e = reader_query(r, span_str(d->part->sql), params,
                         strstr(d->part->sql, "?2") ? 2 : 1, on_row, d, note);
    if (!e)
        e = d->o->is_json ? end_member(d) : end_table(d);
    return e;
}

enum err dossier_print(struct reader *r, struct span id,
                       const struct dossier_options *o, struct pager *pager,
                       struct err_note *note)
{
    struct dossier d = { .o = o, .pager = pager };
    enum err e = OK;

    buf_init(&d.out, MAX_OUTPUT);
    for (d.part = reader_parts; !e && d.part->name; d.part++)
        e = print_part(&d, r, id, note);
    if (!e && o->is_json)
        e = pager_write(pager, SPAN("}\n"));
    output_free(d.rows);
    buf_clear(&d.out);
    return e;
}
