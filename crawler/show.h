/* SPDX-License-Identifier: MIT */
/*
 * A query's rows onto standard output, for the commands that read a database.
 */
#pragma once

#include "crawler/output.h"
#include "store/reader.h"

/* The options that every reading command has; the first fields of its struct. */
struct show_options {
    char *db;
    int format; /* enum output_format */
    bool has_no_pager;
};

/* Opens the database or prints why not; *exit_code is set then. */
struct reader *show_open(const char *command, const struct show_options *o,
                         int *exit_code);

/* As show_open, for a command that takes no operands: one of them is a mistake (exit code 2). */
struct reader *show_open_alone(const char *command, const struct show_options *o,
                               char **operands, size_t n, int *exit_code);

/* A person's query with values, through a pager where the rows are more than a screen. */
int show_asked(const char *command, struct reader *r, const struct show_options *o,
               struct span sql, const struct reader_param *params, size_t n);

/* A titled section of a longer answer: nothing at all when the query has no rows. */
int show_section(const char *command, struct reader *r, const char *title,
                 struct span sql, struct span param);
