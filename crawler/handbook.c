/* SPDX-License-Identifier: MIT */
#include "crawler/handbook.h"

/* docs/schema.md as schema_md, its end marked by a 0. */
#include "schema_md.inc"

#define VIEW_COLUMNS SPAN("Columns of views")

struct span handbook_text(void)
{
    return span_make(schema_md, sizeof schema_md - 1);
}

/* --- headings -------------------------------------------------------------------------- */

/* The part under the heading line that begins so ("### urls"), up to one of its level or above. */
static struct span under(struct span marks, struct span title, struct span *out_rest)
{
    struct span text = handbook_text(), line;
    const char *from = NULL;

    while (span_split(&text, '\n', &line)) {
        size_t level = 0;

        while (level < line.len && line.ptr[level] == '#')
            level++;
        if (from && level && level <= marks.len)
            return span_make(from, (size_t)(line.ptr - from));
        if (from || level != marks.len)
            continue;
        line = span_trim(span_skip(line, level));
        if (!span_starts(line, title) ||
            (line.len > title.len && line.ptr[title.len] != ':'))
            continue;
        *out_rest = span_trim(span_skip(line, title.len + 1));
        from = text.ptr;
    }
    return from ? span_make(from, (size_t)(text.ptr + text.len - from)) : SPAN_NONE;
}

static struct span section(struct span name, struct span *out_about)
{
    *out_about = SPAN_NONE;
    return under(SPAN("###"), name, out_about);
}

struct span handbook_chapter(struct span title)
{
    struct span rest;

    return span_trim(under(SPAN("##"), title, &rest));
}

struct span handbook_preamble(void)
{
    struct span text = handbook_text();
    size_t from = span_find(text, '\n');

    return span_trim(span_slice(text, from, span_find_span(text, SPAN("\n## "))));
}

/* --- tables of Markdown ------------------------------------------------------------------- */

/* A row's two cells. Heads and rules are rows as well, of names that no column has. */
static bool read_row(struct span line, struct span *out_names, struct span *out_text)
{
    size_t middle;

    if (!span_starts(line, SPAN("| ")))
        return false;
    line = span_skip(line, 2);
    middle = span_find_span(line, SPAN(" | "));
    if (middle == line.len)
        return false;
    *out_names = span_slice(line, 0, middle);
    line = span_trim(span_skip(line, middle + 3));
    if (span_ends(line, SPAN("|")))
        line.len--;
    *out_text = span_trim(line);
    return true;
}

static bool has_name(struct span names, struct span name)
{
    struct span one;

    while (span_split(&names, ',', &one))
        if (span_eq(span_trim(one), name))
            return true;
    return false;
}

static bool find_row(struct span part, struct span name, struct span *out)
{
    struct span line, names, text;

    while (span_split(&part, '\n', &line))
        if (read_row(line, &names, &text) && has_name(names, name)) {
            *out = text;
            return true;
        }
    return false;
}

/* --- names --------------------------------------------------------------------------------- */

bool handbook_about(struct span table, struct span *out)
{
    struct span about, views = handbook_chapter(SPAN("Views"));

    if (!table.len || span_eq(table, VIEW_COLUMNS))
        return false;
    if (section(table, &about).ptr) {
        *out = about;
        return true;
    }
    if (span_starts(table, SPAN("extract_")))
        table = SPAN("extract_NAME");
    return find_row(span_slice(views, 0, span_find_span(views, SPAN("\n### "))), table,
                    out);
}

struct span handbook_remark(struct span table)
{
    struct span about, part = section(table, &about), rest = part, line;

    while (span_split(&rest, '\n', &line))
        if (span_starts(line, SPAN("|")))
            return span_trim(span_make(part.ptr, (size_t)(line.ptr - part.ptr)));
    return span_trim(part);
}

struct span handbook_column(struct span table, struct span column)
{
    struct span about, text = SPAN_NONE;

    if (find_row(section(table, &about), column, &text) && text.len)
        return text;
    if (span_eq(table, SPAN("page_history")))
        find_row(section(SPAN("pages"), &about), column, &text);
    else if (!section(table, &about).ptr &&
             !find_row(section(VIEW_COLUMNS, &about), column, &text))
        find_row(handbook_chapter(SPAN("Tables")), column, &text);
    return text;
}

/* "**urls.reason**, for `excluded`: `scope`, ..." up to the empty line. */
struct span handbook_words(struct span table, struct span column)
{
    struct span rest = handbook_text(), line;

    while (span_split(&rest, '\n', &line)) {
        struct span name = span_skip(line, 2), text;
        size_t dot = span_find(name, '.'), end = span_find_span(name, SPAN("**"));

        if (!span_starts(line, SPAN("**")) || end == name.len || dot > end ||
            !span_eq(span_slice(name, 0, dot), table) ||
            !span_eq(span_slice(name, dot + 1, end), column))
            continue;
        text = span_make(name.ptr, (size_t)(rest.ptr + rest.len - name.ptr));
        text = span_slice(text, end + 2, span_find_span(text, SPAN("\n\n")));
        while (text.len &&
               (text.ptr[0] == ':' || text.ptr[0] == ',' || text.ptr[0] == ' '))
            text = span_skip(text, 1);
        return text;
    }
    return SPAN_NONE;
}
