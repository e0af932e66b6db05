/* SPDX-License-Identifier: MIT */
/* The named queries: reports, checks, status. Every value is bound; nothing is put together from text. */
#include <stddef.h>

#include "store/reader.h"
#include "store/reader_lines.h"

#define TIME(column) "strftime('%Y-%m-%dT%H:%M:%SZ', " column " / 1000, 'unixepoch')"
/* URLs with the answer whose content we hold (no 304, no failure replaces it), else with the latest one. */
#define CONTENTS \
    " FROM url u LEFT JOIN page p ON p.url_id = u.id JOIN fetch f ON f.id = coalesce(p.fetch_id, u.fetch_id) "
/* What robots meta tags and headers say to us, as a list in commas. */
#define ROBOTS_WORDS \
    "',' || replace(coalesce(p.robots_meta, '') || ',' || coalesce(p.x_robots_tag, ''), ' ', '') || ','"
/* A row of host_summary whose host is one of those that are crawled, also where all it had was of no wanted type. */
#define WAS_ASKED "queued + fetched + not_modified + failed + pages > 0 "
/* An origin's port behind its host, where it is not its scheme's own. */
#define PORT(scheme, port) \
    "CASE " port " WHEN CASE " scheme " WHEN 'https' THEN 443 ELSE 80 END THEN '' ELSE ':' || " port " END"
/*
 * Pages whose text in that column others have, too. Most pages are sorted out by what page alone has: candidates are
 * few, if not by much, and only they are looked at closely.
 */
#define SHARING(column) \
    "WITH twins(n) AS MATERIALIZED (SELECT twin_set(" column ") FROM page WHERE " column " <> '')," \
    " candidate(id) AS MATERIALIZED (SELECT p.url_id FROM twins t CROSS JOIN page p" \
    " CROSS JOIN url u ON u.id = p.url_id CROSS JOIN fetch f ON f.id = p.fetch_id" \
    " WHERE p." column " <> '' AND may_be_twin(t.n, p." column ") AND " READER_IS_SOUND ")," \
    " shared(text, n) AS MATERIALIZED (SELECT p." column ", count(*) FROM candidate c" \
    " CROSS JOIN page p ON p.url_id = c.id GROUP BY 1 HAVING count(*) > 1)" \
    " SELECT s.n AS pages, p." column ", u.url FROM candidate c CROSS JOIN page p ON p.url_id = c.id" \
    " CROSS JOIN shared s ON s.text = p." column " CROSS JOIN url u ON u.id = c.id" \
    " ORDER BY s.n DESC, p." column ", u.url"
/*
 * URLs that failed or answered 4xx or 5xx. They are few: answers are gone through, not URLs with the answer of each,
 * and who links to them is looked up from their side.
 */
#define BROKEN \
    "WITH broken(id, url, status_code, problem, error) AS MATERIALIZED (SELECT u.id, u.url, f.status_code," \
    " coalesce(u.reason, f.outcome), f.error FROM url u LEFT JOIN fetch f ON f.id = u.fetch_id WHERE u.state = 3" \
    " UNION ALL SELECT u.id, u.url, f.status_code, coalesce(u.reason, f.outcome), f.error FROM fetch f" \
    " CROSS JOIN url u ON u.id = f.url_id AND u.fetch_id = f.id WHERE f.outcome = 'http_error' AND u.state = 1) "
/* What a report says of its targets, looked up by their ids for each link to one: row_value counts them from 0. */
#define KEPT(id_and_values, from) ", kept(n) AS MATERIALIZED (SELECT row_set(" id_and_values ") FROM " from ") "
#define KEPT_VALUE(column) "row_value(k.n, a.dst_id, " column ")"
/*
 * The links to targets, which have an id and are kept: their ids, from the index by target alone where there is
 * one, then the links in the order in which the file has them, so that no page of it is read twice and nothing wide is
 * sorted. They are grouped by what each has for itself: ORDER BY needs a LIMIT to stay, and with one SQLite sorts in a
 * b-tree. Files before schema 9 find a link by its page only.
 */
