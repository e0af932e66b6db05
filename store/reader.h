/* SPDX-License-Identifier: MIT */
/*
 * Reading a database, also while a crawl writes it: what `crawl sql`, status,
 * verify and explain stand on. The file may be hostile and the query a
 * stranger's (promise P39): opened read-only, query_only, defensive, without
 * trusted schema, with an authorizer that refuses ATTACH, pragmas that write
 * and extension loading, and with a deadline.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct reader;

enum reader_type {
    READER_NULL,
    READER_INTEGER,
    READER_REAL,
    READER_TEXT,
    READER_BLOB,
};

/* A value of the present row; text is valid during the callback only. */
struct reader_value {
    enum reader_type type;
    int64_t integer;
    double real;
    struct span text; /* TEXT, BLOB */
};

/*
 * One row. Called first with values NULL and the column names, also when there
 * are no rows. An error returned ends the query with that error.
 */
typedef enum err reader_row_fn(void *arg, const struct span *columns,
                               const struct reader_value *values, size_t n);

/* ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION, ERR_REFUSED (another program's file, a link), ERR_IO. */
enum err reader_open(const char *path, struct reader **out,
                     struct err_note *note) MUST_USE;
void reader_close(struct reader *r);

/*
 * Runs one statement with text parameters ?1, ?2 ... ERR_USAGE: the statement
 * is wrong or may not be run; ERR_TIMEOUT past deadline_ms; or what fn returned.
 */
enum err reader_query(struct reader *r, struct span sql, const struct span *params,
                      size_t n_params, reader_row_fn *fn, void *arg,
                      struct err_note *note) MUST_USE;

/* How long one query may take; 0 = as long as it likes (the default). */
void reader_set_deadline(struct reader *r, int64_t deadline_ms);

/* A named report, such as "broken-links". */
struct reader_report {
    const char *name, *about, *sql;
};

/* All of them, the end marked by a NULL name. */
extern const struct reader_report reader_reports[];
const struct reader_report *reader_find_report(struct span name);

/* What must hold in every database, each as a query whose rows are the exceptions (a lone "ok" is none). */
extern const struct reader_report reader_checks[];

/* The parts of `crawl explain`: each query takes the URL's id (explain_row: the URL as text) as ?1. */
extern const struct reader_report reader_explanations[];

/* Queries of `crawl status`. */
extern const struct reader_report reader_status[];

/* What `crawl export` reads; each by its own name below. */
extern const struct reader_report reader_exports[];
/* The one of that name, which must be there. */
const struct reader_report *reader_find_export(const char *name);

/* Of those, "warc-exchanges" takes the id of the last fetch read as ?1 and gives the next ones, these columns each. */
enum reader_exchange {
    READER_EXCHANGE_ID,
    READER_EXCHANGE_URL,
    READER_EXCHANGE_FETCHED_AT, /* Unix ms */
    READER_EXCHANGE_IP,
    READER_EXCHANGE_HTTP_VERSION,
    READER_EXCHANGE_STATUS_CODE,
    READER_EXCHANGE_OUTCOME,
    READER_EXCHANGE_ERROR,
    READER_EXCHANGE_REQUEST_HEADERS, /* raw lines "Name: value\r\n" */
    READER_EXCHANGE_HEADERS,
    READER_EXCHANGE_TOTAL_MS,
    READER_EXCHANGE_VIA,       /* the URL it was found on */
    READER_EXCHANGE_REFERS_TO, /* of a 304: when the content it confirms was fetched */
    READER_EXCHANGE_SHA256,    /* of the decoded body, as 64 hexadecimal digits */
    READER_EXCHANGE_CODEC,     /* NULL, as the next two, without a stored body */
    READER_EXCHANGE_SIZE,
    READER_EXCHANGE_DATA,
    N_READER_EXCHANGE_COLUMNS
};

/* The columns of "warc-run": the latest run. */
enum reader_run {
    READER_RUN_VERSION,
    READER_RUN_USER_AGENT,
    READER_RUN_OPERATOR,
    READER_RUN_ROBOTS, /* "obey", "ignore" */
    READER_RUN_SETTINGS,
    N_READER_RUN_COLUMNS
};
