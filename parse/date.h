/* SPDX-License-Identifier: MIT */
/*
 * Dates as the web writes them, turned into Unix milliseconds (UTC) and back.
 * One lenient reader serves HTTP fields, feeds and sitemaps: the three forms
 * of HTTP-date (RFC 9110 §5.6.7), RFC 822/2822/5322 dates with their zone
 * names, W3C-DTF, ISO 8601 calendar dates, and RFC 3339.
 *
 * Pure: no clock, no locale, no allocation, linear in the text.
 */
#pragma once

#include "config/clock.h"
#include "config/err.h"
#include "config/span.h"

struct date {
    int64_t wall_ms;
    bool
        is_local; /* a time of day without a zone: read as UTC, but the instant is a guess */
};

/*
 * Reads any of the forms above, white space around it ignored. Missing parts
 * count as their beginning ("2024-05" is 2024-05-01T00:00:00Z); a leap second
 * counts as the second after it. Two-digit years as in RFC 5322 §4.3.
 * ERR_INVALID when no date can be made out or a part is out of range.
 */
enum err date_parse(struct span text, struct date *out) MUST_USE;

/*
 * HTTP-date (RFC 9110 §5.6.7): IMF-fixdate, RFC 850 or asctime, with sloppy
 * spacing. A two-digit year that would lie more than 50 years after now_wall_ms
 * belongs to the century before. ERR_INVALID otherwise.
 */
enum err date_parse_http(struct span text, int64_t now_wall_ms,
                         int64_t *out_wall_ms) MUST_USE;

/* Bytes for date_format_rfc3339 with its NUL. */
#define DATE_RFC3339_SIZE CLOCK_ISO_SIZE

/*
 * "2024-05-01T12:00:00Z" into out (with ".250" only where there are
 * milliseconds); returns out. Years outside 0-9999 are clamped (RFC 3339 §1).
 */
char *date_format_rfc3339(int64_t wall_ms, char out[DATE_RFC3339_SIZE]);
