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

/*
 * Also where nothing may be written beside the file, as long as no crawl has it open.
 * ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION, ERR_REFUSED (another program's file, a link, tables or
 * views of ours that are not as this program makes them: shape.h), ERR_IO.
 */
enum err reader_open(const char *path, struct reader **out,
                     struct err_note *note) MUST_USE;
/* An empty database of the newest schema, in memory: to ask what there is in every one. */
enum err reader_open_empty(struct reader **out, struct err_note *note) MUST_USE;

/*
 * The same for a database that this very process has open for writing: a look at the file
 * beside SQLite would, when it is closed, take SQLite's locks with it.
 */
enum err reader_open_own(const char *path, struct reader **out,
                         struct err_note *note) MUST_USE;
void reader_close(struct reader *r);

/*
 * Runs one statement with text parameters ?1, ?2 ... ERR_USAGE: the statement
 * is wrong or may not be run; ERR_TIMEOUT past deadline_ms; or what fn returned.
 */
enum err reader_query(struct reader *r, struct span sql, const struct span *params,
                      size_t n_params, reader_row_fn *fn, void *arg,
                      struct err_note *note) MUST_USE;

/*
 * From now on every query sees the file as the first one finds it, and what a
 * query has to sort or to keep goes into temporary files (nameless ones) where it
 * is more than cache_bytes. Until reader_close. ERR_IO, ERR_CORRUPT.
 */
enum err reader_hold(struct reader *r, int64_t cache_bytes,
                     struct err_note *note) MUST_USE;

/* A value that a person gave for ?1, ?2 ... (name SPAN_NONE, in order), or for :name, @name, $name. */
struct reader_param {
    struct span name, value;
};

/*
 * Runs one statement with values from a person: what is written as a number is one.
 * ERR_USAGE also when a value has no place in the statement, or a place no value.
 */
enum err reader_ask(struct reader *r, struct span sql, const struct reader_param *params,
                    size_t n_params, reader_row_fn *fn, void *arg,
                    struct err_note *note) MUST_USE;

/* The connection, for store/ alone. */
struct sqlite3;
struct sqlite3 *reader_handle(struct reader *r);

/* How long one query may take; 0 = as long as it likes (the default). */
void reader_set_deadline(struct reader *r, int64_t deadline_ms);

/*
 * The zstd dictionary that a stored body needs (data of the table bodies), and its id;
 * 0 and nothing when it needs none. Valid until the next call; may be called for a row
 * while its query runs. ERR_NOT_FOUND, ERR_CORRUPT: missing, damaged; the note says which.
 */
enum err reader_dictionary(struct reader *r, struct span packed, uint32_t *out_id,
                           struct span *out, struct err_note *note) MUST_USE;

/* A named report, such as "broken-links". */
struct reader_report {
    const char *name, *about, *sql;
};

/* All of them, the end marked by a NULL name. */
extern const struct reader_report reader_reports[];
const struct reader_report *reader_find_report(struct span name);

/*
 * What must hold in every database, each as a query whose rows are the exceptions (a lone "ok" is none).
 * about is the table, or table.column, it is about, which a file of an older schema may lack.
 */
extern const struct reader_report reader_checks[];

/* The index of the full text, looked through. */
struct reader_text {
    int64_t bytes;    /* that it has, about */
    bool is_left_out; /* more than was allowed: not looked at */
    bool is_wrong;
    char problem[160]; /* then; for people */
};

/*
 * Do the pages of the full-text index hold together? They are copied into a nameless temporary file for that,
 * unless they have more than max_bytes (-1: however many). Damage of some bytes may go unseen, of a sector
 * hardly. Holds the file as reader_hold does. ERR_IO: no copy could be made; else as reader_query.
 */
enum err reader_check_text(struct reader *r, int64_t max_bytes, struct reader_text *out,
                           struct err_note *note) MUST_USE;

/* Is the file of an older schema, which has no such "table" or "table.column"? */
bool reader_may_lack(const struct reader *r, const char *what);

/*
 * The parts of `crawl explain`. The first takes a URL's key as ?1 and gives its
 * row, id first; the others take that id.
 */
extern const struct reader_report reader_explanations[];

/*
 * The parts of `crawl show`, in their order: by name (a member of --json), title,
 * and the query, which takes the row's id as ?1 and how many rows are wanted as ?2
 * (-1: all). A part of many rows whose first column is "total" says in it how many
 * there are.
 */
struct reader_part {
    const char *name, *title, *sql;
    bool is_record; /* one row at most */
};
extern const struct reader_part reader_parts[];

/* Further queries of `crawl show`. */
enum reader_lookup {
    LOOKUP_ID,      /* ?1 a key: its id */
    LOOKUP_OF_HOST, /* ?1 a host: every URL of it */
    LOOKUP_HEADERS, /* ?1 an id: http_version, status_code, request_headers, headers (raw lines) of its latest fetch */
    LOOKUP_BODY,    /* ?1 an id: url, content_type, codec, data, size of the newest stored body */
    LOOKUP_LINKS,   /* ?1 an id: every link out and in */
    N_LOOKUPS
};
extern const struct reader_report reader_lookups[N_LOOKUPS];

