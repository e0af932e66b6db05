/* SPDX-License-Identifier: MIT */
#include "config/fill.h"

#define LEAST_HANGING 20 /* columns that a hanging text needs to be one */

static enum err put_spaces(struct buf *out, size_t n)
{
    enum err e = OK;

    while (!e && n--)
        e = buf_append_byte(out, ' ');
    return e;
}

enum err fill_words(struct buf *out, struct span text, size_t column, size_t indent, size_t columns)
{
    size_t at = column;
    bool is_first = true;
    struct span word;
    enum err e = OK;

    while (!e && span_split(&text, ' ', &word)) {
        if (!is_first && at + 1 + word.len > columns) {
            e = buf_append_byte(out, '\n');
            if (!e)
                e = put_spaces(out, indent);
            at = indent;
        } else if (!is_first) {
            e = buf_append_byte(out, ' ');
            at++;
        }
        if (!e)
            e = buf_append(out, word);
        at += word.len;
        is_first = false;
    }
    return e ? e : buf_append_byte(out, '\n');
}

static size_t margin_of(struct span line)
{
    size_t n = 0;

    while (n < line.len && line.ptr[n] == ' ')
        n++;
    return n;
}

/* Where what stands behind two spaces begins; margin where nothing does. */
static size_t hanging_column(struct span line, size_t margin)
{
    size_t gap = margin + span_find_span(span_skip(line, margin), SPAN("  "));

    return gap < line.len ? gap + margin_of(span_skip(line, gap)) : margin;
}

/* Appends the lines of *rest that begin in column to *text, a space between them. */
static enum err join(struct buf *text, struct span *rest, size_t column)
{
    struct span after = *rest, line;
    enum err e = OK;

    while (!e && span_split(&after, '\n', &line) && line.len && margin_of(line) == column) {
        e = buf_append_byte(text, ' ');
        if (!e)
            e = buf_append(text, span_skip(line, column));
        *rest = after;
    }
    return e;
}

/* A line and those that belong to it. */
static enum err fill_piece(struct buf *out, struct buf *text, struct span line, struct span *rest, size_t columns)
{
    size_t margin = margin_of(line), column = margin ? hanging_column(line, margin) : 0;
    bool hangs = column + LEAST_HANGING <= columns;
    enum err e;

    buf_reset(text);
    e = buf_append(text, span_skip(line, column));
    if (!e && (column > margin || !margin))
        e = join(text, rest, column);
    if (!e)
        e = buf_append(out, span_slice(line, 0, column));
    return e ? e : fill_words(out, buf_span(text), column, hangs ? column : margin, columns);
}

enum err fill_page(struct buf *out, struct span page, size_t columns)
{
    struct span line;
    struct buf text;
    enum err e = OK;

    buf_init(&text, page.len + 1);
    while (!e && span_split(&page, '\n', &line))
        e = line.len ? fill_piece(out, &text, line, &page, columns) : buf_append_byte(out, '\n');
    buf_clear(&text);
    return e;
}
