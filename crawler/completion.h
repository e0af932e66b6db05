/* SPDX-License-Identifier: MIT */
/*
 * What makes a shell complete our command line, made from the same tables as
 * --help: commands, options, the words that an option's value may be, report
 * names, files and folders. A script needs nothing but its shell: it never
 * runs the program and depends on no package of completion helpers.
 */
#pragma once

#include "config/buf.h"

/* Appends the script for "bash", "zsh" or "fish". ERR_NOT_FOUND for another shell; errors of buf_append. */
enum err completion_format(struct span shell, struct buf *out) MUST_USE;

/* The three of them. Errors of buf_append. */
enum err completion_bash(struct buf *out) MUST_USE;
enum err completion_zsh(struct buf *out) MUST_USE;
enum err completion_fish(struct buf *out) MUST_USE;

/* Prints the script for a shell (NULL: none was named) to standard output. Returns the exit code. */
int completion_print(const char *shell);
