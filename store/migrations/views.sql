-- The views that docs/schema.md promises: the public names of the compact tables, and reports. They hold nothing, so that
-- files of every schema get all of them anew: in a new file, and when a file migrates. A view that changes is a new
-- schema version whose migration may be empty.

-- The public names of the compact tables.

DROP VIEW IF EXISTS urls;
CREATE VIEW urls AS
SELECT id, url, coalesce(key, url) AS key, host_id,
    CASE state
        WHEN 0 THEN 'queued' WHEN 1 THEN 'fetched' WHEN 2 THEN 'not_modified'
        WHEN 3 THEN 'failed' WHEN 4 THEN 'excluded' END AS state,
    CASE reason
        WHEN 1 THEN 'scope' WHEN 2 THEN 'include_exclude' WHEN 3 THEN 'depth'
        WHEN 4 THEN 'scheme' WHEN 5 THEN 'kind' WHEN 6 THEN 'robots'
        WHEN 7 THEN 'robots_unreachable' WHEN 8 THEN 'nofollow'
        WHEN 9 THEN 'content_type' WHEN 10 THEN 'trap' WHEN 11 THEN 'host_limit'
        WHEN 12 THEN 'url_too_long' WHEN 13 THEN 'invalid_url'
        WHEN 14 THEN 'blocked_address' WHEN 15 THEN 'deferred' WHEN 16 THEN 'dropped'
        ELSE reason END AS reason,
    rule, depth, redirects, parent_id,
    CASE hop
        WHEN 0 THEN 'seed' WHEN 1 THEN 'link' WHEN 2 THEN 'redirect'
        WHEN 3 THEN 'sitemap' WHEN 4 THEN 'feed' WHEN 5 THEN 'embed'
        WHEN 6 THEN 'refresh' WHEN 7 THEN 'canonical' END AS hop,
    discovered_at, next_fetch_at, retries, priority, run_id, fetch_id, interval_ms
FROM url;

DROP VIEW IF EXISTS fetches;
CREATE VIEW fetches AS
SELECT id, url_id, run_id, attempt, fetched_at, outcome, status_code, error, content_type, charset,
    charset_source, http_version, ip, size, wire_size, dns_ms, connect_ms, tls_ms, ttfb_ms, total_ms,
    etag, last_modified, location, CASE WHEN sha256 IS NOT NULL THEN lower(hex(sha256)) END AS sha256, body_id,
    request_headers, headers
FROM fetch;

-- fetch_id is the fetch that brought the content: page_text has its text under that number. A later fetch with the same body
-- is urls.fetch_id.
DROP VIEW IF EXISTS pages;
CREATE VIEW pages AS
SELECT url_id, coalesce(text_id, fetch_id) AS fetch_id, title, description, h1, canonical_url,
    robots_meta, x_robots_tag, lang,
    word_count, simhash, links_out, parse_outcome, facts, text_id, links_other
FROM page;

DROP VIEW IF EXISTS page_history;
CREATE VIEW page_history AS
SELECT url_id, coalesce(text_id, fetch_id) AS fetch_id, title, description, h1, canonical_url,
    robots_meta, x_robots_tag, lang,
    word_count, simhash, links_out, parse_outcome, facts, text_id, links_other
FROM page_old;

