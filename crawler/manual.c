/* SPDX-License-Identifier: MIT */
#include "crawler/manual.h"

#include <unistd.h>

#include "config/io.h"

/* Text with what roff would take for its own made harmless. */
static enum err put_text(struct buf *out, const char *text)
{
    enum err e = OK;
    bool at_line_start = true;

    for (const char *p = text; !e && *p; p++) {
        if (at_line_start && (*p == '.' || *p == '\''))
            e = buf_append(out, SPAN("\\&"));
        if (!e && *p == '\\')
            e = buf_append(out, SPAN("\\e"));
        else if (!e && *p == '-')
            e = buf_append(out, SPAN("\\-"));
        else if (!e)
            e = buf_append_byte(out, *p);
        at_line_start = *p == '\n';
    }
    return e;
}

static enum err put_option(struct buf *out, const struct option_spec *spec)
{
    enum err e = buf_append(out, SPAN(".TP\n.B "));

    if (!e && spec->letter)
        e = buf_printf(out, "\\-%c\\fR, \\fB", spec->letter);
    if (!e)
        e = buf_append(out, SPAN("\\-\\-"));
    if (!e)
        e = put_text(out, spec->name);
    if (!e && spec->value)
        e = buf_printf(out, "\\fR \\fI%s", spec->value);
    if (!e)
        e = buf_append(out, SPAN("\\fR\n"));
    if (!e)
        e = put_text(out, spec->help);
    if (!e && spec->initial && spec->initial[0] && spec->type != OPTION_FLAG)
        e = buf_printf(out, ". Default: %s", spec->initial);
    return e ? e : buf_append(out, SPAN(".\n"));
}

static enum err put_options(struct buf *out, const struct option_table *t)
{
    enum err e = OK;

    for (size_t i = 0; !e && i < t->n_specs; i++) {
        if (t->specs[i].group)
            e = buf_printf(out, ".SS %s\n", t->specs[i].group);
        if (!e)
            e = put_option(out, &t->specs[i]);
    }
    return e;
}

/* A description is lines for a terminal: kept as they are. */
static enum err put_lines(struct buf *out, const char *text)
{
    enum err e = buf_append(out, SPAN(".nf\n"));

    if (!e)
        e = put_text(out, text);
    return e ? e : buf_append(out, SPAN(".fi\n"));
}

static enum err put_command(struct buf *out, const struct command *c)
{
    enum err e = buf_append(out, SPAN(".SS crawl "));

    if (!e)
        e = put_text(out, c->usage);
    if (!e)
        e = buf_append_byte(out, '\n');
    if (!e)
        e = put_lines(out, c->description);
    return !e && c->options && c->options != cmd_run.options ? put_options(out, c->options) : e;
}

static const char EXITS[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\nfinished\n.TP\n1\nfinished, but a \\-\\-fail\\-on condition holds\n"
    ".TP\n2\nusage or configuration\n.TP\n3\nfile or database\n"
    ".TP\n4\nno seed could be reached\n"
    ".TP\n5\nstopped by \\-\\-max\\-pages, \\-\\-max\\-bytes or \\-\\-max\\-time with URLs left queued\n"
    ".TP\n6\nanother crawl holds this database\n"
    ".TP\n130, 143\nstopped by a signal, state saved\n";

static const char REST[] =
    ".SH SIGNALS\n"
    "The first SIGINT or SIGTERM stops new requests, lets transfers finish for up to 5 seconds and saves\n"
    "everything; the second stops within a second. SIGHUP opens the log again, SIGUSR1 logs the status.\n"
    ".SH ENVIRONMENT\n"
    "CRAWL_NAME sets the option \\-\\-name; proxies come from options alone.\n"
    ".SH FILES\n"
    ".TP\n.I crawl.conf\nread from the current directory; option names as keys, and sections\n"
    "[host \"*.example.org\"] with delay, per\\-host, max\\-pages\\-per\\-host, insecure and header.\n"
    ".TP\n.I crawl.db\nthe database; its tables are described in docs/schema.md.\n";

static enum err put_page(struct buf *out)
{
    enum err e = buf_printf(out, ".TH CRAWL 1 \"\" \"crawl %s\"\n.SH NAME\ncrawl \\- a polite web crawler "
                                 "that leaves one SQLite file\n.SH SYNOPSIS\n.B crawl\n",
                            CRAWL_VERSION);

    if (!e)
        e = put_text(out, cmd_run.usage);
    if (!e)
        e = buf_append(out, SPAN("\n.SH DESCRIPTION\n"));
    if (!e)
        e = put_lines(out, cmd_run.description);
    if (!e)
        e = buf_append(out, SPAN(".SH OPTIONS\n"));
    if (!e)
        e = put_options(out, cmd_run.options);
    if (!e)
        e = buf_append(out, SPAN(".SH COMMANDS\n"));
    for (size_t i = 0; !e && command_list[i]; i++)
        e = command_list[i] == &cmd_run ? OK : put_command(out, command_list[i]);
    if (!e)
        e = buf_append(out, span_str(EXITS));
    return e ? e : buf_append(out, span_str(REST));
}

int manual_print(void)
{
    struct buf out;
    enum err e;

    buf_init(&out, (size_t)MIB);
    e = put_page(&out);
    if (!e)
        e = io_write_all(STDOUT_FILENO, buf_span(&out));
    buf_clear(&out);
    return e ? 3 : 0;
}
