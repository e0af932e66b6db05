/* SPDX-License-Identifier: MIT */
#include "store/reader_ending.h"

#include "store/hosts.h"
#include "store/vocab.h"

/*
 * Fetch rows are numbered in the order of their runs: those of the latest one are the last. A run that was
 * started without seeds has those of the last one that was given some.
 */
#define IS_SILENT "(u.reason = 15 AND u.rule IS '" VOCAB_SILENT_HOST "')"
#define IS_MISSED "(u.state = 3 OR (u.state = 4 AND (u.reason IN (7, 14) OR " IS_SILENT ")))"
static const char ENDING_SQL[] =
    "SELECT e.http_errors, e.known, e.missed, (SELECT v.url || ': ' || coalesce(v.rule || CASE v.reason"
    " WHEN 'blocked_address' THEN ' (--allow-net)' ELSE '' END,"
    " (SELECT f.outcome || coalesce(': ' || f.error, '') FROM fetches f WHERE f.id = v.fetch_id), v.reason)"
    " FROM urls v WHERE v.id = e.first_missed), (SELECT count(*) FROM meta WHERE " HOSTS_UNREAD_SITEMAPS ")"
    " FROM (SELECT"
    " (SELECT count(*) FROM fetch WHERE id > (SELECT max(id) FROM fetch)"
    " - (SELECT requests FROM runs WHERE id = ?1) AND run_id = ?1 AND status_code >= 400) AS http_errors,"
    " count(*) FILTER (WHERE u.state IN (1, 2) OR (u.state = 4 AND u.reason IN (6, 9, 11, 15)"
    " AND NOT " IS_SILENT ")) AS known,"
    " count(*) FILTER (WHERE " IS_MISSED ") AS missed, min(u.id) FILTER (WHERE " IS_MISSED ") AS first_missed"
    " FROM seeds s JOIN url u ON u.id = s.url_id WHERE s.run_id = (SELECT max(run_id) FROM seeds)) e";

_Static_assert(STATE_FETCHED == 1 && STATE_NOT_MODIFIED == 2 && STATE_FAILED == 3 && STATE_EXCLUDED == 4 &&
                   REASON_ROBOTS == 6 && REASON_ROBOTS_UNREACHABLE == 7 && REASON_CONTENT_TYPE == 9 &&
                   REASON_HOST_LIMIT == 11 && REASON_BLOCKED_ADDRESS == 14 && REASON_DEFERRED == 15,
               "the numbers in the SQL");

static enum err on_row(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    struct reader_ending *out = arg;

    (void)columns;
    (void)n;
    if (!values)
        return OK;
    *out = (struct reader_ending){ .http_errors = values[0].integer,
                                   .seeds_known = values[1].integer,
                                   .seeds_missed = values[2].integer,
                                   .unread_sitemaps = values[4].integer };
    if (values[3].type == READER_TEXT)
        snprintf(out->first_missed, sizeof out->first_missed, "%.*s",
                 SPAN_ARG(span_clip_utf8(values[3].text, sizeof out->first_missed - 1)));
    return OK;
}

enum err reader_ending(struct reader *r, int64_t run_id, struct reader_ending *out, struct err_note *note)
{
    char text[24];
    struct span param = span_make(text, (size_t)snprintf(text, sizeof text, "%lld", (long long)run_id));

    *out = (struct reader_ending){ 0 };
    return reader_query(r, span_str(ENDING_SQL), &param, 1, on_row, out, note);
}
