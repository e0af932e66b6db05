/* SPDX-License-Identifier: MIT */
#include "store/reader_diff.h"

#include "config/buf.h"
#include "store/reader_lines.h"
#include "store/vocab.h"

#define MAX_SQL ((size_t)64 * KIB)

/* --- which runs ------------------------------------------------------------------- */

/* A whole number as a text parameter. */
struct parameter {
    char text[24];
};

static struct span write_number(struct parameter *p, int64_t value)
{
    int n = snprintf(p->text, sizeof p->text, "%lld", (long long)value);

    return span_make(p->text, (size_t)n);
}

/* A row of whole numbers on its way out of a query. */
struct numbers {
    int64_t *out;
    size_t n;
    bool found;
};

static enum err on_numbers(void *arg, const struct span *columns,
                           const struct reader_value *values, size_t n)
{
    struct numbers *to = arg;

    (void)columns;
    if (!values)
        return OK;
    to->found = true;
    for (size_t i = 0; i < MIN(n, to->n); i++)
        to->out[i] = values[i].integer;
    return OK;
}

/* The first row's numbers; NULL gives 0. params are numbers too. */
static enum err ask(struct reader *r, const char *sql, const int64_t *params,
                    size_t n_params, int64_t *out, size_t n, struct err_note *note)
{
    struct numbers numbers = { out, n, false };
    struct parameter texts[2];
    struct span spans[2] = { SPAN_NONE };

    BUG_IF(n_params > ARRAY_LEN(spans));
    for (size_t i = 0; i < n_params; i++)
        spans[i] = write_number(&texts[i], params[i]);
    for (size_t i = 0; i < n; i++)
        out[i] = 0;
    return reader_query(r, span_str(sql), spans, n_params, on_numbers, &numbers, note);
}

#define NO_RUN "there is no run %lld (crawl sql runs)"

static enum err pick(struct reader *r, const int64_t *runs, size_t n, int64_t out[2],
                     struct err_note *note)
{
    static const char SQL[] = "SELECT max(id), (SELECT max(id) FROM runs"
                              " WHERE id < (SELECT max(id) FROM runs)) FROM runs";
    int64_t last[2];
    enum err e = ask(r, SQL, NULL, 0, last, 2, note);

    if (e)
        return e;
    if (!last[0])
        return err_set(note, ERR_NOT_FOUND, "there is no run in it yet");
    out[0] = n > 0 ? runs[0] : last[1];
    out[1] = n > 1 ? runs[1] : last[0];
    if (out[0] > last[0])
        return err_set(note, ERR_NOT_FOUND, NO_RUN, (long long)out[0]);
    if (out[0] >= out[1])
        return err_set(note, ERR_USAGE,
                       "run %lld is not before run %lld: name the earlier one first",
                       (long long)out[0], (long long)out[1]);
    return OK;
}

/* The first fetch that is of a later run than this one: rows are in the order of runs. */
static enum err find_bound(struct reader *r, int64_t run, int64_t *out,
                           struct err_note *note)
{
#define MIDDLE "(low + high) / 2"
#define IS_BEFORE                                   \
    "(SELECT run_id FROM fetch WHERE id >= " MIDDLE \
    " ORDER BY id LIMIT 1) <= CAST(?1 AS INTEGER)"
    static const char SQL[] =
        "WITH RECURSIVE search(low, high) AS ("
        " SELECT coalesce((SELECT min(id) FROM fetch), 1),"
        " coalesce((SELECT max(id) FROM fetch), 0) + 1"
        " UNION ALL SELECT CASE WHEN " IS_BEFORE " THEN " MIDDLE " + 1 ELSE low END,"
        " CASE WHEN " IS_BEFORE " THEN high ELSE " MIDDLE " END"
        " FROM search WHERE low < high)"
        " SELECT low FROM search WHERE low >= high LIMIT 1";

    return ask(r, SQL, &run, 1, out, 1, note);
}

static enum err check_run(struct reader *r, int64_t run, int64_t *is_finished,
                          struct err_note *note)
{
    static const char SQL[] =
        "SELECT 1, state = 'finished' FROM runs WHERE id = CAST(?1 AS INTEGER)";
    int64_t found[2];
    enum err e = ask(r, SQL, &run, 1, found, 2, note);