DROP VIEW IF EXISTS links;
CREATE VIEW links AS
SELECT p.url_id AS src_id, dst_id,
    CASE bits & 63
        WHEN 0 THEN 'a' WHEN 1 THEN 'area' WHEN 2 THEN 'link' WHEN 3 THEN 'img'
        WHEN 4 THEN 'source' WHEN 5 THEN 'script' WHEN 6 THEN 'iframe'
        WHEN 7 THEN 'frame' WHEN 8 THEN 'embed' WHEN 9 THEN 'object'
        WHEN 10 THEN 'video' WHEN 11 THEN 'audio' WHEN 12 THEN 'track'
        WHEN 13 THEN 'form' WHEN 14 THEN 'input' WHEN 15 THEN 'button'
        WHEN 16 THEN 'blockquote' WHEN 17 THEN 'q' WHEN 18 THEN 'ins' WHEN 19 THEN 'del'
        WHEN 20 THEN 'body' WHEN 21 THEN 'image' WHEN 22 THEN 'use'
        WHEN 23 THEN 'meta-refresh' WHEN 24 THEN 'http-refresh' WHEN 25 THEN 'http-link'
        WHEN 26 THEN 'css' WHEN 27 THEN 'feed' WHEN 28 THEN 'sitemap' END AS kind,
    rel, bits >> 6 & 1 AS nofollow,
    CAST(CASE WHEN anchor_id IS NULL THEN anchor ELSE (SELECT text FROM anchor a WHERE a.id = anchor_id) END AS TEXT)
        AS anchor,
    l.id - set_id AS position, l.id
FROM page p JOIN outlink l ON l.set_id = p.links_id AND l.id >= p.links_id AND l.id < p.links_id + p.links_out;

DROP VIEW IF EXISTS bodies;
CREATE VIEW bodies AS
SELECT id, lower(hex(sha256)) AS sha256, codec, size, data FROM body;

DROP VIEW IF EXISTS metrics;
CREATE VIEW metrics AS
SELECT url_id, pagerank, links_in, pages_in, cluster_id, copies FROM metric;

-- Reports.

-- Are the metrics those of the latest run? One row: 1 or 0.
DROP VIEW IF EXISTS metrics_state;
CREATE VIEW metrics_state AS
SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'metrics_run' AND value = (SELECT max(id) FROM runs)) AS is_fresh,
    (SELECT value FROM meta WHERE name = 'metrics_run') AS run_id;

-- Are the counts of url_stat those of the latest run, and is nothing otherwise since? One row: 1 or 0.
DROP VIEW IF EXISTS stats_state;
CREATE VIEW stats_state AS
SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'stats_run' AND value = (SELECT max(id) FROM runs))
    AND NOT EXISTS (SELECT 1 FROM state_count c
        WHERE c.n <> (SELECT coalesce(sum(s.urls), 0) FROM url_stat s WHERE s.state = c.state)) AS is_fresh;

DROP VIEW IF EXISTS crawl_log;
CREATE VIEW crawl_log AS
SELECT f.id AS fetch_id, strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch') AS fetched_at,
    f.status_code, f.outcome, f.size, u.url, u.hop, p.url AS parent_url, f.content_type, f.attempt,
    f.total_ms, f.ip, CASE WHEN f.sha256 IS NOT NULL THEN lower(hex(f.sha256)) END AS sha256, f.error,
    f.location, u.depth, f.run_id
FROM fetch f JOIN urls u ON u.id = f.url_id LEFT JOIN url p ON p.id = u.parent_id;

-- A page that a 304 confirms has the type, size, hash and date of the answer that brought it.
DROP VIEW IF EXISTS internal_all;
CREATE VIEW internal_all AS
SELECT u.url, b.content_type, f.status_code, f.outcome, u.state, u.reason,
    CASE
        WHEN u.state NOT IN ('fetched', 'not_modified') THEN 'non-indexable: ' || u.state
        WHEN f.outcome NOT IN ('ok', 'not_modified') THEN 'non-indexable: ' || f.outcome
        WHEN lower(coalesce(p.robots_meta, '') || ',' || coalesce(p.x_robots_tag, '')) LIKE '%noindex%'
            OR ',' || replace(lower(coalesce(p.robots_meta, '') || ',' || coalesce(p.x_robots_tag, '')), ' ', '') || ','
                LIKE '%,none,%'
            THEN 'non-indexable: noindex'
        WHEN substr(p.canonical_url, 1, instr(p.canonical_url || '#', '#') - 1) NOT IN (u.url, u.key)
            THEN 'non-indexable: canonicalised'
        ELSE 'indexable'
    END AS indexability,
    p.title, length(p.title) AS title_length, p.description, length(p.description) AS description_length,
    p.h1, p.robots_meta, p.x_robots_tag, p.canonical_url, p.lang, b.size, p.word_count, u.depth,
    p.links_out,
    coalesce(CASE WHEN (SELECT is_fresh FROM metrics_state) THEN m.links_in ELSE i.links_in END, 0) AS links_in,
    coalesce(CASE WHEN (SELECT is_fresh FROM metrics_state) THEN m.pages_in ELSE i.pages_in END, 0) AS pages_in,
    m.pagerank, m.cluster_id,
    f.ttfb_ms, f.total_ms, b.last_modified, f.location AS redirect_url,
    CASE WHEN b.sha256 IS NOT NULL THEN lower(hex(b.sha256)) END AS sha256,
    strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch') AS fetched_at
