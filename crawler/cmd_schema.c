/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "config/log.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/handbook.h"
#include "crawler/pager.h"
#include "crawler/show.h"
#include "crawler/width.h"

#define MAX_OUTPUT ((size_t)16 * MIB)
#define MAX_NAMES  500
#define NAME_WIDTH 22
#define TYPE_WIDTH 9
#define LEAST_BESIDE  30 /* columns for what stands beside name and type; in less it stands below */
#define NARROW_INDENT 6
#define MOST_WIDE  120 /* text in longer lines is hard to read */

struct schema_options {
    struct show_options show;
    bool wants_sql;
};

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct schema_options, show.db), 0, 0, NULL,
      NULL, 0, "FILE", "of this database; without, of a new one", "Options" },
    { "sql", 0, OPTION_FLAG, offsetof(struct schema_options, wants_sql), 0, 0, "no",
      NULL, 0, NULL, "the statements that make it", NULL },
    { "no-pager", 0, OPTION_FLAG, offsetof(struct schema_options, show.has_no_pager), 0,
      0, "no", NULL, 0, NULL, "no pager on a terminal", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

struct schema {
    struct reader *r;
    struct pager *pager;
    struct buf out;
    struct arena mem;
    struct span names[MAX_NAMES];
    size_t n_names;
    struct span present; /* whose columns are being printed */
};

/* --- text in lines ------------------------------------------------------------------- */

static int line_width(const struct schema *s)
{
    const struct terminal *t = pager_terminal(s->pager);

    return t->is_terminal ? MIN(t->columns, MOST_WIDE) : 100;
}

/* Markdown's marks of code and emphasis left out. */
static struct span unmark(struct schema *s, struct span text)
{
    char *plain = arena_alloc(&s->mem, text.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '`' || span_starts(span_skip(text, i), SPAN("**")) ||
            (i && text.ptr[i] == '*' && text.ptr[i - 1] == '*'))
            continue;
        plain[n++] = text.ptr[i];
    }
    return span_make(plain, n);
}

/* Fills lines from the column indent on, which the present line has reached already. */
static enum err put_filled(struct schema *s, struct span text, int indent)
{
    int at = indent, most = line_width(s);
    struct span word;
    enum err e = OK;

    text = unmark(s, text);
    while (!e && span_token(&text, &word)) {
        int width = width_of(word);

        if (at > indent && at + 1 + width > most) {
            e = buf_printf(&s->out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            e = buf_append_byte(&s->out, ' ');
            at++;
        }
        if (!e)
            e = buf_append(&s->out, word);
        at += width;
    }
    return e ? e : buf_append_byte(&s->out, '\n');
}

/* --- one table ------------------------------------------------------------------------ */

static enum err put_name(struct schema *s, struct span name, enum terminal_style style,
                         int width)
{
    struct buf shown;
    enum err e;

    buf_init(&shown, MAX_OUTPUT);
    e = log_escape(&shown, name); /* of a database that may be anybody's */
    if (!e)
        e = terminal_put(&s->out, pager_terminal(s->pager), style, buf_span(&shown));
    if (!e && width)
        e = buf_printf(&s->out, "%*s", MAX(1, width - width_of(buf_span(&shown))), "");
    buf_clear(&shown);
    return e;
}

/* Without the blanks before the text that is not there. */
static enum err end_line(struct schema *s)
{
    while (s->out.len && s->out.ptr[s->out.len - 1] == ' ')
        s->out.len--;
    return buf_append_byte(&s->out, '\n');
}

static enum err on_column(void *arg, const struct span *columns,
                          const struct reader_value *values, size_t n)
{
    struct schema *s = arg;
    int indent = 2 + NAME_WIDTH + TYPE_WIDTH;
    bool is_narrow = line_width(s) - indent < LEAST_BESIDE;
    struct span words, text;
    enum err e;

    (void)columns;
    (void)n;
    if (!values)
        return OK;
    words = handbook_words(s->present, values[0].text);
    e = buf_append(&s->out, SPAN("  "));
    if (!e)
        e = put_name(s, values[0].text, STYLE_BOLD, NAME_WIDTH);
    if (!e)
        e = put_name(s, values[1].text, STYLE_DIM, TYPE_WIDTH);
    text = handbook_column(s->present, values[0].text);
    if (is_narrow)
        indent = NARROW_INDENT;
    if (!e && (is_narrow || !text.len))
        e = end_line(s);
    if (!e && is_narrow && text.len)
        e = buf_printf(&s->out, "%*s", indent, "");
    if (!e && text.len)
        e = put_filled(s, text, indent);
    if (!e && words.len)
        e = buf_printf(&s->out, "%*s", indent, "");
    return !e && words.len ? put_filled(s, words, indent) : e;
}

static enum err print_table(struct schema *s, struct span name, struct err_note *note)
{
    struct span about = SPAN("a compact table behind the public names; it may change"
                             " with the schema's number"),
                remark = handbook_remark(name);
    enum err e;

    handbook_about(name, &about);
    s->present = name;
    e = put_name(s, name, STYLE_BOLD, 0);
    if (!e)
        e = buf_append(&s->out, SPAN(": "));
    if (!e)
        e = put_filled(s, about, width_of(name) + 2);
    if (!e && remark.len)
        e = buf_append(&s->out, SPAN("  "));
    if (!e && remark.len)
        e = put_filled(s, remark, 2);
    if (!e)
        e = reader_query(s->r, span_str(reader_schema_queries[SCHEMA_COLUMNS].sql),
                         &name, 1, on_column, s, note);
    if (!e)
        e = pager_write(s->pager, buf_span(&s->out));
    buf_reset(&s->out);
    return e;
}

/* --- all of it -------------------------------------------------------------------------- */

static enum err on_name(void *arg, const struct span *columns,
                        const struct reader_value *values, size_t n)
{
    struct schema *s = arg;

    (void)columns;
    (void)n;
    if (!values || s->n_names == MAX_NAMES)
        return OK;
    return arena_try_copy(&s->mem, values[0].text, &s->names[s->n_names++]);
}

/* Paragraphs filled; fenced lines as they stand. */
static enum err put_text(struct schema *s, struct span text)
{
    struct span line, paragraph = SPAN_NONE;
    bool is_code = false;
    enum err e = OK;

