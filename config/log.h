/* SPDX-License-Identifier: MIT */
/*
 * The log: one record a line, "TIME LEVEL component event message", UTC. Bytes
 * that could fool a terminal or forge a line (controls, C1, bidi marks, broken
 * UTF-8) are written as \xNN, whatever format they came in. Writing never
 * waits and never fails the crawl: records that the sink does not take now are
 * counted and dropped, and the count is logged when it takes records again.
 * Repeats of one event beyond 20 a second are counted, and the count is logged
 * with the first record of a later second, or by log_flush.
 *
 * config/ and parse/ never log; they return errors. Log once, where it is decided.
 */
#pragma once

#include "config/base.h"
#include "config/buf.h"
#include "config/err.h"

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
};

/* Records above this level are dropped. Starts at LOG_WARN. */
void log_set_level(enum log_level level);

/*
 * Appends to a file instead of standard error: created 0600; symbolic links,
 * files with several names, pipes and sockets are refused. ERR_IO.
 */
enum err log_open(const char *path, struct err_note *note) MUST_USE;

/* Closes and opens the same path again, after rotation. Keeps the old file when that fails. */
enum err log_reopen(struct err_note *note) MUST_USE;

/* Back to standard error. */
void log_close(void);

/* Logs the counts that are held back; before the program ends. */
void log_flush(void);

/* Is a file open (log_open succeeded)? */
bool log_has_file(void);

/* For tests: every finished record (without its newline) goes here; NULL restores. */
void log_set_sink(void (*sink)(void *arg, enum log_level level, struct span record), void *arg);

/* component and event are literals such as "fetch", "host-backoff". */
void log_error(const char *component, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);
void log_warn(const char *component, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);
void log_info(const char *component, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Appends s with unsafe bytes as \xNN; what terminals, logs and tables show of outside text. */
enum err log_escape(struct buf *out, struct span s) MUST_USE;
