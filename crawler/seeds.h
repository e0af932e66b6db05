/* SPDX-License-Identifier: MIT */
/*
 * Seeds: files of URLs (blank lines and # comments allowed, CRLF and a BOM
 * too), "-" for standard input, or URLs themselves. A bad line is named,
 * skipped and counted; nothing usable at all is an error.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "parse/url.h"

struct crawl;

struct seed {
    struct url url;     /* without fragment and userinfo */
    struct span source; /* file name, "-" or "command line" */
    int line;           /* 0 on the command line */
};

struct seeds {
    struct arena mem;
    struct seed *items;
    size_t len, cap;
    int64_t n_bad;
};

/* Reads every operand. Bad lines go to standard error. ERR_USAGE: a file is missing, or nothing is usable. */
enum err seeds_read(char **operands, size_t n, struct seeds *out,
                    struct err_note *note) MUST_USE;
void seeds_clear(struct seeds *s);

/* Offers them all to the store; suspends until that is committed. */
enum err seeds_offer(struct crawl *c, const struct seeds *s) MUST_USE;