    if (!e && !found[0])
        e = err_set(note, ERR_NOT_FOUND, NO_RUN, (long long)run);
    *is_finished = found[1];
    return e;
}

/* Rows that are gone without a note of it went before notes were taken. */
static enum err check_history(struct reader *r, const struct reader_diff *d,
                              struct err_note *note)
{
    static const char SQL[] =
        "SELECT (SELECT value FROM meta WHERE name = 'history_lost'),"
        " NOT EXISTS (SELECT 1 FROM meta WHERE name = 'history_lost')"
        " AND EXISTS (SELECT 1 FROM runs WHERE json_valid(settings)"
        " AND json_extract(settings, '$.\"keep-history\"') > 0)"
        " AND (SELECT sum(requests) FROM runs) > (SELECT count(*) FROM fetch)";
    int64_t lost[2];
    enum err e = ask(r, SQL, NULL, 0, lost, 2, note);

    if (e)
        return e;
    if (lost[1])
        return err_set(note, ERR_FULL,
                       "--keep-history has removed fetches, and an older crawl did not"
                       " note which; two more runs, and they can be compared");
    if (lost[0] >= (d->old_run ? d->old_run : d->new_run))
        return err_set(note, ERR_FULL,
                       "--keep-history has removed what run %lld left; runs from %lld"
                       " on can be compared",
                       (long long)(d->old_run ? d->old_run : d->new_run),
                       (long long)lost[0] + 1);
    return OK;
}

enum err reader_diff_choose(struct reader *r, const int64_t *runs, size_t n,
                            struct reader_diff *out, struct err_note *note)
{
    static const char QUEUED[] = "SELECT n FROM state_count WHERE state = 0";
    struct reader_diff d = { 0 };
    int64_t picked[2] = { 0 }, is_finished = 1;
    enum err e = pick(r, runs, n, picked, note);

    if (e)
        return e;
    d.old_run = picked[0];
    d.new_run = picked[1];
    if (d.old_run)
        e = check_run(r, d.old_run, &is_finished, note);
    if (!e)
        e = check_run(r, d.new_run, &is_finished, note);
    d.is_finished = is_finished != 0;
    if (!e)
        e = check_history(r, &d, note);
    if (!e)
        e = find_bound(r, d.old_run, &d.from_id, note);
    if (!e)
        e = find_bound(r, d.new_run, &d.to_id, note);
    d.settled_id = d.to_id;
    if (!e && !d.is_finished)
        e = find_bound(r, d.new_run - 1, &d.settled_id, note);
    if (!e && !d.is_finished)
        e = ask(r, QUEUED, NULL, 0, &d.n_queued, 1, note);
    *out = d;
    return e;
}

/* --- what a URL was ----------------------------------------------------------------- */

/*
 * Queries are joined from parts; in each, '@' stands for a name. ?1, ?2, ?3 are the bounds
 * of struct reader_diff; they come as text, so "+ 0" makes numbers of them where no column
 * does.
 */
struct part {
    const char *sql, *name; /* sql NULL: the last one */
};

/*
 * For the URLs of a table @_ids: @_ends with their last fetches then and now (a, b);
 * @_bases with the answers these rest on (ga, gb); @ with what that makes of them.
 */
