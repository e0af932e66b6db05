/* SPDX-License-Identifier: MIT */
#include "crawler/command.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/fill.h"
#include "config/io.h"
#include "config/log.h"
#include "config/mem.h"
#include "config/settings.h"
#include "crawler/terminal.h"

#define WIDEST_HELP    100
#define USAGE_INDENT   13
#define SUMMARY_INDENT 13

/* In the order of the list in --help: crawling, asking, checking, handing on. */
const struct command *const command_list[] = {
    &cmd_run,    &cmd_plan,   &cmd_status,  &cmd_sql,     &cmd_search,
    &cmd_show,   &cmd_diff,   &cmd_report,  &cmd_explain, &cmd_verify,
    &cmd_schema, &cmd_export, &cmd_inspect, &cmd_robots,  &cmd_extract,
    NULL,
};

static const struct option_spec printers[] = {
    { "man", 0, OPTION_TEXT, 0, 0, 0, NULL, NULL, 0, "PAGE",
      "print a man page: a command's name, crawl.conf, crawl-schema.7, or list",
      "About the program" },
    { "completion", 0, OPTION_CHOICE, 0, 0, 0, NULL, "bash|zsh|fish", 0, "SHELL",
      "print what makes a shell complete this command line: bash, zsh or fish", NULL },
};
const struct option_table command_printers = { printers, ARRAY_LEN(printers) };

const struct command *command_find(const char *name)
{
    for (size_t i = 0; command_list[i]; i++)
        if (strcmp(command_list[i]->name, name) == 0)
            return command_list[i];
    return NULL;
}

int command_fail(const char *command, enum err e, const struct err_note *note)
{
    const char *space = command[0] ? " " : "";

    if (e == ERR_IO && errno == EPIPE)
        return 0;
    if (e == ERR_IO && errno && !note->text[0])
        fprintf(stderr, "crawl%s%s: cannot write standard output: %s\n", space, command, strerror(errno));
    else
        fprintf(stderr, "crawl%s%s: %s\n", space, command, note->text[0] ? note->text : err_text(e));
    return 3;
}

void command_print_text(const char *before, struct span text)
{
    struct buf out;

    buf_init(&out, (size_t)MIB);
    if (log_escape(&out, text) == OK)
        printf("%s%.*s", before, SPAN_ARG(buf_span(&out)));
    buf_clear(&out);
}

int command_end_output(int code)
{
    const struct err_note note = { "" };

    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    if (code == 3) /* why, has been said */
        return code;
    return command_fail("", ERR_IO, &note) ? 3 : code;
}

/* Of help: as wide as the terminal, but for lines too long to be read well. */
static size_t help_columns(void)
{
    return (size_t)MIN(terminal_of(STDOUT_FILENO).columns, WIDEST_HELP);
}

int command_help(const struct command *self)
{
    const struct err_note note = { "" };
    struct buf out;
    enum err e;

    buf_init(&out, (size_t)MIB);
    e = buf_append(&out, SPAN("usage: crawl "));
    if (!e)
        e = fill_words(&out, span_str(self->usage), USAGE_INDENT, USAGE_INDENT, help_columns());
    if (!e)
        e = buf_append_byte(&out, '\n');
    if (!e)
        e = fill_page(&out, span_str(self->description), help_columns());
    if (!e && self->options)
        e = options_help(self->options, help_columns(), &out);
    if (!e)
        e = io_write_all(STDOUT_FILENO, buf_span(&out));
    buf_clear(&out);
    return e ? command_fail("", e, &note) : 0;
}

static enum err command_row(struct buf *out, const struct command *command)
{
    enum err e = buf_printf(out, "  %-10s ", command->name);

    return e ? e : fill_words(out, span_str(command->summary), SUMMARY_INDENT, SUMMARY_INDENT, help_columns());
}

int command_overview(void)
{
    int code = command_help(&cmd_run);
    const struct err_note note = { "" };
    struct buf out;
    enum err e;

    if (code)
        return code;
    buf_init(&out, (size_t)MIB);
    e = buf_append(&out, SPAN("\nCommands (crawl COMMAND --help)\n"));
    for (size_t i = 0; !e && command_list[i]; i++)
        e = command_row(&out, command_list[i]);
    if (!e)
        e = options_help(&command_printers, help_columns(), &out);
    if (!e)
        e = io_write_all(STDOUT_FILENO, buf_span(&out));
    buf_clear(&out);
    return e ? command_fail("", e, &note) : 0;
}

/* Anywhere before "--": people ask for help behind other words. */
static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* Where a reading command keeps the name of its database; NULL when it has none. */
static char **database_of(const struct option_table *table, void *options)
{
    const struct option_spec *spec = options_find(table, SPAN("db"));

    return spec && spec->initial ? (char **)((char *)options + spec->field) : NULL;
}

/* The database that a crawl would write here: crawl.conf and the environment say so for all commands. */
static enum err settle_database(char **db, struct err_note *note)
{
    char *no_arguments[] = { NULL, NULL }, **operands;
    struct settings s;
    size_t n;
    enum err e = settings_load(&s, 1, no_arguments, environ, &operands, &n, note);

    if (e)
        return e;
    *db = mem_str_copy(span_str(s.db));
    mem_free(operands);
    settings_clear(&s);
    return OK;
}

bool command_parse(const struct command *self, void *options, int argc, char **argv,
                   char ***operands, size_t *n_operands, int *exit_code)
{
    static const struct option_table none = { NULL, 0 };
    const struct option_table *table = self->options ? self->options : &none;
    struct err_note note;
    char **db;
    enum err e;

    if (asks_help(argc, argv)) {
        *exit_code = command_help(self);
        return false;
    }
    options_set_defaults(table, options);
    db = database_of(table, options);
    if (db) { /* the default gives way to what is set elsewhere */
        mem_free(*db);
        *db = NULL;
    }
    e = options_parse_args(table, options, argc, argv, operands, n_operands, &note);
    if (!e && db && !*db) {
        e = settle_database(db, &note);
        if (e)
            mem_free(*operands);
    }
    if (!e)
        return true;
    fprintf(stderr, "crawl %s: %s\n", self->name, note.text);
    options_clear(table, options);
    *exit_code = 2;
    return false;
}
