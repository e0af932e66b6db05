/* SPDX-License-Identifier: MIT */
/*
 * The man pages, made from the same tables as --help, so that the two cannot
 * disagree: crawl(1), one page a command (crawl-sql(1) ...), crawl.conf(5); and
 * crawl-schema(7), made from docs/schema.md when the program is built.
 */
#pragma once

#include "crawler/command.h"

/*
 * Appends a page in man(7) form. name is a page ("crawl", "crawl-sql",
 * "crawl.conf"), with its section or without ("crawl.1"), or a command. Where a
 * command and another page share a name, the command's is meant.
 * ERR_NOT_FOUND: there is no such page; else errors of buf_append.
 */
enum err manual_format(struct span name, struct buf *out) MUST_USE;

/* Appends the file names of all pages, "crawl.1" first, one a line; crawl-run(1) is crawl(1). */
enum err manual_list(struct buf *out) MUST_USE;

/*
 * Prints a page (NULL: crawl(1)), or with "list" the file names, to standard
 * output. Returns the exit code.
 */
int manual_print(const char *name);
