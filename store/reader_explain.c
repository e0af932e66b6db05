/* SPDX-License-Identifier: MIT */
/* The named queries of `crawl explain`. Every value is bound. */
#include <stddef.h>

#include "store/due.h"
#include "store/reader.h"
#include "store/seeds.h"
#include "store/vocab.h"

#define TIME(column) "strftime('%Y-%m-%dT%H:%M:%SZ', nullif(" column ", 0) / 1000, 'unixepoch')"

/* Of all runs' redirects those that hold: the latest of a URL whose latest answer is one. */
#define HOLDS(source) \
    " JOIN fetches f ON f.id = " source ".fetch_id AND f.outcome IN ('redirect', 'redirect_limit')" \
    " AND r.run_id = (SELECT max(x.run_id) FROM redirects x WHERE x.src_id = r.src_id)"

const struct reader_report reader_explanations[] = {
    { "row", "URL",
      "SELECT id, url, key, state, reason, rule, depth, hop, redirects, retries, priority,"
      " " TIME("discovered_at") " AS discovered_at, " TIME("next_fetch_at") " AS next_fetch_at,"
      " interval_ms / 1000 AS interval_s, run_id AS run"
      " FROM urls WHERE id IN (SELECT id FROM url WHERE key_hash = url_hash(?1)) AND key = ?1 LIMIT 1" },
    { "how it was found (from where the crawl began; anchors as they stand on the pages now)",
      "the way from a seed",
      "WITH RECURSIVE way(step, id) AS (SELECT 0, CAST(?1 AS INTEGER) UNION ALL"
      " SELECT step + 1, u.parent_id FROM way JOIN url u ON u.id = way.id"
      " WHERE u.parent_id IS NOT NULL AND step < 50)"
      " SELECT u.depth, u.hop, u.url,"
      " (SELECT l.kind FROM links l WHERE l.src_id = u.parent_id AND l.dst_id = u.id ORDER BY l.position LIMIT 1)"
      " AS kind,"
      " (SELECT l.anchor FROM links l WHERE l.src_id = u.parent_id AND l.dst_id = u.id ORDER BY l.position LIMIT 1)"
      " AS anchor, " TIME("u.discovered_at") " AS discovered_at"
      " FROM way JOIN urls u ON u.id = way.id ORDER BY way.step DESC" },
    { "seed of", "where it was named, and the latest run that it was",
      "SELECT source, line, max(run_id) AS run FROM seeds WHERE url_id = ?1 GROUP BY source, line ORDER BY run DESC" },
    { "sitemaps of its host", "where it may have stood",
      "SELECT s.url AS sitemap, s.outcome, s.entries, " TIME("s.fetched_at") " AS fetched_at"
      " FROM urls u JOIN sitemaps s ON s.host_id = u.host_id WHERE u.id = ?1 AND u.hop = 'sitemap'"
      " ORDER BY s.url LIMIT 20" },
    { "host", "its host",
      "SELECT h.scheme, h.host, h.port, h.ip, h.robots_state, " TIME("h.robots_fetched_at") " AS robots_read_at,"
      " r.status_code AS robots_status, h.crawl_delay_ms, h.pages, h.run_pages, h.failures,"
      " " TIME("h.next_fetch_at") " AS next_fetch_at, " TIME("h.backoff_until") " AS backoff_until"
      " FROM urls u JOIN hosts h ON h.id = u.host_id LEFT JOIN robots r ON r.host_id = h.id WHERE u.id = ?1" },
    { "run that it waits in", "why it has not had its turn",
      "SELECT r.id AS run, r.state, r.stop_reason, " TIME("r.started_at") " AS started_at,"
      " " TIME("r.finished_at") " AS ended_at FROM urls u, runs r WHERE u.id = ?1 AND u.state = 'queued'"
      " AND r.id = (SELECT max(id) FROM runs)" },
    { "attempts", "every request made",
      "SELECT " TIME("fetched_at") " AS at, run_id AS run, attempt,"
      " outcome, status_code, error, ip, size, total_ms, location FROM fetches WHERE url_id = ?1 ORDER BY id" },
    { "redirects to", "where it leads",
      "SELECT d.url, r.status_code, d.state FROM redirects r JOIN urls s ON s.id = r.src_id" HOLDS("s")
      " JOIN urls d ON d.id = r.dst_id WHERE r.src_id = ?1" },
    { "redirected from", "what leads here",
      "SELECT s.url, r.status_code FROM redirects r JOIN urls s ON s.id = r.src_id" HOLDS("s")
      " WHERE r.dst_id = ?1 LIMIT 10" },
    { "page", "its content",
      "SELECT title, lang, word_count, links_out, canonical_url, robots_meta, x_robots_tag, parse_outcome FROM pages"
      " WHERE url_id = ?1" },
    { "linked from", "the first ten pages that link to it",
      "SELECT s.url AS page, s.depth, l.kind, l.rel, l.nofollow, l.anchor FROM links l"
      " JOIN urls s ON s.id = l.src_id WHERE l.dst_id = ?1 LIMIT 10" },
    { "events", "what else happened to it",
      "SELECT " TIME("at") " AS at, level, component, event, detail FROM events WHERE url_id = ?1"
      " ORDER BY rowid LIMIT 20" },
    { NULL, NULL, NULL },
};