static const char STATES[] =
    "@_ends AS MATERIALIZED (SELECT u.id, u.url,"
    " (SELECT max(f.id) FROM fetch f WHERE f.url_id = u.id AND f.id < ?1) AS a,"
    " (SELECT max(f.id) FROM fetch f WHERE f.url_id = u.id AND f.id <"
    " CASE WHEN u.state = 0 THEN ?3 ELSE ?2 END + 0) AS b"
    " FROM @_ids i CROSS JOIN url u ON u.id = i.id),"
    " @_bases AS MATERIALIZED (SELECT id, url, a, b,"
    " (SELECT max(f.id) FROM fetch f WHERE f.url_id = e.id AND f.id <= e.a"
    " AND f.outcome IN (" VOCAB_ANSWERS ")) AS ga,"
    " (SELECT max(f.id) FROM fetch f WHERE f.url_id = e.id AND f.id <= e.b"
    " AND f.outcome IN (" VOCAB_ANSWERS ")) AS gb FROM @_ends e),"
    " @_words AS MATERIALIZED (SELECT x.*,"
    " coalesce(nullif(fa.outcome, 'not_modified'), ha.outcome, fa.outcome, 'none')"
    " AS was_outcome,"
    " coalesce(nullif(fb.outcome, 'not_modified'), hb.outcome, fb.outcome, 'none')"
    " AS now_outcome,"
    " coalesce(ha.status_code, fa.status_code) AS was_code,"
    " coalesce(hb.status_code, fb.status_code) AS now_code"
    " FROM @_bases x LEFT JOIN fetch fa ON fa.id = x.a LEFT JOIN fetch fb ON fb.id = x.b"
    " LEFT JOIN fetch ha ON ha.id = x.ga LEFT JOIN fetch hb ON hb.id = x.gb),"
    " @ AS MATERIALIZED (SELECT *,"
    " CASE WHEN was_outcome IN ('ok', 'too_large', 'not_modified') THEN 'page'"
    " WHEN was_outcome IN ('none', 'redirect') THEN was_outcome"
    " WHEN was_outcome <> 'http_error' THEN 'failed'"
    " WHEN was_code IN (404, 410) THEN 'gone' ELSE 'error' END AS was,"
    " CASE WHEN now_outcome IN ('ok', 'too_large', 'not_modified') THEN 'page'"
    " WHEN now_outcome IN ('none', 'redirect') THEN now_outcome"
    " WHEN now_outcome <> 'http_error' THEN 'failed'"
    " WHEN now_code IN (404, 410) THEN 'gone' ELSE 'error' END AS now,"
    " CASE WHEN was_outcome IN (" VOCAB_ANSWERS ", 'not_modified')"
    " THEN CAST(was_code AS TEXT) ELSE nullif(was_outcome, 'none') END AS was_label,"
    " CASE WHEN now_outcome IN (" VOCAB_ANSWERS ", 'not_modified')"
    " THEN CAST(now_code AS TEXT) ELSE nullif(now_outcome, 'none') END AS now_label"
    " FROM @_words)";

static const char ASKED_IDS[] =
    "WITH asked_ids AS MATERIALIZED"
    " (SELECT DISTINCT f.url_id AS id FROM fetch f WHERE f.id >= ?1 AND f.id < ?2), ";

/* --- URLs --------------------------------------------------------------------------- */

/*
 * What is gone is reported at its first 404, also where failures or other errors came between. pa and pb
 * are the answers of URLs that are pages both times; oa or na, ob or nb the rows of page
 * that these belong to: the one that was replaced next, or the page's own.
 */
