/* SPDX-License-Identifier: MIT */
/*
 * What `crawl report` reads: each query gives a picture's figures or a table's
 * rows, wanted rows only. A million pages have to be read within seconds, so
 * each passes over a big table once at most, goes by numbers, and looks texts up
 * for the rows it returns.
 */
#include <string.h>

#include "store/reader.h"
#include "store/reader_lines.h"

#define RUN   "CAST(?1 AS INTEGER)"
#define FIRST "CAST(?2 AS INTEGER)"
#define LAST  "CAST(?3 AS INTEGER)"
#define ROWS  "CAST(?4 AS INTEGER)"

/* Fetches of a run stand together, since ids grow: found by halving, not by reading them all. */
#define FIRST_FETCH(name, run)                                           \
    name "(lo, hi) AS (SELECT coalesce((SELECT min(id) FROM fetch), 0)," \
         " coalesce((SELECT max(id) FROM fetch), 0) + 1 UNION ALL"       \
         " SELECT CASE WHEN " BEFORE(                                    \
             run) " THEN (lo + hi) / 2 + 1 ELSE lo END,"                 \
                  " CASE WHEN " BEFORE(                                  \
                      run) " THEN hi ELSE (lo + hi) / 2 END FROM " name  \
                           " WHERE lo < hi)"
#define BEFORE(run) \
    "(SELECT run_id FROM fetch WHERE id >= (lo + hi) / 2 ORDER BY id LIMIT 1) < " run

/* A figure of the run's end, or while it has none the present one. */
#define AT_END(column, state)                                             \
    "CASE WHEN r.id = m.last AND r.state = 'running' THEN (SELECT n FROM" \
    " state_count WHERE state = " state ") ELSE r." column " END"

#define START_OF_RUN FIRST_FETCH("start", "(SELECT id FROM m)")
#define STOP_OF_RUN  FIRST_FETCH("stop", "(SELECT id + 1 FROM m)")
#define THREE_STATES \
    AT_END("queued", "0") ", " AT_END("fetched", "1") ", " AT_END("not_modified", "2")
#define FIVE_STATES THREE_STATES ", " AT_END("failed", "3") ", " AT_END("excluded", "4")

#define LACKING(column) "SELECT u.url, " column READER_SOUND_PAGES

/* Pages with the same text in a column: the most frequent texts, five pages of each. */
#define SAME_TEXT(column)                                                           \
    "WITH html(url_id, text) AS (SELECT p.url_id, p." column READER_SOUND_PAGES     \
    " AND p." column " <> ''),"                                                     \
    " same(text, copies, first) AS MATERIALIZED (SELECT text, count(*),"            \
    " min(url_id) FROM html GROUP BY text HAVING count(*) > 1),"                    \
    " top AS MATERIALIZED (SELECT * FROM same ORDER BY copies DESC, first LIMIT"    \
    " " ROWS "),"                                                                   \
    " member AS (SELECT h.url_id, h.text, row_number() OVER (PARTITION BY h.text"   \
    " ORDER BY h.url_id) AS place FROM html h WHERE h.text IN (SELECT text FROM"    \
    " top))"                                                                        \
    " SELECT (SELECT count(*) FROM same), (SELECT sum(copies) FROM same), t.first," \
    " t.copies, t.text, u.url FROM top t JOIN member m ON m.text = t.text"          \
    " JOIN url u ON u.id = m.url_id WHERE m.place <= 5"                             \
    " ORDER BY t.copies DESC, t.first, m.place"