#define LINKS_TO(targets) \
    " FROM kept k CROSS JOIN (SELECT l.id, l.src_id, l.dst_id FROM links l" \
    " WHERE l.dst_id IN (SELECT id FROM " targets ") GROUP BY l.id) a" \
    " CROSS JOIN links l ON l.id = a.id AND l.src_id = a.src_id" \
    " CROSS JOIN url s ON s.id = a.src_id "

const struct reader_report reader_reports[] = {
    { "broken-links", "links to pages that failed or answered 4xx or 5xx, page by page where they stand",
      BROKEN KEPT("id, url, status_code, problem", "broken")
      "SELECT s.url AS src_url, " KEPT_VALUE("0") " AS dst_url, " KEPT_VALUE("1") " AS status_code,"
      " " KEPT_VALUE("2") " AS problem, l.anchor" LINKS_TO("broken") },
    { "broken-pages", "the same pages, each with how many links lead to it",
      BROKEN "SELECT b.url, b.status_code, b.problem, coalesce(l.n, 0) AS links, b.error FROM broken b LEFT JOIN"
             " (SELECT dst_id, count(*) AS n FROM links WHERE dst_id IN (SELECT id FROM broken) GROUP BY dst_id) l"
             " ON l.dst_id = b.id ORDER BY links DESC, b.url" },
    { "errors", "pages that answered 4xx or 5xx, a redirect to no URL, or nothing complete",
      "SELECT u.url, f.status_code, coalesce(u.reason, f.outcome) AS problem, f.error, u.retries, p.url AS found_on"
      " FROM url u LEFT JOIN fetch f ON f.id = u.fetch_id LEFT JOIN url p ON p.id = u.parent_id"
      " WHERE u.state = 3 OR (u.state = 1 AND (f.outcome = 'http_error' OR (f.outcome = 'redirect'"
      " AND f.error IS NOT NULL))) ORDER BY f.status_code, u.url" },
    { "failed", "URLs whose last try gave no complete answer",
      "SELECT u.url, u.reason, f.error, u.retries FROM url u LEFT JOIN fetch f ON f.id = u.fetch_id"
      " WHERE u.state = 3 ORDER BY u.reason, u.url" },
    { "gone", "pages that were there before, as far as kept, and answer 404 or 410 now",
      "SELECT u.url, f.status_code, " TIME("f.fetched_at") " AS asked_at, (SELECT h.title FROM page_old h"
      " JOIN fetch b ON b.id = h.fetch_id WHERE h.url_id = u.id AND b.outcome = 'ok' ORDER BY h.fetch_id DESC LIMIT 1)"
      " AS last_title FROM url u JOIN fetch f ON f.id = u.fetch_id"
      " WHERE u.state = 1 AND f.status_code IN (404, 410) AND EXISTS (SELECT 1 FROM fetch o WHERE o.url_id = u.id"
      " AND o.id < f.id AND o.outcome IN ('ok', 'not_modified')) ORDER BY u.url" },
    { "redirect-chains", "every redirect from its first URL to where it ends",
      "SELECT start_url, hops, final_url, final_status_code AS status_code, is_loop FROM redirect_chains"
      " ORDER BY hops DESC, start_url" },
    { "redirected-links", "links that lead to a redirect, page by page, with where they could lead at once",
      /* Over all hops to the end; loops have none. */
      "WITH RECURSIVE hop(id, url, to_id, status_code) AS MATERIALIZED (SELECT r.src_id, a.url, r.dst_id, r.status_code"
      " FROM redirects r JOIN url a ON a.id = r.src_id JOIN fetch f ON f.id = a.fetch_id"
      " WHERE f.outcome IN ('redirect', 'redirect_limit')"
      " AND r.run_id = (SELECT max(x.run_id) FROM redirects x WHERE x.src_id = r.src_id)),"
      " walk(id, at_id, hops) AS (SELECT id, to_id, 1 FROM hop"
      " UNION ALL SELECT w.id, h.to_id, w.hops + 1 FROM walk w JOIN hop h ON h.id = w.at_id WHERE w.hops < 50),"
      " finish(id, url) AS MATERIALIZED (SELECT w.id, u.url FROM walk w JOIN url u ON u.id = w.at_id"
      " WHERE w.at_id NOT IN (SELECT id FROM hop))"
      KEPT("h.id, h.url, h.status_code, e.url", "hop h LEFT JOIN finish e ON e.id = h.id")
      "SELECT s.url AS src_url, " KEPT_VALUE("0") " AS dst_url, " KEPT_VALUE("1") " AS status_code,"
      " " KEPT_VALUE("2") " AS redirects_to, l.anchor" LINKS_TO("hop") },
    { "slow-pages", "pages that took a second or longer",
      "SELECT url, total_ms, ttfb_ms, size, status_code FROM slow_pages ORDER BY total_ms DESC, url" },
    { "largest", "the hundred largest pages",
      "SELECT u.url, f.size, f.wire_size, f.content_type" CONTENTS "ORDER BY f.size DESC, u.id LIMIT 100" },
    { "deepest", "the hundred pages farthest from the seeds",
      "SELECT u.depth, u.url, p.url AS found_on FROM url u LEFT JOIN url p ON p.id = u.parent_id"
      " WHERE u.state IN (1, 2) ORDER BY u.depth DESC, u.id LIMIT 100" },
    { "depths", "how many URLs lie how far from the seeds",
      "SELECT depth, sum(state IN (1, 2)) AS fetched, sum(state = 3) AS failed, sum(state = 4) AS excluded,"
      " sum(state = 0) AS queued, count(*) AS urls FROM url GROUP BY depth ORDER BY depth" },
    { "duplicates", "pages with the same body",
      "SELECT copies, url, title, size, sha256 FROM (SELECT count(*) OVER (PARTITION BY d.sha256) AS copies,"
      " d.url, d.title, d.size, d.sha256, d.url_id FROM duplicates d JOIN page p ON p.url_id = d.url_id"
      " JOIN fetch f ON f.id = p.fetch_id WHERE f.outcome = 'ok') WHERE copies > 1"
      " ORDER BY copies DESC, sha256, url_id" },
    { "near-duplicates", "pages with nearly the same text",
      "SELECT url_a, url_b, distance FROM near_duplicates ORDER BY url_id_a, url_id_b" },
    { "orphans", "pages that no other page links to and no redirect leads to",
      "SELECT url, hop, title, status_code FROM orphans ORDER BY url" },
    { "missing-titles", "pages without a title",
      "SELECT u.url, p.h1, f.size" READER_SOUND_PAGES "AND coalesce(p.title, '') = '' ORDER BY u.url" },
    { "missing-descriptions", "pages without a description",
      "SELECT u.url, p.title" READER_SOUND_PAGES "AND coalesce(p.description, '') = '' ORDER BY u.url" },
    { "missing-headings", "pages without a first heading",
      "SELECT u.url, p.title" READER_SOUND_PAGES "AND coalesce(p.h1, '') = '' ORDER BY u.url" },
    { "duplicate-titles", "titles that several pages have",
      SHARING("title") },
    { "duplicate-descriptions", "descriptions that several pages have",
      SHARING("description") },
    { "long-titles", "titles of more than 60 characters, which search engines cut",
      "SELECT length(p.title) AS length, p.title, u.url" READER_SOUND_PAGES
      "AND length(p.title) > 60 ORDER BY length DESC, u.url" },
    { "noindex", "pages that forbid indexing, by meta tag or header",
      "SELECT u.url, p.robots_meta, p.x_robots_tag" READER_SOUND_PAGES
      "AND (" ROBOTS_WORDS " LIKE '%noindex%' OR " ROBOTS_WORDS " LIKE '%,none,%') ORDER BY u.url" },
    { "canonicals", "pages that name another URL as their canonical one",
      "SELECT u.url, p.canonical_url" READER_SOUND_PAGES
      "AND substr(p.canonical_url, 1, instr(p.canonical_url || '#', '#') - 1) NOT IN (u.url, coalesce(u.key, u.url))"
      " ORDER BY u.url" },
    { "excluded", "what was decided against, and by which rule",
      /* As the view, which makes a word of the state of every URL, and of the reason by a chain of comparisons. */
      "SELECT u.url, reason_word(u.reason) AS reason, u.rule, u.depth, p.url AS parent_url"
      " FROM url u LEFT JOIN url p ON p.id = u.parent_id WHERE u.state = 4 ORDER BY 2, 1" },
    { "excluded-counts", "how many URLs were decided against, by reason",
      "SELECT reason, count(*) AS urls FROM excluded GROUP BY reason ORDER BY urls DESC, reason" },
    { "status", "answers by status code",
      "SELECT * FROM status_counts ORDER BY urls DESC, state, reason, outcome, status_code" },
    { "content-types", "what kinds of content there are, and how much of each",
      /* Each spelling is there many times: they are counted before they are taken apart. */
      "SELECT lower(trim(substr(t, 1, CASE WHEN instr(t, ';') > 0 THEN instr(t, ';') - 1 ELSE length(t) END)))"
      " AS type, sum(n) AS urls, sum(size) AS bytes"
      " FROM (SELECT f.content_type AS t, count(*) AS n, sum(f.size) AS size" CONTENTS
      "WHERE f.content_type IS NOT NULL GROUP BY 1) GROUP BY 1 ORDER BY urls DESC, type" },
    { "languages", "languages that pages say they are in; without one those that do not say",
      "SELECT lower(p.lang) AS lang, count(*) AS pages" READER_SOUND_PAGES "GROUP BY 1 ORDER BY pages DESC, lang" },
    { "hosts", "what each host was asked and how it answered",
      "SELECT CASE WHEN scheme = 'https' THEN 'https://' ELSE '' END || host || " PORT("scheme", "port") " AS host,"
      " urls, fetched + not_modified AS pages, failed, excluded, queued, coalesce(errors, 0) AS errors,"
      " mean_total_ms AS mean_ms FROM host_summary WHERE " WAS_ASKED "ORDER BY urls DESC, 1, scheme" },
    { "other-hosts", "hosts that pages link to and that were not asked, with how many URLs",
      /* Counted first: hosts are far fewer than their URLs. */
      "SELECT h.scheme, h.host, h.port, c.urls FROM (SELECT host_id, count(*) AS urls FROM url"
      " WHERE state = 4 AND reason = 1 GROUP BY host_id) c CROSS JOIN hosts h ON h.id = c.host_id"
      " WHERE h.id NOT IN (SELECT host_id FROM host_summary WHERE " WAS_ASKED ") "
      "ORDER BY c.urls DESC, h.host, h.port, h.scheme" },
    { "robots", "robots.txt of each host: what it answered, and when",
      "SELECT h.scheme || '://' || h.host || " PORT("h.scheme", "h.port") " AS origin, r.outcome, r.status_code,"
      " " TIME("r.fetched_at") " AS fetched_at, h.crawl_delay_ms, length(CAST(r.body AS BLOB)) AS size"
      " FROM robots r JOIN hosts h ON h.id = r.host_id ORDER BY h.host, h.port, h.scheme" },
    { "sitemaps", "sitemaps that were read",
      "SELECT url, outcome, status_code, entries, " TIME("fetched_at") " AS fetched_at FROM sitemaps ORDER BY url" },
    { "new", "URLs that the latest run met first and that have an answer",
      "SELECT u.url, f.status_code, u.depth, p.title FROM url u JOIN fetch f ON f.id = u.fetch_id"
      " LEFT JOIN page p ON p.url_id = u.id WHERE u.id > (SELECT max(id) FROM url) - (SELECT new_urls FROM runs"
      " ORDER BY id DESC LIMIT 1) AND u.state IN (1, 2) ORDER BY u.id" },
    { "log", "every request, newest first",
      /* As crawl_log, whose strftime would be the slowest part of it. */
      "SELECT iso_time(f.fetched_at) AS fetched_at, f.status_code, f.outcome, f.total_ms, f.size, u.url, f.attempt,"
      " f.run_id, p.url AS parent_url, f.content_type, f.ip, f.error FROM fetch f JOIN url u ON u.id = f.url_id"
      " LEFT JOIN url p ON p.id = u.parent_id ORDER BY f.id DESC" },
    { "events", "what happened besides, newest first",
      "SELECT " TIME("e.at") " AS at, e.level, e.component, e.event, u.url, e.detail FROM events e"
      " LEFT JOIN url u ON u.id = e.url_id ORDER BY e.id DESC" },
    { "runs", "the runs of this database",
      "SELECT id, state, stop_reason, " TIME("started_at") " AS started_at,"
      " " TIME("finished_at") " AS finished_at, requests, pages, bytes, new_urls FROM runs ORDER BY id" },
    { NULL, NULL, NULL },
};