/*
 * Queries of `crawl schema`, on any database: its public and compact tables and
 * views in the order in which they were made, without what SQLite keeps for itself.
 */
enum reader_schema {
    SCHEMA_NAMES,   /* name, "table" or "view" */
    SCHEMA_COLUMNS, /* ?1 a name: its columns and their types ("": an expression) */
    SCHEMA_SQL,     /* ?1 a name, or "" for all: the statements that make it, indexes too */
    N_SCHEMA_QUERIES
};
extern const struct reader_report reader_schema_queries[N_SCHEMA_QUERIES];

/*
 * What decides about a URL that was never seen; texts, but for what is said to be a number.
 *   seeds     every seed, and every URL that a seed's redirects lead to
 *   host      ?1 scheme, ?2 host, ?3 port; columns as enum reader_host
 *   known     ?1 all, due or none: what answered with content, of each host, and what a start with
 *             that --revisit asks for; columns as enum reader_known
 *   settings  ?1 our settings as JSON: name and value of those that decide about
 *             URLs and were otherwise in the last run
 */
enum reader_prospect {
    PROSPECT_SEEDS,
    PROSPECT_HOST,
    PROSPECT_SETTINGS,
    PROSPECT_KNOWN,
    N_PROSPECTS
};
extern const struct reader_report reader_prospects[N_PROSPECTS];

enum reader_host {
    READER_HOST_RUN_PAGES, /* a number: answered page requests of the latest run */
    READER_HOST_BACKOFF,   /* until when, if that is still to come */
    READER_HOST_ROBOTS_OUTCOME, /* "ok", "no_rules", "unreachable"; NULL, as the next ones, if it was never asked for */
    READER_HOST_ROBOTS_AT,
    READER_HOST_ROBOTS_STATUS, /* a number */
    READER_HOST_ROBOTS_BODY,
    READER_HOST_ROBOTS_IS_OLD, /* a number: 1 when it would be read again */
    N_READER_HOST_COLUMNS
};

/* Numbers but for the first two. */
enum reader_known {
    READER_KNOWN_SCHEME,
    READER_KNOWN_HOST,
    READER_KNOWN_PORT,
    READER_KNOWN_PAGES,
    READER_KNOWN_MEAN_BYTES, /* on the wire */
    READER_KNOWN_MEAN_MS,    /* of the whole request */
    READER_KNOWN_URLS,       /* that are not excluded for good */
    READER_KNOWN_DUE,        /* of them what the next start asks for */
    N_READER_KNOWN_COLUMNS
};

/* Queries of `crawl status`. */
extern const struct reader_report reader_status[];

/* What `crawl export` reads; each by its own name below. */
extern const struct reader_report reader_exports[];
/* The one of that name, which must be there. */
const struct reader_report *reader_find_export(const char *name);

/* "warc-exchanges" takes the id of the last fetch read as ?1 and gives the next ones, so: */
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

/*
 * A part of `crawl report`, by its name, which must be there. "run" takes the id
 * of a run as ?1, 0 for the last one; "host" the id of a host. The others take the
 * run's id and its first and last fetch as "run" gave them, and how many rows are
 * wanted, as ?1 to ?4; their first columns are totals, the same in every row.
 */
const struct reader_report *reader_find_part(const char *name);

/* Columns of the part "run". */
enum reader_outline {
    READER_OUTLINE_ID,
    READER_OUTLINE_PREVIOUS, /* the run before it; NULL for the first */
    READER_OUTLINE_IS_LAST,
    READER_OUTLINE_STATE,
    READER_OUTLINE_STOP_REASON,
    READER_OUTLINE_VERSION,
    READER_OUTLINE_STARTED_AT,
    READER_OUTLINE_ENDED_AT, /* of a run that goes on: its last request */
    READER_OUTLINE_REQUESTS,
    READER_OUTLINE_PAGES,
    READER_OUTLINE_BYTES,
    READER_OUTLINE_NEW_URLS,
    READER_OUTLINE_QUEUED, /* these five: at its end, or now while it is not over */
    READER_OUTLINE_FETCHED,
    READER_OUTLINE_NOT_MODIFIED,
    READER_OUTLINE_FAILED,
    READER_OUTLINE_EXCLUDED,
    READER_OUTLINE_FIRST_FETCH,
    READER_OUTLINE_LAST_FETCH,
    N_READER_OUTLINE_COLUMNS
};

/* Columns of the part "answers": one row a request. */
enum reader_answer {
    READER_ANSWER_OUTCOME,
    READER_ANSWER_STATUS_CODE,
    READER_ANSWER_FETCHED_AT,
    READER_ANSWER_TOTAL_MS,
    READER_ANSWER_SIZE,
    READER_ANSWER_WIRE_SIZE,
    READER_ANSWER_DEPTH,
    READER_ANSWER_HOST_ID,
    READER_ANSWER_CONTENT_TYPE,
    N_READER_ANSWER_COLUMNS
};