    while (!e && span_split(&text, '\n', &line)) {
        bool is_fence = span_starts(line, SPAN("```")), is_text = !is_code && line.len;

        if (paragraph.len && (is_fence || !line.len)) {
            e = put_filled(s, paragraph, 0);
            paragraph = SPAN_NONE;
        }
        is_code ^= is_fence;
        if (is_fence)
            continue;
        if (is_text)
            paragraph = span_make(paragraph.ptr ? paragraph.ptr : line.ptr,
                                  (size_t)(line.ptr + line.len -
                                           (paragraph.ptr ? paragraph.ptr : line.ptr)));
        else if (!e)
            e = buf_append(&s->out, line);
        if (!e && !is_text)
            e = buf_append_byte(&s->out, '\n');
    }
    return !e && paragraph.len ? put_filled(s, paragraph, 0) : e;
}

static enum err print_all(struct schema *s, struct err_note *note)
{
    enum err e = put_text(s, handbook_preamble());

    for (size_t i = 0; !e && i < s->n_names; i++) {
        struct span about;

        if (!handbook_about(s->names[i], &about))
            continue;
        e = buf_append_byte(&s->out, '\n');
        if (!e)
            e = print_table(s, s->names[i], note);
    }
    if (!e)
        e = buf_append_byte(&s->out, '\n');
    if (!e)
        e = put_text(s, handbook_chapter(SPAN("Questions")));
    return e ? e : pager_write(s->pager, buf_span(&s->out));
}

static enum err on_sql(void *arg, const struct span *columns,
                       const struct reader_value *values, size_t n)
{
    struct schema *s = arg;
    struct span rest, line;
    enum err e = OK;

    (void)columns;
    (void)n;
    if (!values)
        return OK;
    rest = values[0].text;
    buf_reset(&s->out);
    while (!e && span_split(&rest, '\n', &line)) {
        e = log_escape(&s->out, line);
        if (!e)
            e = buf_append_byte(&s->out, '\n');
    }
    return e ? e : pager_write(s->pager, buf_span(&s->out));
}

/* --- the command ------------------------------------------------------------------------ */

static bool has(const struct schema *s, struct span name)
{
    for (size_t i = 0; i < s->n_names; i++)
        if (span_eq(s->names[i], name))
            return true;
    return false;
}

static int refuse(struct schema *s, const char *name)
{
    const char *words[MAX_NAMES], *nearest;

    for (size_t i = 0; i < s->n_names; i++)
        words[i] = s->names[i].ptr; /* arena_try_copy puts a NUL behind it */
    nearest = options_nearest(span_str(name), words, s->n_names);
    fprintf(stderr, "crawl schema: there is no table or view '%s'%s%s%s\n", name,
            nearest ? "; did you mean '" : "", nearest ? nearest : "",
            nearest ? "'?" : "");
    return 2;
}

static int print(struct schema *s, const struct schema_options *o, const char *name)
{
    const struct reader_report *queries = reader_schema_queries;
    struct err_note note = { "" };
    struct span wanted = name ? span_str(name) : SPAN("");
    enum err e = reader_query(s->r, span_str(queries[SCHEMA_NAMES].sql), NULL, 0,
                              on_name, s, &note);

    if (!e && name && !has(s, wanted))
        return refuse(s, name);
    if (!e && o->wants_sql)
        e = reader_query(s->r, span_str(queries[SCHEMA_SQL].sql), &wanted, 1, on_sql, s,
                         &note);
    else if (!e)
        e = name ? print_table(s, wanted, &note) : print_all(s, &note);
    return e ? command_fail("schema", e, &note) : 0;
}

static int schema(const struct schema_options *o, const char *name)
{
    struct schema *s = mem_alloc(sizeof *s);
    struct err_note note = { "" };
    int code = 3;
    enum err e;

    arena_init(&s->mem, MAX_OUTPUT);
    buf_init(&s->out, MAX_OUTPUT);
    if (o->show.db)
        s->r = show_open("schema", &o->show, &code);
    else if (reader_open_empty(&s->r, &note))
        fprintf(stderr, "crawl schema: %s\n", note.text);
    if (s->r) {
        s->pager = pager_open(STDOUT_FILENO, !o->show.has_no_pager);
        code = print(s, o, name);
        e = pager_close(s->pager);
        if (e && !code)
            code = command_fail("schema", e, &note);
    }
    reader_close(s->r);
    buf_clear(&s->out);
    arena_clear(&s->mem);
    mem_free(s);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct schema_options o = { .show.db = NULL };
    char **operands;
    int code;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    if (n > 1) {
        fprintf(stderr, "crawl schema: one table or view, or none for all\n");
        code = 2;
    } else {
        code = schema(&o, n ? operands[0] : NULL);
    }
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_schema = {
    .name = "schema",
    .usage = "schema [OPTIONS] [TABLE]",
    .summary =
        "the tables and views of a database: columns, units, words, example queries",
    .description =
        "Tells what is in a database: every table and view with its columns, their types, units and the\n"
        "words they may hold, and example queries; or one of them. The same is in crawl-schema(7).\n"
        "\n"
        "  crawl schema urls\n"
        "  crawl schema --sql broken_links\n",
    .options = &table,
    .exec = run,
};
