/* SPDX-License-Identifier: MIT */
/*
 * SQL functions that a reader's queries may use, beside SQLite's own:
 *
 *   url_hash(key)                        the value of url.key_hash for a key; NULL without the file's secret
 *   origin_hash(scheme, host, port)      the least url_hash of its URLs, which differ in the lower 48 bits; NULL
 *                                        also in files of schema 1 to 3
 *   iso_time(ms)                         Unix milliseconds as strftime('%Y-%m-%dT%H:%M:%fZ', ms / 1000.0, 'unixepoch')
 *                                        writes them, in half the time; of the years 1000 to 9999; NULL of no integer
 *   reason_word(reason)                  url.reason as the view urls tells it
 *   simhash_distance(a, b)               bits in which two fingerprints differ; NULL where one is missing or 0
 *   body_problem(sha256, codec, size, data)   what is wrong with a stored body; NULL when data unpacks to
 *                                        size bytes with that SHA-256 (a BLOB)
 *   id_set(id)                           aggregate: the number of a set of these ids, which lives as long as handle
 *   id_is_in(set, id)                    1 when id is in it; one pass over a big table answers for all ids
 *   twin_set(text)                       aggregate: the number of a set of texts, 16 MiB, as long-lived
 *   may_be_twin(set, text)               0 when text was given once or never; 1 when more often, and for a few others
 *   row_set(id, value, ...), row_value(set, id, column)   rows by id (store/reader_rows.h)
 *   relevance(page_text)                 how well a full-text hit fits (store/rank.h), where there is FTS5
 */
#pragma once

#include <sqlite3.h>

#include "config/err.h"

struct reader_functions;

/* Registers them on handle, which must be closed before reader_functions_free. ERR_NO_MEMORY. */
enum err reader_functions_new(sqlite3 *handle, struct reader_functions **out) MUST_USE;
void reader_functions_free(struct reader_functions *f);