FROM urls u
LEFT JOIN fetch f ON f.id = u.fetch_id
LEFT JOIN page p ON p.url_id = u.id
LEFT JOIN fetch b ON b.id = CASE WHEN f.outcome = 'not_modified' THEN p.fetch_id ELSE f.id END
LEFT JOIN metric m ON m.url_id = u.id
LEFT JOIN (
    SELECT dst_id, count(*) AS links_in, count(DISTINCT CASE WHEN src_id <> dst_id THEN src_id END) AS pages_in
    FROM links WHERE NOT (SELECT is_fresh FROM metrics_state) GROUP BY dst_id) i ON i.dst_id = u.id
WHERE u.reason IS NULL OR u.reason NOT IN ('scope', 'scheme');

-- The broken targets come first: with an index on the target there is nothing else to read, without one every
-- link is held against this list.
DROP VIEW IF EXISTS broken_links;
CREATE VIEW broken_links AS
SELECT s.url AS src_url, d.url AS dst_url, f.status_code, coalesce(d.reason, f.outcome) AS problem, f.error,
    l.kind, l.rel, l.nofollow, l.anchor, l.position, l.src_id, l.dst_id
FROM links l
CROSS JOIN urls d ON d.id = l.dst_id
LEFT JOIN fetch f ON f.id = d.fetch_id
JOIN url s ON s.id = l.src_id
WHERE l.dst_id IN (
    SELECT b.id FROM url b LEFT JOIN fetch bf ON bf.id = b.fetch_id
    WHERE b.state = 3 OR (b.state = 1 AND bf.outcome = 'http_error'));

-- One row per chain, from a URL that is no redirect's target; of a closed loop one row per member.
DROP VIEW IF EXISTS redirect_chains;
CREATE VIEW redirect_chains AS
WITH RECURSIVE
    hop(src_id, dst_id, status_code) AS MATERIALIZED (
        SELECT r.src_id, r.dst_id, r.status_code
        FROM redirects r JOIN url u ON u.id = r.src_id JOIN fetch f ON f.id = u.fetch_id
        WHERE f.outcome IN ('redirect', 'redirect_limit')
            AND r.run_id = (SELECT max(run_id) FROM redirects x WHERE x.src_id = r.src_id)),
    start(id) AS MATERIALIZED (
        SELECT src_id FROM hop WHERE src_id NOT IN (SELECT dst_id FROM hop)),
    reach(id) AS (
        SELECT id FROM start UNION SELECT h.dst_id FROM reach r JOIN hop h ON h.src_id = r.id),
    walk(start_id, at_id, hops, path, trail, is_loop) AS (
        SELECT h.src_id, h.dst_id, 1, s.url || ' -> ' || d.url, ',' || h.src_id || ',' || h.dst_id || ',',
            h.src_id = h.dst_id
        FROM hop h JOIN url s ON s.id = h.src_id JOIN url d ON d.id = h.dst_id
        WHERE h.src_id IN (SELECT id FROM start) OR h.src_id NOT IN (SELECT id FROM reach)
        UNION ALL
        SELECT w.start_id, h.dst_id, w.hops + 1, w.path || ' -> ' || d.url, w.trail || h.dst_id || ',',
            instr(w.trail, ',' || h.dst_id || ',') > 0
        FROM walk w JOIN hop h ON h.src_id = w.at_id JOIN url d ON d.id = h.dst_id
        WHERE NOT w.is_loop AND w.hops < 50)
