/* SPDX-License-Identifier: MIT */
/*
 * What may stand somewhere on the command line, as the tables say it; the same
 * for every shell. The tables hold no fields for this: how a value is called in
 * --help says what it is. FILE and SEEDS are files, DIR is a folder, REPORT a
 * report's name, PAGE a man page's; words in small letters stand for
 * themselves; choices are choices.
 */
#pragma once

#include "crawler/command.h"

#define COMPLETION_MAX_WORDS 160

struct completion_word {
    struct span name;
    const char *about; /* one line, or NULL */
};

struct completion_want {
    struct completion_word words[COMPLETION_MAX_WORDS];
    size_t n_words;
    bool is_file, is_folder; /* also, or instead */
    bool is_list;            /* several of the words, a comma between them */
};

/* The value of an option that has one. Borrows from the tables. */
void completion_words_of_option(const struct option_spec *spec,
                                struct completion_want *out);

/* What stands behind a command's options. */
void completion_words_of_operands(const struct command *c, struct completion_want *out);

/* Is it the first command with this table of options (or with none)? Others with it are handled together. */
bool completion_words_is_first(size_t command);

/* Appends the names of all commands with the same options as that one, sep between them. */
enum err completion_words_sharing(struct buf *out, size_t command,
                                  const char *sep) MUST_USE;

/* Appends the names alone, spaces between them. */
enum err completion_words_join(struct buf *out, const struct completion_want *want) MUST_USE;

/* Appends the names of all commands, sep between them. */
enum err completion_words_commands(struct buf *out, const char *sep) MUST_USE;