static const struct part urls_sql[] = {
    { ASKED_IDS, NULL },
    { STATES, "asked" },
    { " SELECT CASE WHEN s.now IN ('page', 'redirect') THEN"
      " CASE WHEN s.was = 'none' THEN 0 WHEN s.was IN ('page', 'redirect') THEN 4"
      " ELSE 3 END"
      " WHEN s.now = 'gone' AND (s.was IN ('page', 'redirect') OR (s.was IN ('failed',"
      " 'error') AND (SELECT f.outcome <> 'http_error' FROM fetch f WHERE f.url_id = s.id"
      " AND f.id <= s.a AND " VOCAB_SAYS_WHAT_IT_IS " ORDER BY f.id DESC LIMIT 1))) THEN 1"
      " WHEN s.was IN ('none', 'page', 'redirect') THEN 2 ELSE 4 END, s.url,"
      " simhash_distance(coalesce(oa.simhash, na.simhash),"
      " coalesce(ob.simhash, nb.simhash)), s.was_label, s.now_label,",
      NULL },
    /* A redirect's target: the row of its run, else what the server said. */
    { " CASE WHEN s.was = 'redirect' THEN coalesce((SELECT t.url FROM redirects r"
      " JOIN url t ON t.id = r.dst_id WHERE r.src_id = s.id"
      " AND r.run_id = ra.run_id), ra.location) END,"
      " CASE WHEN s.now = 'redirect' THEN coalesce((SELECT t.url FROM redirects r"
      " JOIN url t ON t.id = r.dst_id WHERE r.src_id = s.id"
      " AND r.run_id = rb.run_id), rb.location) END,"
      " lower(trim(substr(pa.content_type, 1, instr(pa.content_type || ';', ';') - 1))),"
      " lower(trim(substr(pb.content_type, 1, instr(pb.content_type || ';', ';') - 1))),"
      " lower(hex(nullif(pa.sha256, zeroblob(32)))),"
      " lower(hex(nullif(pb.sha256, zeroblob(32)))),",
      NULL },
    { " CASE WHEN oa.url_id THEN oa.title ELSE na.title END,"
      " CASE WHEN ob.url_id THEN ob.title ELSE nb.title END,"
      " CASE WHEN oa.url_id THEN oa.description ELSE na.description END,"
      " CASE WHEN ob.url_id THEN ob.description ELSE nb.description END,"
      " CASE WHEN oa.url_id THEN oa.canonical_url ELSE na.canonical_url END,"
      " CASE WHEN ob.url_id THEN ob.canonical_url ELSE nb.canonical_url END,"
      " CASE WHEN oa.url_id THEN oa.robots_meta ELSE na.robots_meta END,"
      " CASE WHEN ob.url_id THEN ob.robots_meta ELSE nb.robots_meta END,"
      " CASE WHEN oa.url_id THEN oa.x_robots_tag ELSE na.x_robots_tag END,"
      " CASE WHEN ob.url_id THEN ob.x_robots_tag ELSE nb.x_robots_tag END",
      NULL },
    { " FROM asked s"
      " LEFT JOIN fetch ra ON ra.id = s.ga LEFT JOIN fetch rb ON rb.id = s.gb"
      " LEFT JOIN fetch pa ON pa.id = s.ga AND s.was = 'page' AND s.now = 'page'"
      " LEFT JOIN fetch pb ON pb.id = s.gb AND s.was = 'page' AND s.now = 'page'"
      " LEFT JOIN page_old oa ON oa.url_id = s.id AND oa.fetch_id = (SELECT"
      " min(o.fetch_id) FROM page_old o WHERE o.url_id = s.id AND o.fetch_id >= pa.id)"
      " LEFT JOIN page na ON na.url_id = s.id AND oa.url_id IS NULL"
      " AND na.fetch_id >= pa.id"
      " LEFT JOIN page_old ob ON ob.url_id = s.id AND ob.fetch_id = (SELECT"
      " min(o.fetch_id) FROM page_old o WHERE o.url_id = s.id AND o.fetch_id >= pb.id)"
      " LEFT JOIN page nb ON nb.url_id = s.id AND ob.url_id IS NULL"
      " AND nb.fetch_id >= pb.id"
      " WHERE s.b >= ?1 + 0 AND (s.ga IS NOT s.gb OR s.was <> s.now"
      " OR s.was_label IS NOT s.now_label) ORDER BY 1, 2",
      NULL },
    { NULL, NULL },
};

static const struct part coverage_sql[] = {
    { ASKED_IDS, NULL },
    { "known_ids AS MATERIALIZED (SELECT u.id FROM url u WHERE u.fetch_id IS NOT NULL"
      " AND u.id NOT IN (SELECT id FROM asked_ids)), ",
      NULL },
    { STATES, "known" },
    { " SELECT (SELECT count(*) FROM asked_ids i JOIN url u ON u.id = i.id"
      " WHERE u.state <> 0 OR EXISTS (SELECT 1 FROM fetch f WHERE f.url_id = u.id"
      " AND f.id >= ?1 AND f.id < ?3)),"
      " (SELECT count(*) FROM known WHERE now IN ('page', 'redirect'))",
      NULL },
    { NULL, NULL },
};

/* --- broken links ------------------------------------------------------------------- */

/*
 * CROSS JOIN: from the few pairs to the rest, in this order; SQLite knows no sizes here.
 * No link has a source below 0: that part of origin_ids tells it that there may be many,
 * or it would go through all of them for every pair.
 *
 * Sources are pages whose links are those of the later run still: their row was not
 * replaced since. News is a link whose target led somewhere then, or a link that was not
 * there: on a page that was none, or another.
 */
