/* SPDX-License-Identifier: MIT */
#include "crawler/manual.h"

#include <unistd.h>

#include "config/io.h"
#include "crawler/command.h"
#include "crawler/handbook.h"
#include "crawler/manual_conf.h"
#include "crawler/markdown.h"
#include "crawler/roff.h"
#include "store/reader.h"

static const char EXITS[] =
    ".TP\n0\nFinished.\n"
    ".TP\n1\nFinished, but a \\-\\-fail\\-on condition holds.\n"
    ".TP\n2\nUsage or configuration; nothing was fetched or written.\n"
    ".TP\n3\nFile or database.\n"
    ".TP\n4\nNo seed could be reached.\n"
    ".TP\n5\nStopped by \\-\\-max\\-pages, \\-\\-max\\-bytes or\n"
    "\\-\\-max\\-time with URLs left queued.\n"
    ".TP\n6\nAnother crawl holds this database.\n"
    ".TP\n130, 143\nStopped by a signal, state saved.\n"
    ".TP\n134\nOut of memory, which it said; what was committed is safe, and the same\n"
    "command goes on.\n";

static const char COMMAND_EXITS[] = ".TP\n0\nDone, where nothing else is said above.\n"
                                    ".TP\n2\nUsage or configuration.\n"
                                    ".TP\n3\nFile or database.\n";

static const char SIGNALS[] =
    "The first SIGINT or SIGTERM stops new requests, lets transfers finish for\n"
    "up to 5 seconds and saves everything; the second stops within a second.\n"
    "SIGHUP opens the log of \\-\\-log again; without \\-\\-log it is as SIGTERM, and nothing under\n"
    ".BR nohup (1).\n"
    "SIGUSR1 logs the status.\n";

static const char ENVIRONMENT[] =
    ".TP\n.BI CRAWL_ NAME\nSets the option\n.BI \\-\\- name\\fR,\n"
    "with underscores for its hyphens: CRAWL_MAX_PAGES=5.\n"
    "The command line wins over it, it wins over\n.BR crawl.conf (5).\n"
    ".TP\n.B CRAWL_CONFIG\nThe configuration file, instead of ./crawl.conf.\n"
    ".PP\nhttp_proxy and its kin are not read, nor are .netrc and .curlrc: proxies\n"
    "and secrets come from options alone.\n";

static const char FILES[] =
    ".TP\n.I crawl.conf\nRead from the current directory if it is there; see\n.BR crawl.conf (5).\n"
    ".TP\n.I crawl.db\nThe database; see\n.BR crawl\\-schema (7).\n"
    "Its \\-wal, \\-shm and \\-lock files beside it belong to a crawl that runs,\n"
    "or to one that was killed; the next start clears them up.\n";

static enum err put_title(struct buf *out, struct span name, int section,
                          const char *kind)
{
    enum err e = buf_append(out, SPAN(".TH "));

    for (size_t i = 0; !e && i < name.len; i++) {
        char c = name.ptr[i];

        e = c == '-' ? buf_append(out, SPAN("\\-"))
                     : buf_append_byte(out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A')
                                                                 : c);
    }
    return e ? e
             : buf_printf(out, " %d \"%s\" \"crawl %s\" \"%s\"\n", section,
                          CRAWL_RELEASED, CRAWL_VERSION, kind);
}

static enum err put_name(struct buf *out, struct span name, const char *summary)
{
    enum err e = roff_section(out, "NAME");

    if (!e)
        e = roff_text(out, name);
    if (!e)
        e = buf_append(out, SPAN(" \\- "));
    if (!e)
        e = roff_fill(out, span_str(summary));
    return e;
}

static enum err put_synopsis(struct buf *out, const struct command *c)
{
    enum err e = roff_section(out, "SYNOPSIS");

    if (!e)
        e = buf_append(out, SPAN("\\fBcrawl\\fR "));
    if (!e)
        e = roff_usage(out, span_str(c->usage));
    if (!e)
        e = buf_append_byte(out, '\n');
    if (!e)
        e = roff_section(out, "DESCRIPTION");
    return e ? e : roff_paragraphs(out, span_str(c->description));
}

/* A heading and source as it stands. */
static enum err put_section(struct buf *out, const char *title, const char *source)
{
    enum err e = roff_section(out, title);

    return e ? e : buf_append(out, span_str(source));
}

/* --- crawl(1) ------------------------------------------------------------------------ */

static enum err put_commands(struct buf *out)
{
    enum err e = roff_section(out, "COMMANDS");

    for (size_t i = 0; !e && command_list[i]; i++) {
        e = buf_append(out, SPAN(".TP\n.BR crawl\\-"));
        if (!e)
            e = roff_text(out, span_str(command_list[i]->name));
        if (!e)
            e = buf_append(out, SPAN(" (1)\n"));
        if (!e)
            e = roff_fill(out, span_str(command_list[i]->summary));
    }
    return e;
}

/* "crawl-run(1), crawl-sql(1), ... crawl.conf(5)" */
static enum err put_see_also(struct buf *out)
{
    enum err e = roff_section(out, "SEE ALSO");

    for (size_t i = 0; !e && command_list[i]; i++) {
        e = command_list[i] == &cmd_run ? OK : buf_append(out, SPAN(".BR crawl\\-"));
        if (!e && command_list[i] != &cmd_run)
            e = roff_text(out, span_str(command_list[i]->name));
        if (!e && command_list[i] != &cmd_run)
            e = buf_append(out, SPAN(" (1),\n"));
    }
    return e ? e
             : buf_append(
                   out,
                   SPAN(
                       ".BR crawl.conf (5),\n.BR crawl\\-schema (7),\n.BR sqlite3 (1)\n"));
}

