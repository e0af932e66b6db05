/* SPDX-License-Identifier: MIT */
#include "crawler/markdown.h"

#include "crawler/roff.h"

#define MAX_PARAGRAPH (64 * KIB)
#define SOURCE_WIDTH  72

/* What the lines at hand are part of. */
enum block {
    BLOCK_NONE,  /* a heading stands above: a paragraph begins by itself */
    BLOCK_BREAK, /* something has ended: a paragraph must be begun */
    BLOCK_TEXT,
    BLOCK_TABLE,
    BLOCK_EXAMPLE,
};

struct document {
    struct buf *out;
    struct buf text; /* the paragraph or list item so far */
    enum block block;
    size_t n_rows; /* of the table at hand, its heading and rule included */
};

/* --- inside a line --------------------------------------------------------------- */

/* The mark that begins here, or nothing. */
static struct span mark_at(struct span s, size_t at)
{
    struct span rest = span_skip(s, at);

    if (span_starts(rest, SPAN("**")))
        return SPAN("**");
    return span_starts(rest, SPAN("`")) ? SPAN("`") : SPAN_NONE;
}

/* One word: marks switch bold on and off; a bar of a table's cell loses its backslash. */
static enum err put_word(struct buf *out, struct span word, bool *is_bold)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < word.len; i++) {
        struct span mark = mark_at(word, i);

        if (mark.len) {
            *is_bold = !*is_bold;
            e = buf_append(out, *is_bold ? SPAN("\\fB") : SPAN("\\fR"));
            i += mark.len - 1;
        } else if (word.ptr[i] != '\\' || i + 1 == word.len || word.ptr[i + 1] != '|') {
            e = roff_text(out, span_slice(word, i, i + 1));
        }
    }
    return e;
}

/* Filled text in lines of source of a bearable length. */
static enum err put_filled(struct buf *out, struct span text)
{
    struct span word;
    bool is_bold = false;
    size_t line_at = out->len;
    enum err e = OK;

    for (size_t n = 0; !e && span_token(&text, &word); n++) {
        bool is_new_line = out->len - line_at + word.len > SOURCE_WIDTH;

        if (n)
            e = buf_append_byte(out, is_new_line ? '\n' : ' ');
        if (is_new_line)
            line_at = out->len;
        if (!e)
            e = put_word(out, word, &is_bold);
    }
    return e ? e : buf_append_byte(out, '\n');
}

/* The same on one line, for what must be on one. */
static enum err put_term(struct buf *out, struct span text)
{
    bool is_bold = false;
    enum err e = put_word(out, text, &is_bold);

    return e ? e : buf_append_byte(out, '\n');
}

/* --- blocks ------------------------------------------------------------------------- */

/* Ends the paragraph at hand. */
static enum err flush(struct document *d)
{
    enum err e = d->text.len ? put_filled(d->out, buf_span(&d->text)) : OK;

    buf_reset(&d->text);
    return e;
}

static enum err begin(struct document *d, enum block block, const char *request)
{
    enum err e = flush(d);

    if (!e)
        e = buf_append(d->out, span_str(request));
    d->block = block;
    d->n_rows = 0;
    return e;
}

static enum err heading(struct document *d, struct span line)
{
    size_t level = 0;
    enum err e;

    while (level < line.len && line.ptr[level] == '#')
        level++;
    line = span_trim(span_skip(line, level));
    e = begin(d, BLOCK_NONE, level == 1 ? "" : level == 2 ? ".SH " : ".SS ");
    for (size_t i = 0; !e && level == 2 && i < line.len; i++) {
        char c = line.ptr[i];

        e = buf_append_byte(d->out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
    }
    if (!e && level > 2)
        e = roff_text(d->out, line);
    return e || level == 1 ? e : buf_append_byte(d->out, '\n');
}

/* The next cell of a row; "\|" is no border. */
static bool next_cell(struct span *row, struct span *out)
{
    size_t end = 0;

    if (!row->len)
        return false;
    while (end < row->len &&
           !(row->ptr[end] == '|' && (!end || row->ptr[end - 1] != '\\')))
        end++;
    *out = span_trim(span_slice(*row, 0, end));
    *row = span_skip(*row, end + 1);
    return true;
}

/* A row's first cell is what the others are about. The first two lines are the heading and a rule. */
static enum err table_row(struct document *d, struct span row)
{
    struct span cell;
    enum err e = d->block == BLOCK_TABLE ? OK : begin(d, BLOCK_TABLE, "");

    row = span_skip(row, 1);
    if (e || d->n_rows++ < 2 || !next_cell(&row, &cell))
        return e;
    e = buf_append(d->out, SPAN(".TP\n.B "));
    if (!e)
        e = put_term(d->out, cell);
    while (!e && next_cell(&row, &cell))
        e = cell.len ? put_filled(d->out, cell) : buf_append(d->out, SPAN("\\&\n"));
    return e;
}

static enum err text_line(struct document *d, struct span line)
{
    bool is_item = span_starts(line, SPAN("- "));
    enum err e = OK;

    if (is_item)
        e = begin(d, BLOCK_TEXT, ".IP \\(bu 2\n");
    else if (d->block != BLOCK_TEXT)
        e = begin(d, BLOCK_TEXT, d->block == BLOCK_NONE ? "" : ".PP\n");
    if (!e && d->text.len)
        e = buf_append_byte(&d->text, ' ');
    return e ? e : buf_append(&d->text, is_item ? span_skip(line, 2) : line);
}

static enum err blank_line(struct document *d)
{
    enum err e = flush(d);

    d->block = d->block == BLOCK_NONE ? BLOCK_NONE : BLOCK_BREAK;
    return e;
}

static enum err put_line(struct document *d, struct span line)
{
    if (span_starts(line, SPAN("```"))) {
        if (d->block == BLOCK_EXAMPLE)
            return begin(d, BLOCK_BREAK, ".EE\n");
        return begin(d, BLOCK_EXAMPLE, d->block == BLOCK_NONE ? ".EX\n" : ".PP\n.EX\n");
    }
    if (d->block == BLOCK_EXAMPLE)
        return roff_example(d->out, line, false);
    line = span_trim(line);
    if (!line.len)
        return blank_line(d);
    if (line.ptr[0] == '#')
        return heading(d, line);
    return line.ptr[0] == '|' ? table_row(d, line) : text_line(d, line);
}

enum err markdown_to_roff(struct buf *out, struct span text)
{
    struct document d = { .out = out };
    struct span line;
    enum err e = OK;

    buf_init(&d.text, (size_t)MAX_PARAGRAPH);
    while (!e && span_split(&text, '\n', &line))
        e = put_line(&d, line);
    if (!e)
        e = flush(&d);
    buf_clear(&d.text);
    return e;
}