SELECT s.url AS start_url, w.hops, e.url AS final_url, f.status_code AS final_status_code,
    coalesce(f.outcome, e.state) AS final_outcome, w.is_loop, w.path
FROM walk w
JOIN url s ON s.id = w.start_id
JOIN urls e ON e.id = w.at_id
LEFT JOIN fetch f ON f.id = e.fetch_id
WHERE w.is_loop OR w.at_id NOT IN (SELECT src_id FROM hop) OR w.hops >= 50;

DROP VIEW IF EXISTS duplicates;
CREATE VIEW duplicates AS
WITH same(sha256, copies) AS MATERIALIZED (
        SELECT f.sha256, count(*) FROM page p JOIN fetch f ON f.id = p.fetch_id
        WHERE NOT (SELECT is_fresh FROM metrics_state) AND f.sha256 IS NOT NULL
        GROUP BY f.sha256 HAVING count(*) > 1),
    member(url_id, sha256, copies) AS (
        SELECT p.url_id, s.sha256, s.copies FROM page p JOIN fetch f ON f.id = p.fetch_id
        JOIN same s ON s.sha256 = f.sha256
        WHERE NOT (SELECT is_fresh FROM metrics_state)
        UNION ALL SELECT m.url_id, f.sha256, m.copies
        FROM metric m JOIN page p ON p.url_id = m.url_id JOIN fetch f ON f.id = p.fetch_id
        WHERE (SELECT is_fresh FROM metrics_state) AND m.copies > 1)
SELECT lower(hex(m.sha256)) AS sha256, m.copies, u.url, p.title, f.size, p.canonical_url, u.id AS url_id
FROM member m JOIN url u ON u.id = m.url_id JOIN page p ON p.url_id = m.url_id JOIN fetch f ON f.id = p.fetch_id
ORDER BY m.copies DESC, m.sha256, u.id;

-- Pairs whose fingerprints differ in at most 3 of 64 bits: such a pair agrees in one of four 16-bit bands at least.
-- Equal bodies count once; they are in duplicates. Found at the end of a run; before that, here.
DROP VIEW IF EXISTS near_duplicates;
CREATE VIEW near_duplicates AS
WITH one(url_id, simhash) AS MATERIALIZED (
        SELECT min(p.url_id), p.simhash FROM page p JOIN fetch f ON f.id = p.fetch_id
        WHERE NOT (SELECT is_fresh FROM metrics_state) AND p.simhash <> 0 AND p.word_count >= 20
        GROUP BY coalesce(f.sha256, p.url_id), p.simhash),
    band(part, url_id, simhash) AS MATERIALIZED (
        SELECT simhash & 65535, url_id, simhash FROM one
        UNION ALL SELECT (simhash >> 16 & 65535) + 65536, url_id, simhash FROM one
        UNION ALL SELECT (simhash >> 32 & 65535) + 131072, url_id, simhash FROM one
        UNION ALL SELECT (simhash >> 48 & 65535) + 196608, url_id, simhash FROM one),
    pair(a_id, b_id, x) AS (
        SELECT DISTINCT a.url_id, b.url_id, (a.simhash | b.simhash) & ~(a.simhash & b.simhash)
        FROM band a JOIN band b ON a.part = b.part AND a.url_id < b.url_id),
    low(a_id, b_id, sign, x0) AS (SELECT a_id, b_id, x < 0, x & 9223372036854775807 FROM pair),
    low1 AS (SELECT *, x0 & (x0 - 1) AS x1 FROM low),
    low2 AS (SELECT *, x1 & (x1 - 1) AS x2 FROM low1),
    low3 AS (SELECT *, x2 & (x2 - 1) AS x3 FROM low2),
    near(a_id, b_id, distance) AS (
        SELECT a_id, b_id, sign + (x0 <> 0) + (x1 <> 0) + (x2 <> 0) AS bits FROM low3 WHERE x3 = 0 AND bits <= 3
        UNION ALL SELECT a_id, b_id, distance FROM near_pair WHERE (SELECT is_fresh FROM metrics_state))
