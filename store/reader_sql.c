/* SPDX-License-Identifier: MIT */
/* The named queries: reports, checks, status. Every value is bound; nothing is put together from text. */
#include <stddef.h>

#include "store/reader.h"

/* Pages whose content came with a 200; a 304 since then only says that it still holds. */
#define HTML_PAGES                                                                 \
    " FROM page p JOIN fetch f ON f.id = p.fetch_id JOIN url u ON u.id = p.url_id" \
    " WHERE f.status_code = 200 AND p.parse_outcome <> 'not_html'"

#define SAME_TEXT(column)                                                            \
    "WITH html AS (SELECT u.url, p." column HTML_PAGES " AND p." column " <> '')"    \
    " SELECT " column ", count(*) OVER (PARTITION BY " column ") AS pages, url FROM" \
    " html WHERE " column " IN (SELECT " column " FROM html GROUP BY " column        \
    " HAVING count(*) > 1) ORDER BY pages DESC, " column ", url"

const struct reader_report reader_reports[] = {
    { "broken-links",
      "links to pages that failed or answered 4xx or 5xx, with where they stand",
      "SELECT src_url, dst_url, status_code, problem, anchor FROM broken_links ORDER"
      " BY dst_url, src_url" },
    { "redirect-chains", "every redirect from its first URL to where it ends",
      "SELECT start_url, hops, final_url, final_status_code, is_loop FROM"
      " redirect_chains ORDER BY hops DESC, start_url" },
    { "slow-pages", "pages that took a second or longer",
      "SELECT url, total_ms, ttfb_ms, size, status_code FROM slow_pages" },
    { "duplicates", "pages with the same body", "SELECT * FROM duplicates" },
    { "near-duplicates", "pages with nearly the same text",
      "SELECT * FROM near_duplicates" },
    { "orphans", "pages that no link leads to",
      "SELECT url, hop, title, status_code FROM orphans ORDER BY url" },
    { "excluded", "what was decided against, and by which rule",
      "SELECT url, reason, rule, depth, parent_url FROM excluded ORDER BY reason,"
      " url" },
    { "excluded-counts", "how many URLs were decided against, by reason",
      "SELECT reason, count(*) AS urls FROM excluded GROUP BY reason ORDER BY urls"
      " DESC" },
    { "failed", "URLs whose last try gave no complete answer",
      "SELECT u.url, u.reason, f.error, u.retries FROM urls u LEFT JOIN fetches f ON"
      " f.id = u.fetch_id"
      " WHERE u.state = 'failed' ORDER BY u.reason, u.url" },
    { "hosts", "what each host was asked and how it answered",
      "SELECT scheme, host, port, urls, fetched, not_modified, failed, excluded,"
      " queued, errors, mean_ttfb_ms,"
      " robots_state FROM host_summary WHERE queued + fetched + not_modified +"
      " failed > 0 ORDER BY urls DESC" },
    { "largest", "the hundred largest pages",
      "SELECT u.url, f.size, f.wire_size, f.content_type FROM urls u JOIN fetches f"
      " ON f.id = u.fetch_id"
      " ORDER BY f.size DESC LIMIT 100" },
    { "missing-titles", "HTML pages without a title",
      "SELECT u.url, f.status_code, p.h1" HTML_PAGES
      " AND coalesce(p.title, '') = '' ORDER BY u.url" },
    { "missing-descriptions", "HTML pages without a description",
      "SELECT u.url, p.title" HTML_PAGES
      " AND coalesce(p.description, '') = '' ORDER BY u.url" },
    { "duplicate-titles", "HTML pages with the same title", SAME_TEXT("title") },
    { "duplicate-descriptions", "HTML pages with the same description",
      SAME_TEXT("description") },
    { "status", "answers by status code", "SELECT * FROM status_counts" },
    { "log", "every request, newest first", "SELECT * FROM crawl_log ORDER BY 1 DESC" },
    { "runs", "the runs of this database",
      "SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', started_at / 1000, 'unixepoch') AS"
      " started_at,"
      " strftime('%Y-%m-%dT%H:%M:%SZ', finished_at / 1000, 'unixepoch') AS"
      " finished_at, state, stop_reason"
      " FROM runs ORDER BY id" },
    { "events", "what happened besides",
      "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch') AS at, level,"
      " component, event, detail"
      " FROM events ORDER BY rowid DESC" },
    { NULL, NULL, NULL },
};

