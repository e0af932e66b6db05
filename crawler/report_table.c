/* SPDX-License-Identifier: MIT */
#include "crawler/report_table.h"

#include <string.h>

#include "crawler/figures.h"

#define N_PARAMS 4
#define MAX_WORD 64 /* bytes of a word of our own vocabulary */

/* Rows on their way into the table. */
struct writing {
    struct report_html *h;
    const struct report_table *table;
    const struct report_totals *known;
    struct report_totals totals;
    bool is_open;
    int64_t group, members, listed; /* of the row that is open; listed 0: none */
};

/* --- cells ------------------------------------------------------------------------- */

static void put_number(struct report_html *h, const struct reader_value *v,
                       char *(*format)(int64_t, char[FIGURES_SIZE]))
{
    char text[FIGURES_SIZE];

    report_html_put(h, v->type == READER_INTEGER ? format(v->integer, text) : "\u2013");
}

static void put_word(struct report_html *h, struct span word)
{
    char text[MAX_WORD];
    size_t n = MIN(word.len, sizeof text);

    for (size_t i = 0; i < n; i++)
        text[i] = word.ptr[i] == '_' || word.ptr[i] == '-' ? ' ' : word.ptr[i];
    report_html_text(h, span_make(text, n), sizeof text);
}

static void put_status(struct report_html *h, const struct reader_value *v)
{
    if (v->type == READER_INTEGER) {
        const char *tone = v->integer >= 500   ? "bad"
                           : v->integer >= 400 ? "warn"
                           : v->integer >= 300 ? "moved"
                                               : "ok";

        report_html_format(h, "<span class=\"pill p-%s\">%lld</span>", tone,
                           (long long)v->integer);
    } else if (v->type == READER_TEXT) {
        report_html_put(h, "<span class=\"pill p-bad\">");
        put_word(h, v->text);
        report_html_put(h, "</span>");
    } else {
        report_html_put(h, "\u2013");
    }
}

static void put_path(struct report_html *h, struct span path)
{
    report_html_put(h, "<ol class=hops>");
    for (struct span rest = path; rest.len;) {
        size_t at = span_find_span(rest, SPAN(" -> "));

        report_html_put(h, "<li>");
        report_html_url(h, span_slice(rest, 0, at));
        report_html_put(h, "</li>");
        rest = span_skip(rest, at + 4);
    }
    report_html_put(h, "</ol>");
}

static void put_text(struct report_html *h, const struct reader_value *v)
{
    if (v->type == READER_INTEGER)
        report_html_format(h, "%lld", (long long)v->integer);
    else if (v->type == READER_TEXT && v->text.len) {
        report_html_put(h, "<bdi>");
        report_html_text(h, v->text, REPORT_HTML_CLIP);
        report_html_put(h, "</bdi>");
    } else {
        report_html_put(h, "\u2013");
    }
}

static void put_value(struct report_html *h, enum report_cell kind,
                      const struct reader_value *v)
{
    switch (kind) {
    case REPORT_TEXT: put_text(h, v); break;
    case REPORT_URL: report_html_url(h, v->text); break;
    case REPORT_COUNT: put_number(h, v, figures_count); break;
    case REPORT_BYTES: put_number(h, v, figures_bytes); break;
    case REPORT_MS: put_number(h, v, figures_duration); break;
    case REPORT_MOMENT: put_number(h, v, figures_moment); break;
    case REPORT_STATUS: put_status(h, v); break;
    case REPORT_WORD: put_word(h, v->text); break;
    case REPORT_REAL:
        report_html_format(h, "%.1f", v->type == READER_REAL ? MIN(v->real, 1e15) : 0);
        break;
    case REPORT_QUOTE:
        report_html_put(h, "\u201c");
        put_text(h, v);
        report_html_put(h, "\u201d");
        break;
    case REPORT_PATH: put_path(h, v->text); break;
    }
}

static bool is_number(enum report_cell kind)
{
    return kind == REPORT_COUNT || kind == REPORT_BYTES || kind == REPORT_MS ||
           kind == REPORT_REAL;
}

/* The class keeps words and figures in one line and gives URLs the room. */
static const char *class_of(enum report_cell kind)
{
    return is_number(kind)                             ? " class=n"
           : kind == REPORT_URL || kind == REPORT_PATH ? " class=w"
           : kind == REPORT_TEXT                       ? " class=t"
                                                       : " class=s";
}

/* data-h: the heading, shown beside the value where rows are stacked on narrow pages. */
static void put_cell(struct report_html *h, const struct report_column *column,
                     const struct reader_value *v)
{
    report_html_format(h, "<td%s data-h=\"%s\"><div>", class_of(column->kind),
                       column->heading);
    put_value(h, column->kind, v);
    report_html_put(h, "</div></td>");
}

/* --- the table --------------------------------------------------------------------- */

static void put_heading(struct report_html *h, const char *heading, const char *class)
{
    report_html_format(h, "<th scope=col%s>%s</th>", class, heading);
}

static void open_section(struct report_html *h, const struct report_table *t)
{
    report_html_format(
        h,
        "<section class=block id=%s aria-labelledby=%s-h><h2 id=%s-h>%s</h2>"
        "<p class=about>%s</p>\n",
        t->id, t->id, t->id, t->heading, t->about);
}

