/* SPDX-License-Identifier: MIT */
/*
 * The commands of the program, one file each: cmd_NAME.c exports one constant
 * descriptor. main picks by the first word; without a command's name it is run.
 */
#pragma once

#include "config/options.h"

struct command {
    const char *name;
    const char *usage;                  /* behind "crawl ", one line */
    const char *summary;                /* one line for the list of commands */
    const char *description;            /* paragraphs for --help */
    const struct option_table *options; /* NULL: none but --help */
    /* argv[0] is the command's name. Returns the exit code. */
    int (*exec)(const struct command *self, int argc, char **argv);
};

extern const struct command cmd_run;
extern const struct command cmd_sql;
extern const struct command cmd_search;
extern const struct command cmd_show;
extern const struct command cmd_schema;
extern const struct command cmd_status;
extern const struct command cmd_verify;
extern const struct command cmd_diff;
extern const struct command cmd_explain;
extern const struct command cmd_inspect;
extern const struct command cmd_export;
extern const struct command cmd_plan;
extern const struct command cmd_robots;
extern const struct command cmd_extract;
extern const struct command cmd_report;

/* Every command, NULL at the end. */
extern const struct command *const command_list[];

/* What prints about the program itself (--man, --completion) and works as the first word only. */
extern const struct option_table command_printers;

/* The one of that name, or NULL. */
const struct command *command_find(const char *name);

/*
 * How a command ends (its exit code) that got e from what it read or printed: 0 where the reader of standard output
 * has gone, having seen enough; else 3, with the reason on standard error: the note, or where it is empty e's own
 * words, and for ERR_IO that standard output cannot be written, with the cause in errno. command: "" for the program
 * itself.
 */
int command_fail(const char *command, enum err e, const struct err_note *note);

/* before, then text from outside, made safe for a terminal: to standard output. */
void command_print_text(const char *before, struct span text);

/*
 * What printf still holds goes out, at the end of the program. Returns code, or as command_fail where not all that was
 * printed has gone out: what was said is lost, and that must not look like success.
 */
int command_end_output(int code);

/* Prints usage, description and options to standard output; returns the exit code. */
int command_help(const struct command *self);

/* The program's --help: that of run, every command, what else the first word may be. Returns the exit code. */
int command_overview(void);

/*
 * Reads the options of a command into *options (zeroed; defaults are set).
 * True when the command is to go on; else *exit_code says how it ends (a
 * mistake was printed, or help was asked for). operands: free with mem_free.
 */
bool command_parse(const struct command *self, void *options, int argc, char **argv,
                   char ***operands, size_t *n_operands, int *exit_code);