SELECT a.url AS url_a, b.url AS url_b, n.distance, n.a_id AS url_id_a, n.b_id AS url_id_b
FROM near n JOIN url a ON a.id = n.a_id JOIN url b ON b.id = n.b_id;

-- Groups of pages with nearly the same text, directly or through others of the group.
DROP VIEW IF EXISTS near_clusters;
CREATE VIEW near_clusters AS
SELECT m.cluster_id, u.url, p.title, m.pagerank, u.id AS url_id
FROM metric m JOIN url u ON u.id = m.url_id JOIN page p ON p.url_id = m.url_id
WHERE m.cluster_id IS NOT NULL;

-- Pages that no other page links to and no redirect leads to. A redirect that has ended leads to nothing any more. What
-- answers with an error or leads elsewhere is no page.
DROP VIEW IF EXISTS orphans;
CREATE VIEW orphans AS
SELECT u.url, u.hop, u.depth, p.title, f.status_code, u.id AS url_id
FROM urls u
JOIN fetch f ON f.id = u.fetch_id
LEFT JOIN page p ON p.url_id = u.id
WHERE u.state IN ('fetched', 'not_modified') AND f.outcome IN ('ok', 'not_modified', 'too_large')
    AND NOT ((SELECT is_fresh FROM metrics_state)
        AND EXISTS (SELECT 1 FROM metric m WHERE m.url_id = u.id AND m.pages_in > 0))
    AND u.id NOT IN (SELECT dst_id FROM links WHERE NOT (SELECT is_fresh FROM metrics_state) AND dst_id <> src_id)
    AND u.id NOT IN (
        SELECT r.dst_id FROM redirects r JOIN url s ON s.id = r.src_id JOIN fetch sf ON sf.id = s.fetch_id
        WHERE r.dst_id <> r.src_id AND sf.outcome IN ('redirect', 'redirect_limit')
            AND r.run_id = (SELECT max(x.run_id) FROM redirects x WHERE x.src_id = r.src_id));

DROP VIEW IF EXISTS slow_pages;
CREATE VIEW slow_pages AS
SELECT u.url, f.total_ms, f.ttfb_ms, f.dns_ms, f.connect_ms, f.tls_ms, f.size, f.wire_size, f.status_code,
    strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch') AS fetched_at, u.id AS url_id
FROM url u JOIN fetch f ON f.id = u.fetch_id
WHERE f.total_ms >= 1000
ORDER BY f.total_ms DESC, u.id;

DROP VIEW IF EXISTS status_counts;
CREATE VIEW status_counts AS
SELECT
    CASE state
        WHEN 0 THEN 'queued' WHEN 1 THEN 'fetched' WHEN 2 THEN 'not_modified'
        WHEN 3 THEN 'failed' WHEN 4 THEN 'excluded' END AS state,
    CASE reason
        WHEN 1 THEN 'scope' WHEN 2 THEN 'include_exclude' WHEN 3 THEN 'depth'
        WHEN 4 THEN 'scheme' WHEN 5 THEN 'kind' WHEN 6 THEN 'robots'
        WHEN 7 THEN 'robots_unreachable' WHEN 8 THEN 'nofollow'
        WHEN 9 THEN 'content_type' WHEN 10 THEN 'trap' WHEN 11 THEN 'host_limit'
        WHEN 12 THEN 'url_too_long' WHEN 13 THEN 'invalid_url'
        WHEN 14 THEN 'blocked_address' WHEN 15 THEN 'deferred' WHEN 16 THEN 'dropped'
        ELSE reason END AS reason,
    outcome, status_code, urls
