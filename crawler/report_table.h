/* SPDX-License-Identifier: MIT */
/*
 * Tables of a report, each from one part of the database: a heading, what it is,
 * how many there are in all and where the rest is, and the rows. A flat table has a
 * row for each of the query's; a grouped one joins rows with the same id into one,
 * whose last cell lists the members. What there is none of gets a sentence.
 * Nothing here suspends.
 */
#pragma once

#include "crawler/report_html.h"
#include "store/reader.h"

enum report_cell {
    REPORT_TEXT,
    REPORT_URL,
    REPORT_COUNT,
    REPORT_BYTES,
    REPORT_MS,
    REPORT_STATUS, /* a status code, or the word of an outcome */
    REPORT_WORD,   /* of our own vocabulary: - and _ become spaces */
    REPORT_MOMENT,
    REPORT_REAL,  /* with one decimal */
    REPORT_QUOTE, /* text between quotation marks */
    REPORT_PATH,  /* URLs between " -> " */
};

struct report_column {
    const char *heading;
    enum report_cell kind;
};

#define REPORT_TABLE_TOTALS 3

/*
 * The query's columns are, in this order: totals; in a grouped table the group's id
 * and how many members it has; columns; in a grouped table the member's columns,
 * of which the first fills the list and the others are notes behind it.
 */
struct report_table {
    const char *part;                        /* of the store; see reader_find_part */
    const char *id, *heading, *about;        /* anchor; title; a sentence or two */
    const char *totals[REPORT_TABLE_TOTALS]; /* what each is; NULL: no more */
    const char *shown;                       /* "Shown: N of ..." */
    const char *rest;                        /* where the rest is: markup, or NULL */
    const char *none;                        /* the sentence when there is nothing */
    const struct report_column *columns;
    size_t n_columns;
    const char *count_heading; /* of members; NULL: a flat table */
    const struct report_column *members;
    size_t n_members;
};

/* The totals as found; 0 where there are no rows. */
struct report_totals {
    int64_t n[REPORT_TABLE_TOTALS];
    size_t n_rows;   /* shown */
    bool is_unknown; /* nobody has counted */
};

/* The section of a table that cannot be made from this database: its heading and "none". */
void report_table_none(struct report_html *h, const struct report_table *table);

/*
 * Writes the section. params: those of the part. known: totals that the query does
 * not give (table->totals are then theirs), or NULL. What reader_query returns.
 */
enum err report_table_put(struct report_html *h, struct reader *r,
                          const struct report_table *table, const struct span *params,
                          const struct report_totals *known, struct report_totals *out,
                          struct err_note *note) MUST_USE;
