-- Schema 2: link-graph metrics, written at the end of a run, and views that use them.

-- URLs that have a page or a link to them, as of the end of the run meta.metrics_run.
CREATE TABLE metric (
    url_id INTEGER PRIMARY KEY,
    pagerank REAL,                        -- pages only; they sum up to 1
    links_in INTEGER NOT NULL,
    pages_in INTEGER NOT NULL,            -- other pages with a link to it
    cluster_id INTEGER,                   -- the smallest url_id of its near-duplicates and itself
    copies INTEGER                        -- pages with its body, itself included; NULL = no other has it
);

-- Pages whose fingerprints differ in 3 bits at most; of equal bodies the smallest url_id.
CREATE TABLE near_pair (
    a_id INTEGER NOT NULL,
    b_id INTEGER NOT NULL,
    distance INTEGER NOT NULL,
    PRIMARY KEY (a_id, b_id)
) WITHOUT ROWID;

-- All of url, counted, as of the end of the run meta.stats_run; in large files only.
CREATE TABLE url_stat (
    host_id INTEGER,
    state INTEGER NOT NULL,
    reason,
    outcome TEXT,
    status_code INTEGER,
    urls INTEGER NOT NULL,
    ttfb_sum INTEGER, ttfb_n INTEGER, total_sum INTEGER, total_n INTEGER
);

CREATE VIEW metrics AS
SELECT url_id, pagerank, links_in, pages_in, cluster_id, copies FROM metric;

-- Are the metrics those of the latest run? One row: 1 or 0.
CREATE VIEW metrics_state AS
SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'metrics_run' AND value = (SELECT max(id) FROM runs)) AS is_fresh,
    (SELECT value FROM meta WHERE name = 'metrics_run') AS run_id;

DROP VIEW internal_all;
CREATE VIEW internal_all AS
SELECT u.url, f.content_type, f.status_code, f.outcome, u.state, u.reason,
    CASE
        WHEN u.state NOT IN ('fetched', 'not_modified') THEN 'non-indexable: ' || u.state
        WHEN f.outcome NOT IN ('ok', 'not_modified') THEN 'non-indexable: ' || f.outcome
        WHEN lower(coalesce(p.robots_meta, '') || ',' || coalesce(p.x_robots_tag, '')) LIKE '%noindex%'
            THEN 'non-indexable: noindex'
        WHEN p.canonical_url IS NOT NULL AND p.canonical_url <> u.url THEN 'non-indexable: canonicalised'
        ELSE 'indexable'
    END AS indexability,
    p.title, length(p.title) AS title_length, p.description, length(p.description) AS description_length,
    p.h1, p.robots_meta, p.x_robots_tag, p.canonical_url, p.lang, f.size, p.word_count, u.depth,
    p.links_out,
    coalesce(CASE WHEN (SELECT is_fresh FROM metrics_state) THEN m.links_in ELSE i.links_in END, 0) AS links_in,
    coalesce(CASE WHEN (SELECT is_fresh FROM metrics_state) THEN m.pages_in ELSE i.pages_in END, 0) AS pages_in,
    m.pagerank, m.cluster_id,
    f.ttfb_ms, f.total_ms, f.last_modified, f.location AS redirect_url,
    CASE WHEN f.sha256 IS NOT NULL THEN lower(hex(f.sha256)) END AS sha256,
    strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch') AS fetched_at
FROM urls u
LEFT JOIN fetch f ON f.id = u.fetch_id
LEFT JOIN page p ON p.url_id = u.id
LEFT JOIN metric m ON m.url_id = u.id
LEFT JOIN (
    SELECT dst_id, count(*) AS links_in, count(DISTINCT CASE WHEN src_id <> dst_id THEN src_id END) AS pages_in
    FROM link WHERE NOT (SELECT is_fresh FROM metrics_state) GROUP BY dst_id) i ON i.dst_id = u.id
WHERE u.reason IS NULL OR u.reason NOT IN ('scope', 'scheme');

-- Pages that no other page links to and no redirect leads to.
DROP VIEW orphans;
CREATE VIEW orphans AS
SELECT u.url, u.hop, u.depth, p.title, f.status_code, u.id AS url_id
FROM urls u
JOIN fetch f ON f.id = u.fetch_id
LEFT JOIN page p ON p.url_id = u.id
WHERE u.state IN ('fetched', 'not_modified')
    AND NOT ((SELECT is_fresh FROM metrics_state)
        AND EXISTS (SELECT 1 FROM metric m WHERE m.url_id = u.id AND m.pages_in > 0))
    AND u.id NOT IN (SELECT dst_id FROM link WHERE NOT (SELECT is_fresh FROM metrics_state) AND dst_id <> src_id)
    AND u.id NOT IN (SELECT dst_id FROM redirects WHERE dst_id <> src_id);

-- Pairs whose fingerprints differ in at most 3 of 64 bits: such a pair agrees in one of four 16-bit bands at least.
-- Equal bodies count once; they are in duplicates. Found at the end of a run; before that, here.
DROP VIEW near_duplicates;
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
CREATE VIEW near_clusters AS
SELECT m.cluster_id, u.url, p.title, m.pagerank, u.id AS url_id
FROM metric m JOIN url u ON u.id = m.url_id JOIN page p ON p.url_id = m.url_id
WHERE m.cluster_id IS NOT NULL;

DROP VIEW duplicates;
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

-- The broken targets come first: with an index on the target there is nothing else to read, without one every
-- link is held against this list.
DROP VIEW broken_links;
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

-- Are the counts of url_stat those of the latest run, and is nothing otherwise since? One row: 1 or 0.
CREATE VIEW stats_state AS
SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'stats_run' AND value = (SELECT max(id) FROM runs))
    AND NOT EXISTS (SELECT 1 FROM state_count c
        WHERE c.n <> (SELECT coalesce(sum(s.urls), 0) FROM url_stat s WHERE s.state = c.state)) AS is_fresh;

DROP VIEW status_counts;
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
ORDER BY urls DESC;

DROP VIEW host_summary;
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
