/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>

#include "config/io.h"
#include "config/mem.h"
#include "crawler/command.h"
#include "crawler/show.h"

#define MAX_QUERY ((size_t)MIB)

struct sql_options {
    struct show_options show;
    bool wants_list;
    int64_t timeout_ms;
};

static const struct option_spec specs[] = {
    { "db", 'o', OPTION_TEXT, offsetof(struct sql_options, show.db), 0, 0, "crawl.db",
      NULL, 0, "FILE", "the database", "Options" },
    { "format", 'f', OPTION_CHOICE, offsetof(struct sql_options, show.format), 0, 0,
      "table", OUTPUT_FORMATS, 0, "HOW", OUTPUT_FORMATS, NULL },
    { "list", 'l', OPTION_FLAG, offsetof(struct sql_options, wants_list), 0, 0, "no",
      NULL, 0, NULL, "list the named reports", NULL },
    { "timeout", 0, OPTION_DURATION, offsetof(struct sql_options, timeout_ms), 0,
      INT64_MAX, "0", NULL, 0, "DUR", "give up after DUR (0: never)", NULL },
};
static const struct option_table table = { specs, ARRAY_LEN(specs) };

static int list_reports(void)
{
    for (const struct reader_report *p = reader_reports; p->name; p++)
        printf("%-22s %s\n", p->name, p->about);
    return 0;
}

/* The query: a report's name, SQL, or "-" for standard input. */
static int query(const struct sql_options *o, const char *operand)
{
    const struct reader_report *report = reader_find_report(span_str(operand));
    struct err_note note;
    struct reader *r;
    struct buf text;
    int code = 3;

    buf_init(&text, MAX_QUERY);
    if (strcmp(operand, "-") == 0 && io_read_file("-", &text, &note)) {
        fprintf(stderr, "crawl sql: %s\n", note.text);
        return 2;
    }
    r = show_open("sql", &o->show, &code);
    if (r) {
        struct span sql = report     ? span_str(report->sql)
                          : text.ptr ? buf_span(&text)
                                     : span_str(operand);

        reader_set_deadline(r, o->timeout_ms);
        code = show_query("sql", r, &o->show, sql, SPAN_NONE, NULL);
    }
    reader_close(r);
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
        code = list_reports();
    else if (n > 1)
        code = fprintf(stderr,
                       "crawl sql: one query, please (quote it for the shell)\n") < 0
                   ? 3
                   : 2;
    else
        code = query(&o, operands[0]);
    mem_free(operands);
    options_clear(&table, &o);
    return code;
}

const struct command cmd_sql = {
    .name = "sql",
    .usage = "sql [OPTIONS] QUERY|REPORT",
    .summary = "ask the database: SQL or a named report; never writes",
    .description =
        "Runs one SQL query, or a named report (crawl sql --list), on a database that is opened for\n"
        "reading only; also while a crawl is writing it. - reads the query from standard input.\n"
        "\n"
        "  crawl sql broken-links\n"
        "  crawl sql -f csv \"SELECT url, title FROM internal_all WHERE depth <= 2\"\n",
    .options = &table,
    .exec = run,
};