static const struct reader_report parts[] = {
    { "run", "the run, or the last one where ?1 is 0; columns as enum reader_outline",
      "WITH RECURSIVE m(last, id) AS (SELECT max(id), CASE WHEN " RUN " > 0"
      " THEN " RUN " ELSE max(id) END FROM runs),"
      " " START_OF_RUN ", " STOP_OF_RUN
      " SELECT r.id, (SELECT max(id) FROM runs p WHERE p.id < r.id), r.id = m.last,"
      " r.state, r.stop_reason, r.version, r.started_at,"
      " max(r.started_at, coalesce(r.finished_at, 0), coalesce(r.last_request_at, 0)),"
      " r.requests, r.pages, r.bytes, r.new_urls, " FIVE_STATES ","
      " (SELECT max(lo) FROM start), (SELECT max(lo) - 1 FROM stop)"
      " FROM m JOIN runs r ON r.id = m.id" },
    { "answers", "the requests of a run; columns as enum reader_answer",
      "SELECT f.outcome, f.status_code, f.fetched_at, f.total_ms, f.size,"
      " f.wire_size, u.depth, u.host_id, f.content_type FROM fetch f JOIN url u"
      " ON u.id = f.url_id WHERE f.id BETWEEN " FIRST " AND " LAST
      " AND f.run_id = " RUN },
    { "host", "an origin's name",
      "SELECT scheme, host, port FROM hosts WHERE id = " RUN },
    { "pages", "sound pages: all, without title, without description",
      "SELECT count(*), total(coalesce(p.title, '') = ''),"
      " total(coalesce(p.description, '') = '')" READER_SOUND_PAGES },
    { "broken",
      "targets, links; dst_id, pages that link, URL, problem; a source, its anchor",
      "WITH bad(id) AS MATERIALIZED (SELECT u.id FROM url u LEFT JOIN fetch f ON"
      " f.id = u.fetch_id WHERE u.state = 3 OR (u.state = 1 AND f.outcome ="
      " 'http_error')),"
      " hit AS MATERIALIZED (SELECT dst_id, src_id, position FROM links WHERE"
      " id_is_in((SELECT id_set(id) FROM bad), dst_id)),"
      " target AS MATERIALIZED (SELECT dst_id, count(DISTINCT src_id) AS pages FROM"
      " hit GROUP BY dst_id),"
      " top AS MATERIALIZED (SELECT * FROM target ORDER BY pages DESC, dst_id LIMIT"
      " " ROWS "),"
      " source AS (SELECT dst_id, src_id, min(position) AS position, row_number()"
      " OVER (PARTITION BY dst_id ORDER BY src_id) AS place FROM hit WHERE dst_id IN"
      " (SELECT dst_id FROM top) GROUP BY dst_id, src_id)"
      " SELECT (SELECT count(*) FROM target), (SELECT count(*) FROM hit), t.dst_id,"
      " t.pages, d.url, CASE WHEN d.state = 3 THEN coalesce(d.reason, f.outcome)"
      " ELSE f.status_code END, s.url, l.anchor"
      " FROM top t JOIN source o ON o.dst_id = t.dst_id JOIN url d ON d.id = t.dst_id"
      " LEFT JOIN fetch f ON f.id = d.fetch_id JOIN url s ON s.id = o.src_id"
      " JOIN links l ON l.src_id = o.src_id AND l.position = o.position"
      " WHERE o.place <= 5 ORDER BY t.pages DESC, t.dst_id, o.place" },
    { "chains", "all, of two hops and more, loops; hops, is_loop, path, how it ends",
      "WITH c AS MATERIALIZED (SELECT hops, is_loop, path, final_status_code,"
      " final_outcome FROM redirect_chains)"
      " SELECT (SELECT count(*) FROM c), (SELECT count(*) FROM c WHERE hops > 1 AND"
      " NOT is_loop), (SELECT count(*) FROM c WHERE is_loop), hops, CASE WHEN is_loop"
      " THEN 'loop' WHEN hops > 1 THEN 'chain' ELSE 'redirect' END, path,"
      " coalesce(final_status_code, final_outcome) FROM c"
      " ORDER BY is_loop DESC, hops DESC, path LIMIT " ROWS },
    { "slowest", "URL, time, time to first byte, size, status",
      "SELECT u.url, t.total_ms, t.ttfb_ms, t.size, t.status_code FROM (SELECT id,"
      " url_id, total_ms, ttfb_ms, size, status_code FROM fetch WHERE id BETWEEN"
      " " FIRST " AND " LAST " AND run_id = " RUN " AND total_ms IS NOT NULL AND"
      " status_code IS NOT NULL ORDER BY total_ms DESC, id LIMIT " ROWS ") t"
      " JOIN url u ON u.id = t.url_id ORDER BY t.total_ms DESC, t.id" },
    { "largest", "URL, size, on the wire, type, status",
      "SELECT u.url, t.size, t.wire_size, lower(trim(substr(t.content_type, 1,"
      " instr(t.content_type || ';', ';') - 1))), t.status_code FROM (SELECT"
      " id, url_id, size, wire_size, content_type, status_code FROM fetch WHERE id"
      " BETWEEN " FIRST " AND " LAST " AND run_id = " RUN " AND size > 0 ORDER BY"
      " size DESC, id LIMIT " ROWS ") t JOIN url u ON u.id = t.url_id"
      " ORDER BY t.size DESC, t.id" },
    { "duplicates", "bodies, pages; group, copies, size; a page",
      "WITH body_of(url_id, sha256, size) AS (SELECT p.url_id, f.sha256, f.size FROM"
      " page p JOIN fetch f ON f.id = p.fetch_id WHERE f.sha256 IS NOT NULL AND"
      " f.outcome = 'ok'),"
      " same(sha256, copies, first, size) AS MATERIALIZED (SELECT sha256, count(*),"
      " min(url_id), max(size) FROM body_of GROUP BY sha256 HAVING count(*) > 1),"
      " top AS MATERIALIZED (SELECT * FROM same ORDER BY copies DESC, first LIMIT"
      " " ROWS "),"
      " member AS (SELECT url_id, sha256, row_number() OVER (PARTITION BY sha256"
      " ORDER BY url_id) AS place FROM body_of WHERE sha256 IN (SELECT sha256 FROM"
      " top))"
      " SELECT (SELECT count(*) FROM same), (SELECT sum(copies) FROM same), t.first,"
      " t.copies, t.size, u.url FROM top t JOIN member m ON m.sha256 = t.sha256"
      " JOIN url u ON u.id = m.url_id WHERE m.place <= 5"
      " ORDER BY t.copies DESC, t.first, m.place" },
    { "same-titles", "titles, pages; group, copies, title; a page",
      SAME_TEXT("title") },
    { "same-descriptions", "texts, pages; group, copies, description; a page",
      SAME_TEXT("description") },
    { "without-title", "URL, h1",
      LACKING("p.h1") "AND coalesce(p.title, '') = '' ORDER BY p.url_id LIMIT " ROWS },
    { "without-description", "URL, title",
      LACKING("p.title") "AND coalesce(p.description, '') = '' ORDER BY p.url_id LIMIT " ROWS },
    { "has-metrics", "1 when there are metrics of the links as they are now",
      "SELECT count(*) FROM sqlite_master WHERE type = 'view' AND name ="
      " 'metrics_state'" },
    { "top-pages", "pages with a rank; URL, rank beside the mean, links, pages, title",
      "WITH ranked AS MATERIALIZED (SELECT url_id, pagerank, links_in, pages_in FROM"
      " metric WHERE pagerank IS NOT NULL AND (SELECT is_fresh FROM metrics_state)),"
      " whole(n) AS MATERIALIZED (SELECT count(*) FROM ranked)"
      " SELECT (SELECT n FROM whole), u.url, t.pagerank * (SELECT n FROM whole),"
      " t.links_in, t.pages_in, p.title FROM (SELECT * FROM ranked ORDER BY pagerank"
      " DESC, url_id LIMIT " ROWS ") t JOIN url u ON u.id = t.url_id LEFT JOIN page p"
      " ON p.url_id = t.url_id ORDER BY t.pagerank DESC, t.url_id" },
    { "near-duplicates", "groups, pages; group, pages, title; a page",
      "WITH same(id, n) AS MATERIALIZED (SELECT cluster_id, count(*) FROM metric WHERE"
      " cluster_id IS NOT NULL AND (SELECT is_fresh FROM metrics_state) GROUP BY"
      " cluster_id HAVING count(*) > 1),"
      " top AS MATERIALIZED (SELECT * FROM same ORDER BY n DESC, id LIMIT " ROWS "),"
      " member AS (SELECT cluster_id, url_id, row_number() OVER (PARTITION BY"
      " cluster_id ORDER BY url_id) AS place FROM metric WHERE cluster_id IN (SELECT id"
      " FROM top))"
      " SELECT (SELECT count(*) FROM same), (SELECT sum(n) FROM same), t.id, t.n,"
      " p.title, u.url FROM top t JOIN member m ON m.cluster_id = t.id JOIN url u ON"
      " u.id = m.url_id LEFT JOIN page p ON p.url_id = t.id WHERE m.place <= 5"
      " ORDER BY t.n DESC, t.id, m.place" },
    { "orphans", "all, from a sitemap; URL, how it was found, status, title",
      "WITH lone AS MATERIALIZED (SELECT id, hop, fetch_id FROM url WHERE state IN"
      " (1, 2) AND NOT id_is_in((SELECT id_set(dst_id) FROM links WHERE dst_id <>"
      " src_id), id) AND NOT id_is_in((SELECT id_set(r.dst_id) FROM redirects r JOIN url s ON"
      " s.id = r.src_id JOIN fetch sf ON sf.id = s.fetch_id WHERE r.dst_id <> r.src_id AND"
      " sf.outcome IN ('redirect', 'redirect_limit') AND r.run_id = (SELECT max(x.run_id) FROM"
      " redirects x WHERE x.src_id = r.src_id)), id))"
      " SELECT (SELECT count(*) FROM lone), (SELECT count(*) FROM lone WHERE hop ="
      " 3), u.url, u.hop, f.status_code, p.title FROM (SELECT id, fetch_id, hop FROM"
      " lone ORDER BY hop <> 3, id LIMIT " ROWS ") o JOIN urls u ON u.id = o.id"
      " LEFT JOIN fetch f ON f.id = o.fetch_id LEFT JOIN page p ON p.url_id = o.id"
      " ORDER BY o.hop <> 3, o.id" },
    { "sitemaps", "all, entries; URL, status, outcome, entries",
      "SELECT (SELECT count(*) FROM sitemaps), (SELECT total(entries) FROM sitemaps),"
      " url, coalesce(status_code, outcome), outcome, entries FROM sitemaps ORDER BY"
      " entries DESC, url LIMIT " ROWS },
    { "excluded", "reasons, URLs; group, URLs, reason; a URL, its rule, where found",
      "WITH g AS MATERIALIZED (SELECT reason, count(*) AS n, min(id) AS lo, max(id)"
      " AS hi FROM url WHERE state = 4 GROUP BY reason)"
      " SELECT (SELECT count(*) FROM g), (SELECT sum(n) FROM g), g.lo, g.n, u.reason,"
      " u.url, u.rule, p.url FROM g JOIN urls u ON u.id IN (SELECT x.id FROM url x"
      " WHERE x.id BETWEEN g.lo AND g.hi AND x.state = 4 AND x.reason IS g.reason"
      " LIMIT 3) LEFT JOIN url p ON p.id = u.parent_id ORDER BY g.n DESC, g.lo, u.id" },
    { "refusals",
      "all; origin, robots.txt, crawl delay, failures, back-off until,"
      " barred URLs",
      "WITH barred AS MATERIALIZED (SELECT host_id, count(*) AS n FROM url INDEXED BY"
      " url_by_robots WHERE state = 4 AND reason = 6 GROUP BY host_id),"
      " h AS MATERIALIZED (SELECT h.id, coalesce(b.n, 0) AS n FROM hosts h LEFT JOIN"
      " barred b ON b.host_id = h.id WHERE b.n > 0 OR h.robots_state = 'unreachable'"
      " OR h.failures > 0 OR h.backoff_until > h.next_fetch_at OR h.crawl_delay_ms >"
      " 0)"
      " SELECT (SELECT count(*) FROM h), o.scheme || '://' || o.host || CASE o.port"
      " WHEN CASE o.scheme WHEN 'https' THEN 443 ELSE 80 END THEN '' ELSE ':' ||"
      " o.port END || '/', o.robots_state,"
      " o.crawl_delay_ms, o.failures, o.backoff_until, h.n FROM h JOIN hosts o ON"
      " o.id = h.id ORDER BY o.robots_state IS 'unreachable' DESC, o.failures DESC,"
      " h.n DESC, o.id LIMIT " ROWS },
    { "events", "kinds, events; level, component, event, times, last, its detail",
      "WITH e AS MATERIALIZED (SELECT level, component, event, count(*) AS n, max(id)"
      " AS last FROM events WHERE run_id = " RUN " GROUP BY level, component, event)"
      " SELECT (SELECT count(*) FROM e), (SELECT sum(n) FROM e), e.level,"
      " e.component, e.event, e.n, x.at, x.detail FROM e JOIN events x ON x.id ="
      " e.last ORDER BY e.level = 'error' DESC, e.level = 'warn' DESC, e.n DESC,"
      " e.event LIMIT " ROWS },
    { NULL, NULL, NULL },
};

const struct reader_report *reader_find_part(const char *name)
{
    const struct reader_report *p = parts;

    while (p->name && strcmp(p->name, name) != 0)
        p++;
    BUG_IF(!p->name);
    return p;
}