const struct reader_report reader_checks[] = {
    { "every URL is in one of the five states", "url",
      "SELECT id, url FROM urls WHERE state IS NULL" },
    { "every excluded URL has a reason, every failed one an outcome", "url",
      "SELECT id, url FROM urls WHERE state IN ('excluded', 'failed') AND"
      " coalesce(reason, '') = ''" },
    { "no other URL has a reason", "url",
      "SELECT id, url FROM urls WHERE state NOT IN ('excluded', 'failed') AND"
      " coalesce(reason, '') <> ''" },
    { "no two URLs have the same key", "key",
      "SELECT key, count(*) FROM urls GROUP BY key HAVING count(*) > 1" },
    { "every URL can be found by the hash of its key", "url",
      "SELECT id, url FROM url WHERE key_hash IS NOT url_hash(coalesce(key, url))" },
    { "the counts by state are right", "state_count",
      "SELECT c.state, c.n, count(u.id) AS found FROM state_count c LEFT JOIN url u"
      " ON u.state = c.state"
      " GROUP BY c.state HAVING c.n <> count(u.id)" },
    { "every queued URL has a host", "url",
      "SELECT u.id, u.url FROM url u WHERE u.state = 0 AND NOT EXISTS (SELECT 1 FROM"
      " hosts h WHERE h.id = u.host_id)" },
    { "every URL that is not a seed knows where it was found", "url",
      "SELECT u.id, u.url FROM url u WHERE u.parent_id IS NOT NULL AND NOT EXISTS"
      " (SELECT 1 FROM url p WHERE p.id = u.parent_id)" },
    { "every fetched URL has its fetch", "url",
      "SELECT u.id, u.url FROM urls u WHERE u.state IN ('fetched', 'not_modified')"
      " AND NOT EXISTS"
      " (SELECT 1 FROM fetches f WHERE f.id = u.fetch_id AND f.url_id = u.id)" },
    { "no page without its URL and its fetch", "page",
      "SELECT p.url_id, p.title FROM page p WHERE NOT EXISTS (SELECT 1 FROM url u"
      " WHERE u.id = p.url_id)"
      " OR NOT EXISTS (SELECT 1 FROM fetch f WHERE f.id = p.fetch_id)"
      " OR (p.text_id IS NOT NULL AND NOT EXISTS"
      " (SELECT 1 FROM fetch f WHERE f.id = p.text_id))" },
    { "every complete page that was parsed has its row", "url",
      "SELECT u.id, u.url FROM urls u JOIN fetches f ON f.id = u.fetch_id WHERE"
      " f.outcome = 'ok' AND"
      " u.state = 'fetched' AND NOT EXISTS (SELECT 1 FROM pages p WHERE p.url_id ="
      " u.id)" },
    { "both ends of every link are known", "link",
      "SELECT l.src_id, l.dst_id FROM links l WHERE NOT EXISTS (SELECT 1 FROM urls u"
      " WHERE u.id = l.dst_id)"
      " OR NOT EXISTS (SELECT 1 FROM urls u WHERE u.id = l.src_id)" },
    { "both ends of every redirect are known", "redirect",
      "SELECT r.src_id, r.dst_id FROM redirects r WHERE NOT EXISTS (SELECT 1 FROM"
      " urls u WHERE u.id = r.dst_id)"
      " OR NOT EXISTS (SELECT 1 FROM urls u WHERE u.id = r.src_id)" },
    { "every stored body that a fetch names is there", "fetch",
      "SELECT f.id, f.body_id FROM fetches f WHERE f.body_id IS NOT NULL AND NOT EXISTS"
      " (SELECT 1 FROM bodies b WHERE b.id = f.body_id)" },
    { "every link stands on a page", "link",
      "SELECT DISTINCT src_id FROM link WHERE src_id NOT IN (SELECT url_id FROM"
      " page)" },
    { "every body is counted as often as fetches have it", "body",
      "SELECT b.id, b.refs, count(f.id) AS found FROM body b LEFT JOIN fetch f ON"
      " f.body_id = b.id"
      " GROUP BY b.id HAVING b.refs <> count(f.id)" },
    { "every body unpacks to the bytes its SHA-256 was made of", "body",
      "SELECT id, size, body_problem(sha256, codec, size, data) AS problem FROM body"
      " WHERE problem IS NOT NULL" },
    { "every page's text is in the full-text index", "page",
      "SELECT url_id, text_id FROM page WHERE text_id IS NOT NULL AND text_id NOT IN"
      " (SELECT id FROM page_text_docsize)" },
    { "every fetch belongs to a URL and a run", "fetch",
      "SELECT f.id, f.url_id, f.run_id FROM fetch f WHERE NOT EXISTS (SELECT 1 FROM"
      " url u WHERE u.id = f.url_id)"
      " OR NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = f.run_id)" },
    { "a finished run left nothing queued", "url",
      "SELECT id, url FROM urls WHERE state = 'queued' AND (SELECT state FROM runs"
      " ORDER BY id DESC LIMIT 1) ="
      " 'finished'" },
    { "the file's own structure is sound", "integrity_check",
      "PRAGMA integrity_check" },
    { NULL, NULL, NULL },
};