static const struct part broken_sql[] = {
    { ASKED_IDS, NULL },
    { STATES, "asked" },
    { ", source AS MATERIALIZED (SELECT id FROM asked s WHERE b >= ?1 + 0"
      " AND now = 'page' AND (was <> 'page' OR EXISTS (SELECT 1 FROM page_old o"
      " WHERE o.url_id = s.id AND o.fetch_id >= s.ga))),"
      " target_ids AS MATERIALIZED (SELECT id FROM asked_ids UNION SELECT l.dst_id"
      " FROM links l WHERE l.src_id IN (SELECT id FROM source)), ",
      NULL },
    { STATES, "target" },
    { ", bad AS MATERIALIZED (SELECT * FROM target"
      " WHERE now IN ('gone', 'error', 'failed')),"
      " fresh AS MATERIALIZED (SELECT id FROM bad"
      " WHERE was NOT IN ('gone', 'error', 'failed')),"
      " pair AS MATERIALIZED ("
      " SELECT src_id, dst_id FROM links WHERE dst_id IN (SELECT id FROM fresh)"
      " UNION SELECT src_id, dst_id FROM links WHERE src_id IN (SELECT id FROM source)"
      " AND +dst_id IN (SELECT id FROM bad)),"
      " origin_ids AS MATERIALIZED (SELECT src_id AS id FROM pair"
      " UNION SELECT src_id FROM links WHERE src_id < 0), ",
      NULL },
    { STATES, "origin" },
    { " SELECT s.url, d.url, coalesce(k.key, k.url), d.was_label, d.now_label,"
      " CASE WHEN d.was IN ('gone', 'error', 'failed') AND s.was = 'page'"
      " THEN s.ga END"
      " FROM pair p CROSS JOIN origin s ON s.id = p.src_id"
      " CROSS JOIN bad d ON d.id = p.dst_id"
      " CROSS JOIN url k ON k.id = p.dst_id WHERE s.now = 'page' AND NOT EXISTS (SELECT 1"
      " FROM page_old o WHERE o.url_id = s.id AND o.fetch_id >= s.gb)"
      " ORDER BY s.url, d.url",
      NULL },
    { NULL, NULL },
};

/* Pages of then that had other links than are in the database now. */
static const struct part outdated_sql[] = {
    { "WITH known_ids AS MATERIALIZED (SELECT DISTINCT url_id AS id FROM page_old), ",
      NULL },
    { STATES, "known" },
    { " SELECT count(*) FROM known s WHERE now = 'page' AND EXISTS (SELECT 1"
      " FROM page_old o WHERE o.url_id = s.id AND o.fetch_id >= s.gb)",
      NULL },
    { NULL, NULL },
};

static const struct part body_sql[] = {
    { "SELECT u.url, f.content_type, " READER_RAW_LINES("f.headers"), NULL },
    { ", b.codec, b.data FROM fetch f JOIN url u ON u.id = f.url_id"
      " JOIN body b ON b.id = f.body_id WHERE f.id = CAST(?4 AS INTEGER)",
      NULL },
    { NULL, NULL },
};

static const struct part *const questions[N_READER_DIFF_QUESTIONS] = {
    [READER_DIFF_URLS] = urls_sql,         [READER_DIFF_BROKEN] = broken_sql,
    [READER_DIFF_BODY] = body_sql,         [READER_DIFF_COVERAGE] = coverage_sql,
    [READER_DIFF_OUTDATED] = outdated_sql,
};

static enum err append_part(struct buf *sql, const struct part *p)
{
    struct span rest = span_str(p->sql);
    enum err e = OK;

    while (!e && rest.len) {
        size_t at = p->name ? span_find(rest, '@') : rest.len;

        e = buf_append(sql, span_slice(rest, 0, at));
        if (!e && at < rest.len)
            e = buf_append(sql, span_str(p->name));
        rest = span_skip(rest, at + 1);
    }
    return e;
}

enum err reader_diff_query(struct reader *r, const struct reader_diff *d,
                           enum reader_diff_question question, int64_t value,
                           reader_row_fn *fn, void *arg, struct err_note *note)
{
    int64_t numbers[4] = { d->from_id, d->to_id, d->settled_id, value };
    struct parameter texts[4];
    struct span params[4];
    struct buf sql;
    enum err e = OK;

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        params[i] = write_number(&texts[i], numbers[i]);
    buf_init(&sql, MAX_SQL);
    for (const struct part *p = questions[question]; !e && p->sql; p++)
        e = append_part(&sql, p);
    if (!e)
        e = buf_append_byte(&sql, '\0'); /* SQLite looks behind the end */
    if (!e)
        e = reader_query(r, span_slice(buf_span(&sql), 0, sql.len - 1), params,
                         ARRAY_LEN(params), fn, arg, note);
    buf_clear(&sql);
    return e;
}
