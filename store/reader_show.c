/* SPDX-License-Identifier: MIT */
/* The named queries of `crawl show` and `crawl schema`. Every value is bound. */
#include <stddef.h>

#include "store/reader.h"

#define TIME(column) \
    "strftime('%Y-%m-%dT%H:%M:%SZ', nullif(" column ", 0) / 1000, 'unixepoch')"

/* A JSON list of [name, value] as raw header lines; anything else as none. */
#define RAW_LINES(column)                                                                                              \
    "(SELECT group_concat(replace(json_extract(value, '$[0]') || ': ' || json_extract(value, '$[1]'), char(10), ' ')," \
    " char(10)) FROM json_each(CASE WHEN json_valid(" column ") THEN " column                                          \
    " ELSE '[]' END) WHERE type = 'array')"

#define LIMIT " LIMIT CAST(?2 AS INTEGER)"

const struct reader_part reader_parts[] = {
    { "url", NULL,
      "SELECT u.url, u.key, u.state, u.reason, u.rule, u.depth, u.hop, p.url AS found_on,"
      " " TIME("u.discovered_at") " AS discovered_at, " TIME("u.next_fetch_at") " AS next_fetch_at,"
      " u.interval_ms / 1000 AS interval_s, u.retries, u.priority, u.redirects, u.run_id AS run FROM urls u"
      " LEFT JOIN url p ON p.id = u.parent_id"
      " WHERE u.id = ?1",
      true },
    { "page", "page",
      "SELECT p.title, p.description, p.h1, p.lang, p.canonical_url, p.robots_meta, p.x_robots_tag, p.word_count,"
      " p.links_out, p.links_other, p.parse_outcome,"
      " CASE WHEN p.simhash <> 0 THEN printf('%016x', p.simhash) END AS simhash,"
      " CASE WHEN p.text_id IS NULL THEN 'no' ELSE 'yes' END AS in_full_text, p.facts FROM pages p"
      " WHERE p.url_id = ?1",
      true },
    { "fetch", "latest fetch",
      "SELECT " TIME("f.fetched_at") " AS fetched_at, f.run_id AS run, f.attempt, f.outcome, f.status_code, f.error,"
      " f.location, f.content_type, f.charset, f.charset_source, f.size, f.wire_size, f.http_version, f.ip, f.dns_ms,"
      " f.connect_ms, f.tls_ms, f.ttfb_ms, f.total_ms, f.etag, f.last_modified, f.sha256"
      " FROM urls u JOIN fetches f ON f.id = u.fetch_id WHERE u.id = ?1",
      true },
    { "body", "stored body",
      "SELECT " TIME("f.fetched_at") " AS fetched_at, b.size, length(b.data) AS stored_size, b.codec, b.sha256"
      " FROM fetches f JOIN bodies b ON b.id = f.body_id WHERE f.url_id = ?1 ORDER BY f.id DESC LIMIT 1",
      true },
    { "fetches", "fetches",
      "SELECT count(*) OVER () AS total, " TIME("fetched_at") " AS fetched_at, run_id AS run, status_code,"
      " outcome || coalesce(': ' || error, '') AS outcome, size, total_ms, substr(sha256, 1, 12) AS sha256"
      " FROM fetches WHERE url_id = ?1 ORDER BY id DESC" LIMIT,
      false },
    { "redirects_to", "redirects to",
      "SELECT d.url, r.status_code, d.state, r.run_id AS run FROM redirects r JOIN urls d ON d.id = r.dst_id"
      " WHERE r.src_id = ?1 ORDER BY r.run_id DESC" LIMIT,
      false },
    { "redirected_from", "redirected from",
      "SELECT count(*) OVER () AS total, s.url, max(r.status_code) AS status_code FROM redirects r JOIN url s"
      " ON s.id = r.src_id WHERE r.dst_id = ?1 GROUP BY s.id ORDER BY s.url" LIMIT,
      false },
    /* Only a body that several fetches have can be another page's too. */
    { "duplicates", "the same content at",
      "SELECT count(*) OVER () AS total, u.url, q.title FROM page p JOIN fetch f ON f.id = p.fetch_id JOIN fetch g"
      " ON g.sha256 = f.sha256 JOIN page q ON q.fetch_id = g.id JOIN url u ON u.id = q.url_id"
      " WHERE p.url_id = ?1 AND q.url_id <> p.url_id AND (f.body_id IS NULL OR"
      " (SELECT refs FROM body b WHERE b.id = f.body_id) > 1) ORDER BY u.url" LIMIT,
      false },
    { "links_out", "links to",
      "SELECT count(*) OVER () AS total, d.url, l.kind, l.rel, l.anchor, d.state, f.status_code FROM links l"
      " JOIN urls d ON d.id = l.dst_id LEFT JOIN fetch f ON f.id = d.fetch_id WHERE l.src_id = ?1"
      " ORDER BY l.position" LIMIT,
      false },
    { "links_in", "linked from",
      "SELECT count(*) OVER () AS total, s.url, l.kind, l.rel, l.anchor FROM links l JOIN url s ON s.id = l.src_id"
      " WHERE l.dst_id = ?1 ORDER BY l.src_id, l.position" LIMIT,
      false },
    { "events", "events",
      "SELECT count(*) OVER () AS total, " TIME(
          "at") " AS at, level, component, event, detail FROM events"
                " WHERE url_id = ?1 ORDER BY id DESC" LIMIT,
      false },
    { NULL, NULL, NULL, false },
};