const struct reader_report reader_status[] = {
    { "run", "the latest run",
      "SELECT id AS run, state, stop_reason, strftime('%Y-%m-%dT%H:%M:%SZ',"
      " started_at / 1000, 'unixepoch')"
      " AS started_at, strftime('%Y-%m-%dT%H:%M:%SZ', finished_at / 1000,"
      " 'unixepoch') AS finished_at, version"
      " FROM runs ORDER BY id DESC LIMIT 1" },
    { "URLs", "by state",
      "SELECT state, count(*) AS urls FROM urls GROUP BY state ORDER BY urls DESC" },
    { "excluded", "by reason",
      "SELECT reason, count(*) AS urls FROM excluded GROUP BY reason ORDER BY urls"
      " DESC" },
    { "answers", "by outcome",
      "SELECT outcome, count(*) AS fetches FROM fetches GROUP BY outcome ORDER BY"
      " fetches DESC" },
    { "queued hosts", "with the most URLs queued",
      "SELECT h.scheme, h.host, h.port, count(*) AS queued FROM urls u JOIN hosts h"
      " ON h.id = u.host_id"
      " WHERE u.state = 'queued' GROUP BY h.id ORDER BY queued DESC LIMIT 10" },
    { NULL, NULL, NULL },
};

/* A JSON list of [name, value] as raw header lines; anything else as none. */
#define RAW_LINES(column)                                                                              \
    "(SELECT group_concat(replace(json_extract(value, '$[0]') || ': ' || json_extract(value, '$[1]')," \
    " char(10), ' '), char(13, 10)) || char(13, 10)"                                                   \
    " FROM json_each(CASE WHEN json_valid(" column ") THEN " column " ELSE '[]' END)"                  \
    " WHERE type = 'array')"

const struct reader_report reader_exports[] = {
    { "pages", "one row a page: its latest content",
      "SELECT u.url, f.status_code AS status, p.title, p.description, p.h1,"
      " p.canonical_url AS canonical, p.lang,"
      " u.depth, strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch')"
      " AS fetched_at,"
      " p.links_out AS links, p.word_count AS words, f.content_type, f.charset,"
      " f.size, f.sha256, p.robots_meta,"
      " p.x_robots_tag, p.parse_outcome"
      " FROM pages p JOIN urls u ON u.id = p.url_id LEFT JOIN fetches f ON f.id ="
      " p.fetch_id ORDER BY p.url_id" },
    { "links", "one row a link",
      "SELECT s.url AS src, d.url AS dst, l.kind, l.rel, l.anchor FROM links l JOIN"
      " urls s ON s.id = l.src_id"
      " JOIN urls d ON d.id = l.dst_id ORDER BY l.src_id, l.position" },
    /* In parts, so that no read transaction lasts long; a 304 confirms the newest stored body before it. */
    { "warc-exchanges", "requests and answers, in the order of their ids",
      "SELECT f.id, u.url, f.fetched_at, f.ip, f.http_version, f.status_code,"
      " f.outcome, f.error,"
      " " RAW_LINES("f.request_headers") ", " RAW_LINES(
          "f.headers") ", f.total_ms, v.url,"
                       " CASE WHEN f.status_code = 304 THEN (SELECT"
                       " max(e.fetched_at) FROM fetch e WHERE e.url_id = f.url_id"
                       " AND e.id < f.id AND e.body_id IS NOT NULL) END, f.sha256,"
                       " b.codec, b.size, b.data"
                       " FROM fetches f JOIN url u ON u.id = f.url_id LEFT JOIN url"
                       " v ON v.id = u.parent_id"
                       " LEFT JOIN bodies b ON b.id = f.body_id WHERE f.id > CAST(?1"
                       " AS INTEGER) ORDER BY f.id LIMIT 256" },
    { "warc-run", "the latest run",
      "SELECT version, coalesce(json_extract(s, '$.\"user-agent\"'), 'crawl/' ||"
      " version ||"
      " coalesce(' (+' || json_extract(s, '$.contact') || ')', '')), json_extract(s,"
      " '$.contact'),"
      " CASE WHEN json_extract(s, '$.\"no-robots\"') THEN 'ignore' ELSE 'obey' END, s"
      " FROM (SELECT version, CASE WHEN json_valid(settings) THEN settings ELSE '{}'"
      " END AS s FROM runs"
      " ORDER BY id DESC LIMIT 1)" },
    { NULL, NULL, NULL },
};