FROM (
    SELECT state, reason, outcome, status_code, sum(n) AS urls
    FROM (
        SELECT state, reason, outcome, status_code, urls AS n FROM url_stat WHERE (SELECT is_fresh FROM stats_state)
        UNION ALL SELECT u.state, u.reason, f.outcome, f.status_code, 1
        FROM url u LEFT JOIN fetch f ON f.id = u.fetch_id WHERE NOT (SELECT is_fresh FROM stats_state))
    GROUP BY state, reason, outcome, status_code)
ORDER BY urls DESC, state, reason, outcome, status_code;

DROP VIEW IF EXISTS host_summary;
CREATE VIEW host_summary AS
SELECT h.scheme, h.host, h.port, h.ip, h.robots_state, h.crawl_delay_ms, h.pages, h.bytes, h.failures,
    coalesce(c.urls, 0) AS urls, coalesce(c.queued, 0) AS queued, coalesce(c.fetched, 0) AS fetched,
    coalesce(c.not_modified, 0) AS not_modified, coalesce(c.failed, 0) AS failed,
    coalesce(c.excluded, 0) AS excluded, c.errors, c.mean_ttfb_ms, c.mean_total_ms,
    strftime('%Y-%m-%dT%H:%M:%fZ', h.next_fetch_at / 1000.0, 'unixepoch') AS next_fetch_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', h.backoff_until / 1000.0, 'unixepoch') AS backoff_until,
    h.id AS host_id
FROM hosts h LEFT JOIN (
    SELECT host_id, sum(n) AS urls, sum(n * (state = 0)) AS queued, sum(n * (state = 1)) AS fetched,
        sum(n * (state = 2)) AS not_modified, sum(n * (state = 3)) AS failed, sum(n * (state = 4)) AS excluded,
        sum(n * (outcome = 'http_error')) AS errors,
        CAST(round(1.0 * sum(ttfb_sum) / sum(ttfb_n)) AS INTEGER) AS mean_ttfb_ms,
        CAST(round(1.0 * sum(total_sum) / sum(total_n)) AS INTEGER) AS mean_total_ms
    FROM (
        SELECT host_id, state, outcome, urls AS n, ttfb_sum, ttfb_n, total_sum, total_n
        FROM url_stat WHERE (SELECT is_fresh FROM stats_state)
        UNION ALL SELECT u.host_id, u.state, f.outcome, 1, f.ttfb_ms, f.ttfb_ms IS NOT NULL, f.total_ms,
            f.total_ms IS NOT NULL
        FROM url u LEFT JOIN fetch f ON f.id = u.fetch_id WHERE NOT (SELECT is_fresh FROM stats_state))
    GROUP BY host_id) c ON c.host_id = h.id;

DROP VIEW IF EXISTS excluded;
CREATE VIEW excluded AS
SELECT u.url, u.reason, u.rule, u.depth, u.hop, p.url AS parent_url,
    strftime('%Y-%m-%dT%H:%M:%fZ', u.discovered_at / 1000.0, 'unixepoch') AS discovered_at, u.id AS url_id
FROM urls u LEFT JOIN url p ON p.id = u.parent_id
WHERE u.state = 'excluded';

-- The fields of a CDX index over the stored answers.
DROP VIEW IF EXISTS cdx;
CREATE VIEW cdx AS
SELECT u.key AS urlkey, strftime('%Y%m%d%H%M%S', f.fetched_at / 1000.0, 'unixepoch') AS timestamp,
    u.url AS original, f.content_type AS mimetype, f.status_code AS statuscode,
    CASE WHEN f.sha256 IS NOT NULL THEN lower(hex(f.sha256)) END AS digest, f.size AS length,
    f.id AS fetch_id, f.body_id
FROM fetch f JOIN urls u ON u.id = f.url_id
WHERE f.status_code IS NOT NULL;