const struct reader_report reader_lookups[N_LOOKUPS] = {
    [LOOKUP_ID] = { "id", "the row of a key",
                    "SELECT id FROM urls WHERE id IN (SELECT url_id FROM url_by_hash WHERE key_hash = url_hash(?1)"
                    " UNION ALL SELECT id FROM url WHERE key_hash = url_hash(?1) AND id >"
                    " coalesce((SELECT value FROM meta WHERE name = 'url_by_hash_to'), 0)) AND key = ?1"
                    " LIMIT 1" },
    [LOOKUP_OF_HOST] = { "host", "URLs of a host",
                         "SELECT url FROM url WHERE host_id IN (SELECT id FROM hosts WHERE host = ?1)" },
    [LOOKUP_HEADERS] = { "headers", "of the latest fetch",
                         "SELECT f.http_version, f.status_code, " RAW_LINES("f.request_headers") ", " RAW_LINES(
                             "f.headers") " FROM url u JOIN fetch f ON f.id = u.fetch_id WHERE u.id = ?1" },
    [LOOKUP_BODY] = { "body", "the newest stored one",
                      "SELECT u.url, f.content_type, b.codec, b.data, b.size FROM url u JOIN fetch f ON f.url_id = u.id"
                      " JOIN body b ON b.id = f.body_id WHERE u.id = ?1 ORDER BY f.id DESC LIMIT 1" },
    [LOOKUP_LINKS] = { "links", "out and in",
                       "SELECT 'out' AS direction, d.url, l.kind, l.rel, l.nofollow, l.anchor, d.state, f.status_code"
                       " FROM links l JOIN urls d ON d.id = l.dst_id LEFT JOIN fetch f ON f.id = d.fetch_id"
                       " WHERE l.src_id = ?1 UNION ALL"
                       " SELECT 'in', s.url, l.kind, l.rel, l.nofollow, l.anchor, s.state, f.status_code"
                       " FROM links l JOIN urls s ON s.id = l.src_id LEFT JOIN fetch f ON f.id = s.fetch_id"
                       " WHERE l.dst_id = ?1" },
};

#define NOT_INTERNAL " name NOT LIKE 'sqlite%' AND name NOT LIKE 'page_text_%' "

const struct reader_report reader_schema_queries[N_SCHEMA_QUERIES] = {
    [SCHEMA_NAMES] = { "names", "tables and views",
                       "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND" NOT_INTERNAL
                       "ORDER BY rowid" },
    [SCHEMA_COLUMNS] = { "columns", "of one of them",
                         "SELECT name, CASE WHEN type = 'ANY' THEN '' ELSE type END FROM pragma_table_info(?1)" },
    [SCHEMA_SQL] = { "sql", "as it was made",
                     "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'page_text_%'"
                     " AND name NOT LIKE 'sqlite%' AND (?1 = '' OR tbl_name = ?1) ORDER BY rowid" },
};