/* Tables of many millions of rows are held against sets of ids: a look-up for each would take minutes. */
const struct reader_report reader_checks[] = {
    { "every URL is in one of the five states", "url",
      "SELECT id, url FROM urls WHERE state IS NULL" },
    { "every excluded URL has a reason, every failed one an outcome", "url",
      "SELECT id, url FROM urls WHERE state IN ('excluded', 'failed') AND"
      " coalesce(reason, '') = ''" },
    { "no other URL has a reason", "url",
      "SELECT id, url FROM urls WHERE state NOT IN ('excluded', 'failed') AND"
      " coalesce(reason, '') <> ''" },
    { "no two URLs have the same key", "url",
      "SELECT key, count(*) FROM urls GROUP BY key HAVING count(*) > 1" },
    { "every URL can be found by the hash of its key", "url",
      "SELECT id, url FROM url WHERE key_hash IS NOT url_hash(coalesce(key, url))" },
    { "the index of URLs by that hash has them all", "url_by_hash",
      "SELECT id, url FROM url u WHERE id <= (SELECT value FROM meta WHERE name = 'url_by_hash_to') AND NOT EXISTS"
      " (SELECT 1 FROM url_by_hash h WHERE h.key_hash = u.key_hash AND h.url_id = u.id)" },
    { "it has no others", "url_by_hash",
      "SELECT url_id, key_hash FROM url_by_hash h WHERE NOT EXISTS (SELECT 1 FROM url u WHERE u.id = h.url_id AND"
      " u.key_hash = h.key_hash)" },
    { "the index of bodies by their SHA-256 has them all", "body_by_hash",
      "SELECT id, size FROM body b WHERE id <= (SELECT value FROM meta WHERE name = 'body_by_hash_to') AND NOT EXISTS"
      " (SELECT 1 FROM body_by_hash h WHERE h.hash = substr(b.sha256, 1, 8) AND h.body_id = b.id)" },
    { "it has no other bodies", "body_by_hash",
      "SELECT body_id, hex(hash) AS hash FROM body_by_hash h WHERE NOT EXISTS (SELECT 1 FROM body b WHERE"
      " b.id = h.body_id AND substr(b.sha256, 1, 8) = h.hash)" },
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
    { "no page in the history without its fetches", "page_old",
      "SELECT o.url_id, o.fetch_id FROM page_old o WHERE NOT EXISTS (SELECT 1 FROM"
      " fetch f WHERE f.id = o.fetch_id AND f.url_id = o.url_id)"
      " OR (o.text_id IS NOT NULL AND NOT EXISTS"
      " (SELECT 1 FROM fetch f WHERE f.id = o.text_id AND f.url_id = o.url_id))" },
    { "every complete page that was parsed has its row", "url",
      "SELECT u.id, u.url FROM urls u JOIN fetches f ON f.id = u.fetch_id WHERE"
      " f.outcome = 'ok' AND"
      " u.state = 'fetched' AND NOT EXISTS (SELECT 1 FROM pages p WHERE p.url_id ="
      " u.id)" },
    { "both ends of every link are known", "links",
      "SELECT src_id, dst_id FROM (SELECT id_set(id) AS known FROM url) CROSS JOIN links"
      " WHERE NOT id_is_in(known, dst_id) OR NOT id_is_in(known, src_id)" },
    { "the text of every link is there", "outlink",
      "SELECT set_id, anchor_id FROM outlink WHERE anchor_id IS NOT NULL AND NOT"
      " id_is_in((SELECT id_set(id) FROM anchor), anchor_id)" },
    { "both ends of every redirect are known", "redirects",
      "SELECT r.src_id, r.dst_id FROM redirects r WHERE NOT EXISTS (SELECT 1 FROM"
      " urls u WHERE u.id = r.dst_id)"
      " OR NOT EXISTS (SELECT 1 FROM urls u WHERE u.id = r.src_id)" },
    { "every stored body that a fetch names is there", "fetch",
      "SELECT f.id, f.body_id FROM fetches f WHERE f.body_id IS NOT NULL AND NOT EXISTS"
      " (SELECT 1 FROM bodies b WHERE b.id = f.body_id)" },
    { "every link stands on a page", "outlink",
      "SELECT DISTINCT set_id FROM outlink WHERE NOT id_is_in((SELECT id_set(links_id) FROM page), set_id)" },
    { "the links of a page follow each other from the one that it names", "outlink.id",
      "SELECT n, found FROM (SELECT (SELECT count(*) FROM outlink) AS n, (SELECT coalesce(sum((SELECT count(*)"
      " FROM outlink l NOT INDEXED WHERE l.id >= p.links_id AND l.id < p.links_id + p.links_out"
      " AND l.set_id = p.links_id)), 0) FROM page p WHERE p.links_id IS NOT NULL) AS found) WHERE n <> found" },
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
    { "the file's own structure is sound", "url",
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
      "SELECT CASE state WHEN 0 THEN 'queued' WHEN 1 THEN 'fetched' WHEN 2 THEN 'not_modified'"
      " WHEN 3 THEN 'failed' ELSE 'excluded' END AS state, n AS urls FROM state_count WHERE n > 0"
      " ORDER BY urls DESC, state" },
    { "excluded", "by reason",
      "SELECT reason, count(*) AS urls FROM urls WHERE state = 'excluded' GROUP BY reason ORDER BY urls"
      " DESC, reason" },
    { "requests of the run", "by outcome",
      "SELECT outcome, count(*) AS fetches FROM fetch WHERE run_id = (SELECT max(id) FROM runs)"
      " GROUP BY outcome ORDER BY fetches DESC, outcome" },
    { "queued hosts", "with the most URLs queued",
      "SELECT h.scheme, h.host, h.port, count(*) AS queued FROM urls u JOIN hosts h"
      " ON h.id = u.host_id"
      " WHERE u.state = 'queued' GROUP BY h.id ORDER BY queued DESC, h.host, h.port, h.scheme LIMIT 10" },
    { NULL, NULL, NULL },
};

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
      " " READER_RAW_LINES("f.request_headers") ", " READER_RAW_LINES(
          "f.headers") ", f.total_ms, v.url,"
                       " CASE WHEN f.status_code = 304 THEN (SELECT"
                       " max(e.fetched_at) FROM fetch e WHERE e.url_id = f.url_id"
                       " AND e.id < f.id AND e.body_id IS NOT NULL) END,"
                       " coalesce(f.sha256, b.sha256)," /* of what was cut only the body has one */
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
