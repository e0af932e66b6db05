/* SPDX-License-Identifier: MIT */
/*
 * A run as one HTML page that needs nothing else: figures, pictures, findings,
 * tables. The page asks for nothing over the network and has no script; its policy
 * allows one style sheet, by hash. It is made from the database alone, also while a
 * crawl writes it, in a memory that depends on the rows wanted and not on the
 * database's size. Nothing here suspends.
 */
#pragma once

#include "config/buf.h"
#include "store/reader.h"

/* The start of every report, by which one is known again. */
#define REPORT_MARK                                                   \
    "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n" \
    "<meta name=generator content=\"crawl report\">\n"

struct report_options {
    struct span title;   /* empty: the host that was asked most */
    struct span db_name; /* as the reader knows the file */
    int64_t run;         /* 0: the last one */
    int64_t rows;        /* a table */
};

/*
 * Appends the page to out. ERR_NOT_FOUND: there is no such run; ERR_TOO_LARGE: past
 * out's cap; or what the database answers.
 */
enum err report_write(struct reader *r, const struct report_options *o, struct buf *out,
                      struct err_note *note) MUST_USE;
