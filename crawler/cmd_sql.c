/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "config/fill.h"
#include "config/io.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/show.h"

#define MAX_QUERY   ((size_t)MIB)
#define LIST_INDENT 24

struct sql_options {
    struct show_options show;
    bool wants_list;
    int64_t timeout_ms;
    struct text_list params;
};

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct sql_options, show.db), 0, 0, "crawl.db",
      NULL, 0, "FILE", "the database", "Options" },
    { "format", 'f', OPTION_CHOICE, offsetof(struct sql_options, show.format), 0, 0,
      "table", OUTPUT_FORMATS, 0, "HOW", OUTPUT_FORMATS, NULL },
    { "param", 'p', OPTION_LIST, offsetof(struct sql_options, params), 1, 0, NULL, NULL,
      0, "NAME=VALUE", "the value of :NAME in the query", NULL },
    { "list", 'l', OPTION_FLAG, offsetof(struct sql_options, wants_list), 0, 0, "no",
      NULL, 0, NULL, "list the named reports", NULL },
    { "timeout", 0, OPTION_DURATION, offsetof(struct sql_options, timeout_ms), 0,
      INT64_MAX, "0", NULL, 0, "DUR", "give up after DUR (0: never)", NULL },
    { "no-pager", 0, OPTION_FLAG, offsetof(struct sql_options, show.has_no_pager), 0, 0,
      "no", NULL, 0, NULL, "no pager on a terminal", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

/* --- reports ------------------------------------------------------------------------- */

static enum err put_report(struct pager *pager, const struct reader_report *p)
{
    const struct terminal *t = pager_terminal(pager);
    size_t columns = t->is_terminal ? (size_t)t->columns : SIZE_MAX; /* a line a report, for grep */
    struct buf line;
    enum err e;

    buf_init(&line, (size_t)64 * KIB);
    e = terminal_put(&line, t, STYLE_BOLD, span_str(p->name));
    if (!e)
        e = buf_printf(&line, "%*s", MAX(2, LIST_INDENT - (int)strlen(p->name)), "");
    if (!e)
        e = fill_words(&line, span_str(p->about), LIST_INDENT, LIST_INDENT, columns);
    if (!e)
        e = pager_write(pager, buf_span(&line));
    buf_clear(&line);
    return e;
}

static int list_reports(const struct sql_options *o)
{
    struct pager *pager = pager_open(STDOUT_FILENO, !o->show.has_no_pager);
    const struct err_note note = { "" };
    enum err e = OK, end;

    for (const struct reader_report *p = reader_reports; !e && p->name; p++)
        e = put_report(pager, p);
    end = pager_close(pager);
    e = e ? e : end;
    return e ? command_fail("sql", e, &note) : 0;
}

/* One word that is neither SQL nor a report's name: which may have been meant? */
static bool is_mistyped(const char *operand, const char **out_nearest)
{
    const char *names[128];
    size_t n = 0;

    for (; n < ARRAY_LEN(names) && reader_reports[n].name; n++)
        names[n] = reader_reports[n].name;
    *out_nearest = options_nearest(span_str(operand), names, n);
    for (const char *c = operand; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || *c == '-' || *c == '_'))
            return false;
    return true;
}

/* --- a query ---------------------------------------------------------------------------- */

/* Values behind the query are ?1 and so on, --param gives the named ones. */
static struct reader_param *gather(const struct sql_options *o, char **values,
                                   size_t n_values, size_t *out_n,
                                   const char **out_wrong)
{
    struct reader_param *params =
        mem_array(n_values + o->params.len + 1, sizeof *params);
    size_t n = 0;

    *out_wrong = NULL;
    for (size_t i = 0; i < n_values; i++)
        params[n++].value = span_str(values[i]);
    for (size_t i = 0; i < o->params.len; i++) {
        struct span text = span_str(o->params.items[i].text);
        size_t eq = span_find(text, '=');

        if (eq == 0 || eq == text.len)
            *out_wrong = o->params.items[i].text;
        params[n].name = span_slice(text, 0, eq);
        params[n++].value = span_skip(text, eq + 1);
    }
    *out_n = n;
    return params;
}

static int ask(const struct sql_options *o, struct span sql,
               const struct reader_param *params, size_t n)
{
    int code = 3;
    struct reader *r = show_open("sql", &o->show, &code);

    if (r) {
        reader_set_deadline(r, o->timeout_ms);
        code = show_asked("sql", r, &o->show, sql, params, n);
    }
    reader_close(r);
    return code;
}

/* The query: a report's name, SQL, or "-" for standard input. */
static int query(const struct sql_options *o, char **operands, size_t n_operands)
{
    const struct reader_report *report = reader_find_report(span_str(operands[0]));
    struct span sql = span_str(report ? report->sql : operands[0]);
    const char *wrong, *nearest;
    struct reader_param *params;
    struct err_note note;
    struct buf text;
    size_t n;
    int code = 2;

    buf_init(&text, MAX_QUERY);
    params = gather(o, operands + 1, n_operands - 1, &n, &wrong);
    if (wrong)
        fprintf(stderr, "crawl sql: --param %s: it must be NAME=VALUE\n", wrong);
    else if (!report && is_mistyped(operands[0], &nearest) &&
             strcmp(operands[0], "-") != 0)
        fprintf(
            stderr,
            "crawl sql: there is no report '%s'%s%s%s 'crawl sql --list' names them\n",
            operands[0], nearest ? "; did you mean '" : ";", nearest ? nearest : "",
            nearest ? "'?" : "");
    else if (strcmp(operands[0], "-") == 0 && io_read_file("-", &text, &note))
        fprintf(stderr, "crawl sql: %s\n", note.text);
    else
        code = ask(o, strcmp(operands[0], "-") == 0 ? buf_span(&text) : sql, params, n);
    mem_free(params);
    buf_clear(&text);
    return code;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct sql_options o = { 0 };
    char **operands;
    int code;
    size_t n;

    if (!command_parse(self, &o, argc, argv, &operands, &n, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    if (o.wants_list || n == 0)
        code = list_reports(&o);
    else
        code = query(&o, operands, n);
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_sql = {
    .name = "sql",
    .usage = "sql [OPTIONS] QUERY|REPORT [VALUE]...",
    .summary = "ask the database: SQL or a named report; never writes",
    .description =
        "Runs one SQL query, or a named report (crawl sql --list), on a database that is opened for\n"
        "reading only; also while a crawl is writing it. - reads the query from standard input.\n"
        "VALUEs stand for ?1, ?2 and so on in the query; what is written as a number is one.\n"
        "crawl schema tells which tables and columns there are.\n"
        "\n"
        "  crawl sql broken-links\n"
        "  crawl sql -f csv \"SELECT url, title FROM internal_all WHERE depth <= 2\"\n"
        "  crawl sql 'SELECT url FROM urls WHERE state = ?1 AND depth > ?2' failed 3\n"
        "\n"
        "On a terminal a table is made to fit: long values are cut, rows too wide are shown a value a\n"
        "line, and what is longer than the screen goes through $PAGER (less). Elsewhere nothing is cut.\n"
        "In csv a text that a spreadsheet would take for a formula gets a ' in front; markdown has escapes\n"
        "for what a terminal must not see, and spaces for ends of lines. The others are exact.\n",
    .options = &table,
    .exec = run,
};