static enum err put_main_page(struct buf *out)
{
    enum err e = put_title(out, SPAN("crawl"), 1, "User Commands");

    if (!e)
        e = put_name(out, SPAN("crawl"),
                     "a polite web crawler that leaves one SQLite file");
    if (!e)
        e = put_synopsis(out, &cmd_run);
    if (!e)
        e = roff_section(out, "OPTIONS");
    if (!e)
        e = roff_options(out, cmd_run.options);
    if (!e)
        e = roff_options(out, &command_printers);
    if (!e)
        e = put_commands(out);
    if (!e)
        e = put_section(out, "EXIT STATUS", EXITS);
    if (!e)
        e = put_section(out, "SIGNALS", SIGNALS);
    if (!e)
        e = put_section(out, "ENVIRONMENT", ENVIRONMENT);
    if (!e)
        e = put_section(out, "FILES", FILES);
    return e ? e : put_see_also(out);
}

/* --- a command's page ------------------------------------------------------------------ */

static enum err put_command_options(struct buf *out, const struct command *c)
{
    enum err e;

    if (!c->options)
        return OK;
    e = roff_section(out, "OPTIONS");
    if (!e && c->options == cmd_run.options)
        return buf_append(out, SPAN("Those of\n.BR crawl (1).\n"));
    return e ? e : roff_options(out, c->options);
}

/* Only where a report can be asked for by its name. */
static enum err put_reports(struct buf *out, const struct command *c)
{
    enum err e;

    if (!strstr(c->usage, "REPORT"))
        return OK;
    e = roff_section(out, "REPORTS");
    for (const struct reader_report *p = reader_reports; !e && p->name; p++) {
        e = buf_append(out, SPAN(".TP\n.B "));
        if (!e)
            e = roff_text(out, span_str(p->name));
        if (!e)
            e = buf_append_byte(out, '\n');
        if (!e)
            e = roff_fill(out, span_str(p->about));
    }
    return e;
}

static enum err put_command_page(struct buf *out, const struct command *c)
{
    char name[64];
    enum err e;

    snprintf(name, sizeof name, "crawl-%s", c->name);
    e = put_title(out, span_str(name), 1, "User Commands");
    if (!e)
        e = put_name(out, span_str(name), c->summary);
    if (!e)
        e = put_synopsis(out, c);
    if (!e)
        e = put_command_options(out, c);
    if (!e)
        e = put_reports(out, c);
    if (!e)
        e = put_section(out, "EXIT STATUS", COMMAND_EXITS);
    return e ? e
             : put_section(
                   out, "SEE ALSO",
                   ".BR crawl (1),\n.BR crawl.conf (5),\n.BR crawl\\-schema (7)\n");
}

static enum err put_conf_page(struct buf *out)
{
    enum err e = put_title(out, SPAN("crawl.conf"), 5, "File Formats");

    if (!e)
        e = put_name(out, SPAN("crawl.conf"), "settings of a crawl, kept in a file");
    return e ? e : manual_conf_body(out);
}

static enum err put_schema_page(struct buf *out)
{
    enum err e = put_title(out, SPAN("crawl-schema"), 7, "Miscellaneous");

    if (!e)
        e = put_name(out, SPAN("crawl-schema"),
                     "the tables and views of a crawl's database");
    if (!e)
        e = roff_section(out, "DESCRIPTION");
    if (!e)
        e = markdown_to_roff(out, handbook_text());
    return e ? e
             : put_section(out, "SEE ALSO",
                           ".BR crawl (1),\n.BR crawl\\-sql (1),\n.BR sqlite3 (1)\n");
}

/* --- which page -------------------------------------------------------------------------- */

/* The page of a command, under its name or crawl-NAME. */
static enum err put_page_of_command(struct buf *out, struct span name)
{
    const struct command *c;
    char text[64];

    if (span_starts(name, SPAN("crawl-")))
        name = span_skip(name, 6);
    snprintf(text, sizeof text, "%.*s",
             SPAN_ARG(span_clip_utf8(name, sizeof text - 1)));
    c = command_find(text);
    if (!c)
        return ERR_NOT_FOUND;
    return c == &cmd_run ? put_main_page(out) : put_command_page(out, c);
}

enum err manual_format(struct span name, struct buf *out)
{
    if (span_eq(name, SPAN("crawl-schema.7")))
        return put_schema_page(out);
    if (span_eq(name, SPAN("crawl.conf.5")) || span_eq(name, SPAN("crawl.conf")))
        return put_conf_page(out);
    if (span_ends(name, SPAN(".1")))
        name.len -= 2;
    if (span_eq(name, SPAN("crawl")))
        return put_main_page(out);
    return put_page_of_command(out, name);
}

enum err manual_list(struct buf *out)
{
    enum err e = buf_append(out, SPAN("crawl.1\n"));

    for (size_t i = 0; !e && command_list[i]; i++)
        if (command_list[i] != &cmd_run)
            e = buf_printf(out, "crawl-%s.1\n", command_list[i]->name);
    return e ? e : buf_append(out, SPAN("crawl.conf.5\ncrawl-schema.7\n"));
}

int manual_print(const char *name)
{
    const struct err_note note = { "" };
    struct buf out;
    int code;
    enum err e;

    buf_init(&out, (size_t)MIB);
    e = name && strcmp(name, "list") == 0
            ? manual_list(&out)
            : manual_format(span_str(name ? name : "crawl"), &out);
    if (e == ERR_NOT_FOUND) {
        fprintf(stderr, "crawl: there is no page '%s'; 'crawl --man list' names them\n",
                name);
        code = 2;
    } else {
        if (!e)
            e = io_write_all(STDOUT_FILENO, buf_span(&out));
        code = e ? command_fail("", e, &note) : 0;
    }
    buf_clear(&out);
    return code;
}