static void put_totals(struct writing *w)
{
    char text[FIGURES_SIZE];

    report_html_put(w->h, "<dl class=totals>");
    for (size_t i = 0; i < REPORT_TABLE_TOTALS && w->table->totals[i]; i++)
        report_html_format(w->h, "<div><dt>%s</dt><dd>%s</dd></div>",
                           w->table->totals[i], figures_count(w->totals.n[i], text));
    report_html_put(w->h, "</dl>\n");
}

static void open_table(struct writing *w)
{
    const struct report_table *t = w->table;

    w->is_open = true;
    put_totals(w);
    report_html_format(w->h,
                       "<div class=scroll role=region tabindex=0 aria-labelledby=%s-h>"
                       "<table><thead><tr>",
                       t->id);
    for (size_t i = 0; i < t->n_columns; i++)
        put_heading(w->h, t->columns[i].heading, class_of(t->columns[i].kind));
    if (t->count_heading) {
        put_heading(w->h, t->count_heading, " class=n");
        put_heading(w->h, t->members[0].heading, " class=w");
    }
    report_html_put(w->h, "</tr></thead><tbody>\n");
}

static void close_group(struct writing *w)
{
    char text[FIGURES_SIZE];

    if (!w->listed)
        return;
    if (w->members > w->listed)
        report_html_format(w->h, "<li class=more>and %s more</li>",
                           figures_count(w->members - w->listed, text));
    report_html_put(w->h, "</ul></td></tr>\n");
    w->listed = 0;
}

/* v: the group's id, its members, its columns. */
static void open_group(struct writing *w, const struct reader_value *v)
{
    const struct report_table *t = w->table;

    w->group = v[0].integer;
    w->members = v[1].integer;
    report_html_put(w->h, "<tr>");
    for (size_t i = 0; i < t->n_columns; i++)
        put_cell(w->h, &t->columns[i], &v[2 + i]);
    put_cell(w->h, &(struct report_column){ t->count_heading, REPORT_COUNT }, &v[1]);
    report_html_format(w->h, "<td class=w data-h=\"%s\"><ul class=members>",
                       t->members[0].heading);
    w->totals.n_rows++;
}

static void put_member(struct writing *w, const struct reader_value *v)
{
    const struct report_table *t = w->table;

    report_html_put(w->h, "<li>");
    put_value(w->h, t->members[0].kind, &v[0]);
    for (size_t i = 1; i < t->n_members; i++) {
        if (v[i].type == READER_NULL || !v[i].text.len)
            continue;
        report_html_format(w->h, "<span class=note>%s ", t->members[i].heading);
        put_value(w->h, t->members[i].kind, &v[i]);
        report_html_put(w->h, "</span>");
    }
    report_html_put(w->h, "</li>");
    w->listed++;
}

static enum err on_row(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    struct writing *w = arg;
    const struct report_table *t = w->table;
    size_t n_totals = 0;

    (void)columns;
    while (!w->known && n_totals < REPORT_TABLE_TOTALS && t->totals[n_totals])
        n_totals++;
    BUG_IF(n != n_totals + (t->count_heading ? 2 + t->n_members : 0) + t->n_columns);
    if (!values)
        return OK;
    for (size_t i = 0; i < n_totals; i++) /* total() gives a REAL */
        w->totals.n[i] =
            values[i].type == READER_REAL ? (int64_t)values[i].real : values[i].integer;
    if (!w->is_open)
        open_table(w);
    values += n_totals;
    if (!t->count_heading) {
        report_html_put(w->h, "<tr>");
        for (size_t i = 0; i < n - n_totals; i++)
            put_cell(w->h, &t->columns[i], &values[i]);
        report_html_put(w->h, "</tr>\n");
        w->totals.n_rows++;
    } else {
        if (w->listed && w->group != values[0].integer)
            close_group(w);
        if (!w->listed)
            open_group(w, values);
        put_member(w, values + 2 + t->n_columns);
    }
    return w->h->e;
}

static void close_table(struct writing *w)
{
    const struct report_table *t = w->table;
    char text[FIGURES_SIZE];

    close_group(w);
    report_html_format(w->h, "</tbody></table></div>\n<p class=rest>%s: %s.", t->shown,
                       figures_count((int64_t)w->totals.n_rows, text));
    if (t->rest)
        report_html_format(w->h, " %s", t->rest);
    report_html_put(w->h, "</p>\n");
}

void report_table_none(struct report_html *h, const struct report_table *table)
{
    open_section(h, table);
    report_html_format(h, "<p class=none>%s</p>\n</section>\n", table->none);
}

enum err report_table_put(struct report_html *h, struct reader *r,
                          const struct report_table *table, const struct span *params,
                          const struct report_totals *known, struct report_totals *out,
                          struct err_note *note)
{
    struct writing w = { .h = h, .table = table, .known = known };
    enum err e;

    if (known)
        w.totals = *known;
    w.totals.n_rows = 0;
    open_section(h, table);
    e = reader_query(r, span_str(reader_find_part(table->part)->sql), params, N_PARAMS,
                     on_row, &w, note);
    if (w.is_open)
        close_table(&w);
    else
        report_html_format(h, "<p class=none>%s</p>\n", table->none);
    report_html_put(h, "</section>\n");
    *out = w.totals;
    return e;
}