#define NOW         "(strftime('%s', 'now') * 1000)"
#define LAST_RUN_IS "(SELECT coalesce((SELECT state FROM runs ORDER BY id DESC LIMIT 1), 'finished')) = "
#define IS_PAGE     "(f.id IS NOT NULL OR u.state = 0) AND (u.state <> 4 OR u.reason <> 9)"
/*
 * What requeue_known turns into queued, and what is so already. What robots.txt excluded is left out: a start
 * looks at it again, and asks for it only where robots.txt has changed.
 */
#define NEXT_START(revisit)                                                                   \
    "(state = 0 OR (" revisit " <> 'none' AND ((" DUE_MISSED " AND NOT " LAST_RUN_IS "'running')" \
    " OR (" LAST_RUN_IS "'finished' AND ((state = 4 AND reason = 11) OR CASE " revisit         \
    " WHEN 'due' THEN " DUE_AT(NOW) " ELSE " DUE_KNOWN " END)))))"

const struct reader_report reader_prospects[N_PROSPECTS] = {
    [PROSPECT_SEEDS] = { "seeds", "what the scope is made of",
                         SEEDS_REACH " SELECT url.url FROM reach JOIN url ON url.id = reach.id ORDER BY url.id" },
    [PROSPECT_HOST] = { "host", "what is known of an origin",
                        "SELECT CASE WHEN h.run_id = (SELECT max(id) FROM runs) THEN h.run_pages ELSE 0 END,"
                        " CASE WHEN h.backoff_until > strftime('%s', 'now') * 1000 THEN " TIME("h.backoff_until")
                        " END, r.outcome, " TIME("r.fetched_at") ", r.status_code, r.body,"
                        " coalesce(r.expires_at, 0) <= strftime('%s', 'now') * 1000"
                        " FROM hosts h LEFT JOIN robots r ON r.host_id = h.id"
                        " WHERE h.scheme = ?1 AND h.host = ?2 AND h.port = CAST(?3 AS INTEGER)" },
    [PROSPECT_SETTINGS] = { "settings", "what was otherwise in the last run",
                            "SELECT o.key, CASE WHEN o.type = 'true' THEN 'yes' WHEN o.type = 'false' THEN 'no'"
                            " WHEN o.value = -1 THEN 'none' ELSE o.value END"
                            " FROM json_each(coalesce((SELECT settings FROM runs"
                            " WHERE json_valid(settings) ORDER BY id DESC LIMIT 1), '{}')) o"
                            " JOIN json_each(?1) n ON n.key = o.key"
                            " WHERE o.key IN ('scope', 'depth', 'include', 'exclude', 'embeds', 'no-robots',"
                            " 'respect-rel-nofollow', 'max-pages-per-host', 'user-agent')"
                            " AND o.value IS NOT n.value ORDER BY o.id" },
    /* Also what is queued again or yet, failed last, or could not be asked for the moment. */
    [PROSPECT_KNOWN] = { "known", "what answered with content or is queued, of each host, and what is due",
                         "SELECT h.scheme, h.host, h.port, count(*) FILTER (WHERE " IS_PAGE "),"
                         " CAST(round(avg(f.wire_size) FILTER (WHERE " IS_PAGE ")) AS INTEGER),"
                         " CAST(round(avg(f.total_ms) FILTER (WHERE " IS_PAGE ")) AS INTEGER),"
                         " count(*), sum(u.due)"
                         " FROM (SELECT id, host_id, state, reason, " NEXT_START(" ?1 ") " AS due FROM url) u"
                         " JOIN hosts h ON h.id = u.host_id LEFT JOIN page p ON p.url_id = u.id"
                         " LEFT JOIN fetch f ON f.id = p.fetch_id AND f.outcome IN ('ok', 'too_large')"
                         " WHERE u.state <> 4 OR u.reason IN (7, 9, 11, 14, 15)"
                         " GROUP BY h.id" },
};
