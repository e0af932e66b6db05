/* SPDX-License-Identifier: MIT */
/*
 * One value of a row as text, made safe for where it goes (promises P37, P38).
 * Errors are those of buf_append.
 */
#pragma once

#include "config/buf.h"

enum output_type {
    OUTPUT_NULL,
    OUTPUT_INTEGER,
    OUTPUT_REAL,
    OUTPUT_TEXT,
    OUTPUT_BLOB,
};

struct output_value {
    enum output_type type;
    int64_t integer;
    double real;
    struct span text; /* TEXT and BLOB */
};

typedef enum err cell_put_fn(struct buf *out, const struct output_value *v);

/* The digits of n, in text. */
#define CELL_INTEGER_SIZE 24
struct span cell_integer(int64_t n, char text[CELL_INTEGER_SIZE]);

/* As it is; NULL as nothing, a BLOB in hexadecimal digits. */
enum err cell_put_plain(struct buf *out, const struct output_value *v) MUST_USE;

/* RFC 8259; what may not stand on a terminal is escaped, bytes that are no UTF-8 are U+FFFD. */
enum err cell_put_json(struct buf *out, const struct output_value *v) MUST_USE;
enum err cell_put_json_text(struct buf *out, struct span s) MUST_USE;

/* Valid JSON as it stands, but for what may not stand on a terminal: that is only in strings, as escapes. */
enum err cell_put_json_value(struct buf *out, struct span json) MUST_USE;

/* RFC 4180 quoting; a cell that a spreadsheet would run as a formula is disarmed (OWASP CSV injection). */
enum err cell_put_csv(struct buf *out, const struct output_value *v) MUST_USE;

/* Tab, newline, return and backslash as \t, \n, \r, \\ : one row stays one line. */
enum err cell_put_tsv(struct buf *out, const struct output_value *v) MUST_USE;

/* A cell of a table: on one line, and with what may not stand on a terminal escaped as there, wherever it goes. */
enum err cell_put_markdown(struct buf *out, const struct output_value *v) MUST_USE;

/* By put, after what a terminal must not see was escaped. */
enum err cell_put_terminal(struct buf *out, const struct output_value *v,
                           cell_put_fn *put) MUST_USE;
