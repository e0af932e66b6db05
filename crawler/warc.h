/* SPDX-License-Identifier: MIT */
/*
 * Writes HTTP exchanges into WARC/1.1 files (ISO 28500:2017) in a directory:
 * crawl-TIMESTAMP-NNNNN.warc.gz, each record a gzip member of its own, beside
 * each file its index (crawl-….cdxj, see crawler/warc_index.h).
 *
 * Invariants
 * 1. A file being written is called NAME.open, is ours alone (created O_EXCL,
 *    0600, locked) and holds whole records when a call returns.
 * 2. A file without .open is complete, has its index, and is never written again.
 * 3. What a writer left behind when it died is cut after its last whole record,
 *    indexed and renamed by the next warc_open on that directory.
 * 4. An answer's payload is written once; the same bytes again (as far as
 *    memory goes) give a revisit record.
 *
 * Knows nothing of the database, the loop or threads. Blocks on the disk: for
 * one thread at a time, never the loop's. Memory is bounded: payloads are
 * pointed at, an index is at most WARC_INDEX_MAX_BYTES.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"

struct warc;

#define WARC_MAX_FILE_BYTES INT64_C(1000000000)

struct warc_options {
    const char *dir; /* made (0700) when it is missing; its parent must be there */
    int64_t max_file_bytes; /* WARC_MAX_FILE_BYTES; one record alone may be larger */
    /* For the warcinfo record of each file; copied. Empty: left out. */
    struct span software, user_agent, robots, operator, description, settings;
};

/* A request and what came of it. Everything is borrowed for the call. */
struct warc_exchange {
    struct span url; /* as it was fetched */
    int64_t date_ms; /* when the request began, Unix ms */
    struct span ip;
    struct span request_headers; /* raw lines without secrets; empty: no record */
    int status_code;             /* 0: no answer */
    struct span http_version;
    struct span headers; /* raw lines of the answer */
    bool has_payload;    /* the body (it may be empty) is at hand: a response record */
    bool is_decoded;     /* ... without its content coding */
    struct span payload;
    const char
        *truncated; /* why the payload is not whole, as ISO 28500 calls it; or NULL */
    int64_t refers_to_date_ms; /* of a 304: date of what it confirms; 0: unknown */
    /* For the metadata record that stands where there is no response: */
    struct span outcome, error, via;
    int64_t total_ms; /* -1: not known */
};

/*
 * Opens the directory and closes what a dead writer left in it; a file that
 * another process writes just now is left alone. ERR_IO, ERR_REFUSED (not a
 * directory); the note names the file and the cause.
 */
enum err warc_open(const struct warc_options *o, struct warc **out,
                   struct err_note *note) MUST_USE;

/*
 * Writes the exchange: response, revisit or metadata, and the request. On
 * return its records are in the file whole, or (ERR_IO, ERR_NO_MEMORY,
 * ERR_TOO_LARGE, with a note) not at all.
 */
enum err warc_write(struct warc *w, const struct warc_exchange *x,
                    struct err_note *note) MUST_USE;

/* Records and files so far. */
struct warc_counts {
    int64_t responses, revisits, metadata, files;
};

void warc_get_counts(const struct warc *w, struct warc_counts *out);

/* Ends the last file and frees w (also on an error). NULL is fine. ERR_IO with a note. */
enum err warc_close(struct warc *w, struct err_note *note) MUST_USE;
