-- Schema 1. A published migration never changes; what comes later is a new file.
-- Base tables are compact (numbers for words, one copy of each URL); the public
-- names that docs/schema.md promises are tables where they are plain and views
-- where they are not.

CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'stopped')),
    stop_reason TEXT,
    version TEXT,
    settings TEXT,
    requests INTEGER NOT NULL DEFAULT 0,  -- fetch rows written
    pages INTEGER NOT NULL DEFAULT 0,     -- answered page requests
    bytes INTEGER NOT NULL DEFAULT 0,     -- on the wire
    new_urls INTEGER NOT NULL DEFAULT 0,
    used_pages INTEGER NOT NULL DEFAULT 0, -- of the budget; goes back to 0 where a start has a fresh one
    used_bytes INTEGER NOT NULL DEFAULT 0,
    last_request_at INTEGER,
    queued INTEGER, fetched INTEGER, not_modified INTEGER, failed INTEGER, excluded INTEGER, -- at its end
    summary TEXT
);

CREATE TABLE seeds (
    run_id INTEGER NOT NULL,
    url_id INTEGER NOT NULL,
    source TEXT,
    line INTEGER,
    PRIMARY KEY (run_id, url_id)
) WITHOUT ROWID;

CREATE TABLE hosts (
    id INTEGER PRIMARY KEY,
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    ip TEXT,
    robots_state TEXT,
    robots_fetched_at INTEGER,
    crawl_delay_ms INTEGER,
    next_fetch_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    backoff_until INTEGER,
    pages INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    run_id INTEGER,                       -- the run that run_pages counts for
    run_pages INTEGER NOT NULL DEFAULT 0,
    UNIQUE (host, port, scheme)
);

CREATE TABLE robots (
    host_id INTEGER PRIMARY KEY,
    fetched_at INTEGER,
    status_code INTEGER,
    outcome TEXT,
    body TEXT,
    sha256 TEXT,
    expires_at INTEGER
);

CREATE TABLE sitemaps (
    url TEXT PRIMARY KEY,
    host_id INTEGER,
    fetched_at INTEGER,
    status_code INTEGER,
    outcome TEXT,
    entries INTEGER
) WITHOUT ROWID;

-- key is NULL where it equals url. reason: the word's number for excluded, the outcome's word for failed.
CREATE TABLE url (
    id INTEGER PRIMARY KEY,
    key_hash INTEGER NOT NULL,
    host_id INTEGER,
    state INTEGER NOT NULL,
    reason,
    depth INTEGER NOT NULL,
    redirects INTEGER NOT NULL,
    hop INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    parent_id INTEGER,
    run_id INTEGER NOT NULL,
    fetch_id INTEGER,                     -- the latest
    discovered_at INTEGER NOT NULL,
    next_fetch_at INTEGER,
    interval_ms INTEGER,                  -- between revisits, as learnt so far
    url TEXT NOT NULL,
    key TEXT,
    rule TEXT
);
CREATE INDEX url_by_hash ON url (key_hash);
CREATE INDEX url_queue ON url (host_id, priority, depth, id) WHERE state = 0;
CREATE INDEX url_by_robots ON url (host_id) WHERE state = 4 AND reason = 6;

CREATE TABLE state_count (state INTEGER PRIMARY KEY, n INTEGER NOT NULL);
INSERT INTO state_count VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0);

-- Pages whose depth fell and whose links are still to be offered again.
CREATE TABLE depth_work (url_id INTEGER PRIMARY KEY);

CREATE TABLE fetch (
    id INTEGER PRIMARY KEY,
    url_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    status_code INTEGER,
    error TEXT,
    content_type TEXT,
    charset TEXT,
    charset_source TEXT,
    http_version TEXT,
    ip TEXT,
    size INTEGER,
    wire_size INTEGER,
    dns_ms INTEGER,
    connect_ms INTEGER,
    tls_ms INTEGER,
    ttfb_ms INTEGER,
    total_ms INTEGER,
    etag TEXT,
    last_modified TEXT,
    location TEXT,
    sha256 BLOB,
    body_id INTEGER,
    request_headers TEXT,
    headers TEXT
);
CREATE INDEX fetch_by_url ON fetch (url_id);

CREATE TABLE page (
    url_id INTEGER PRIMARY KEY,
    fetch_id INTEGER NOT NULL,
    text_id INTEGER,                      -- its rowid in page_text
    link_hash INTEGER NOT NULL,           -- of the link rows, to see whether they changed
    title TEXT,
    description TEXT,
    h1 TEXT,
    canonical_url TEXT,
    robots_meta TEXT,
    x_robots_tag TEXT,
    lang TEXT,
    word_count INTEGER,
    simhash INTEGER,
    links_out INTEGER,
    parse_outcome TEXT NOT NULL,
    facts TEXT
);

CREATE TABLE page_old (
    url_id INTEGER NOT NULL,
    fetch_id INTEGER NOT NULL,
    text_id INTEGER,
    title TEXT,
    description TEXT,
    h1 TEXT,
    canonical_url TEXT,
    robots_meta TEXT,
    x_robots_tag TEXT,
    lang TEXT,
    word_count INTEGER,
    simhash INTEGER,
    links_out INTEGER,
    parse_outcome TEXT NOT NULL,
    facts TEXT,
    PRIMARY KEY (url_id, fetch_id)
) WITHOUT ROWID;

-- bits: kind, plus 64 if nofollow, 128 if not to be followed for its kind, 256 if the target's
-- depth does not follow from the source's, 512 times (hop xor 1), 4096 if barred by nofollow.
CREATE TABLE link (
    src_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    dst_id INTEGER NOT NULL,
    bits INTEGER NOT NULL,
    rel TEXT,
    anchor TEXT,
    PRIMARY KEY (src_id, position)
) WITHOUT ROWID;

-- The key's columns come first: SQLite 3.40's integrity_check misreads NOT NULL behind others.
CREATE TABLE redirects (
    src_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    dst_id INTEGER NOT NULL,
    status_code INTEGER,
    PRIMARY KEY (src_id, run_id)
) WITHOUT ROWID;

CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    refs INTEGER NOT NULL,                -- fetches that have it
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    codec TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX body_by_sha256 ON body (sha256);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    run_id INTEGER,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    component TEXT NOT NULL,
    event TEXT NOT NULL,
    url_id INTEGER,
    detail TEXT
);

-- Marks belong to words: without them Thai and Hindi words fall apart at each vowel sign.
CREATE VIRTUAL TABLE page_text USING fts5(title, description, text, content='',
    tokenize="unicode61 categories 'L* N* Co Mn Mc'");

-- The public names of the compact tables.

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

CREATE VIEW fetches AS
SELECT id, url_id, run_id, attempt, fetched_at, outcome, status_code, error, content_type, charset,
    charset_source, http_version, ip, size, wire_size, dns_ms, connect_ms, tls_ms, ttfb_ms, total_ms,
    etag, last_modified, location, CASE WHEN sha256 IS NOT NULL THEN lower(hex(sha256)) END AS sha256, body_id,
    request_headers, headers
FROM fetch;

-- fetch_id is the fetch that brought the content: page_text has its text under that number. A later fetch with the same body
-- is urls.fetch_id.
CREATE VIEW pages AS
SELECT url_id, coalesce(text_id, fetch_id) AS fetch_id, title, description, h1, canonical_url,
    robots_meta, x_robots_tag, lang,
    word_count, simhash, links_out, parse_outcome, facts, text_id
FROM page;

CREATE VIEW page_history AS
SELECT url_id, coalesce(text_id, fetch_id) AS fetch_id, title, description, h1, canonical_url,
    robots_meta, x_robots_tag, lang,
    word_count, simhash, links_out, parse_outcome, facts, text_id
FROM page_old;

CREATE VIEW links AS
SELECT src_id, dst_id,
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
    rel, bits >> 6 & 1 AS nofollow, anchor, position
FROM link;

CREATE VIEW bodies AS
SELECT id, lower(hex(sha256)) AS sha256, codec, size, data FROM body;

-- Reports.

CREATE VIEW crawl_log AS
SELECT f.id AS fetch_id, strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch') AS fetched_at,
    f.status_code, f.outcome, f.size, u.url, u.hop, p.url AS parent_url, f.content_type, f.attempt,
    f.total_ms, f.ip, CASE WHEN f.sha256 IS NOT NULL THEN lower(hex(f.sha256)) END AS sha256, f.error,
    f.location, u.depth, f.run_id
FROM fetch f JOIN urls u ON u.id = f.url_id LEFT JOIN url p ON p.id = u.parent_id;

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
    p.links_out, coalesce(i.links_in, 0) AS links_in, coalesce(i.pages_in, 0) AS pages_in,
    f.ttfb_ms, f.total_ms, f.last_modified, f.location AS redirect_url,
    CASE WHEN f.sha256 IS NOT NULL THEN lower(hex(f.sha256)) END AS sha256,
    strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch') AS fetched_at
FROM urls u
LEFT JOIN fetch f ON f.id = u.fetch_id
LEFT JOIN page p ON p.url_id = u.id
LEFT JOIN (SELECT dst_id, count(*) AS links_in, count(DISTINCT src_id) AS pages_in FROM link GROUP BY dst_id) i
    ON i.dst_id = u.id
WHERE u.reason IS NULL OR u.reason NOT IN ('scope', 'scheme');

CREATE VIEW broken_links AS
SELECT s.url AS src_url, d.url AS dst_url, f.status_code, coalesce(d.reason, f.outcome) AS problem, f.error,
    l.kind, l.rel, l.nofollow, l.anchor, l.position, l.src_id, l.dst_id
FROM links l
JOIN urls d ON d.id = l.dst_id
LEFT JOIN fetch f ON f.id = d.fetch_id
JOIN url s ON s.id = l.src_id
WHERE d.state = 'failed' OR (d.state = 'fetched' AND f.outcome = 'http_error');

-- One row per chain, from a URL that is no redirect's target; of a closed loop one row per member.
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

CREATE VIEW duplicates AS
WITH same(sha256, copies) AS MATERIALIZED (
    SELECT f.sha256, count(*) FROM page p JOIN fetch f ON f.id = p.fetch_id
    WHERE f.sha256 IS NOT NULL GROUP BY f.sha256 HAVING count(*) > 1)
SELECT lower(hex(s.sha256)) AS sha256, s.copies, u.url, p.title, f.size, p.canonical_url, u.id AS url_id
FROM page p JOIN fetch f ON f.id = p.fetch_id JOIN same s ON s.sha256 = f.sha256 JOIN url u ON u.id = p.url_id
ORDER BY s.copies DESC, s.sha256, u.id;

-- Pairs whose fingerprints differ in at most 3 of 64 bits: such a pair agrees in one of four 16-bit bands at least.
-- Equal bodies count once; they are in duplicates.
CREATE VIEW near_duplicates AS
WITH one(url_id, simhash) AS MATERIALIZED (
        SELECT min(p.url_id), p.simhash FROM page p JOIN fetch f ON f.id = p.fetch_id
        WHERE p.simhash <> 0 AND p.word_count >= 20 GROUP BY coalesce(f.sha256, p.url_id), p.simhash),
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
        SELECT a_id, b_id, sign + (x0 <> 0) + (x1 <> 0) + (x2 <> 0) FROM low3 WHERE x3 = 0)
SELECT a.url AS url_a, b.url AS url_b, n.distance, n.a_id AS url_id_a, n.b_id AS url_id_b
FROM near n JOIN url a ON a.id = n.a_id JOIN url b ON b.id = n.b_id
WHERE n.distance <= 3;

-- Pages that no other page links to and no redirect leads to.
CREATE VIEW orphans AS
SELECT u.url, u.hop, u.depth, p.title, f.status_code, u.id AS url_id
FROM urls u
JOIN fetch f ON f.id = u.fetch_id
LEFT JOIN page p ON p.url_id = u.id
WHERE u.state IN ('fetched', 'not_modified')
    AND u.id NOT IN (SELECT dst_id FROM link WHERE dst_id <> src_id)
    AND u.id NOT IN (SELECT dst_id FROM redirects WHERE dst_id <> src_id);

CREATE VIEW slow_pages AS
SELECT u.url, f.total_ms, f.ttfb_ms, f.dns_ms, f.connect_ms, f.tls_ms, f.size, f.wire_size, f.status_code,
    strftime('%Y-%m-%dT%H:%M:%fZ', f.fetched_at / 1000.0, 'unixepoch') AS fetched_at, u.id AS url_id
FROM url u JOIN fetch f ON f.id = u.fetch_id
WHERE f.total_ms >= 1000
ORDER BY f.total_ms DESC;

CREATE VIEW status_counts AS
SELECT u.state, u.reason, f.outcome, f.status_code, count(*) AS urls
FROM urls u LEFT JOIN fetch f ON f.id = u.fetch_id
GROUP BY u.state, u.reason, f.outcome, f.status_code
ORDER BY urls DESC;

CREATE VIEW host_summary AS
SELECT h.scheme, h.host, h.port, h.ip, h.robots_state, h.crawl_delay_ms, h.pages, h.bytes, h.failures,
    coalesce(c.urls, 0) AS urls, coalesce(c.queued, 0) AS queued, coalesce(c.fetched, 0) AS fetched,
    coalesce(c.not_modified, 0) AS not_modified, coalesce(c.failed, 0) AS failed,
    coalesce(c.excluded, 0) AS excluded, c.errors, c.mean_ttfb_ms, c.mean_total_ms,
    strftime('%Y-%m-%dT%H:%M:%fZ', h.next_fetch_at / 1000.0, 'unixepoch') AS next_fetch_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', h.backoff_until / 1000.0, 'unixepoch') AS backoff_until,
    h.id AS host_id
FROM hosts h LEFT JOIN (
    SELECT u.host_id, count(*) AS urls, sum(u.state = 0) AS queued, sum(u.state = 1) AS fetched,
        sum(u.state = 2) AS not_modified, sum(u.state = 3) AS failed, sum(u.state = 4) AS excluded,
        sum(f.outcome = 'http_error') AS errors,
        CAST(round(avg(f.ttfb_ms)) AS INTEGER) AS mean_ttfb_ms,
        CAST(round(avg(f.total_ms)) AS INTEGER) AS mean_total_ms
    FROM url u LEFT JOIN fetch f ON f.id = u.fetch_id GROUP BY u.host_id) c ON c.host_id = h.id;

CREATE VIEW excluded AS
SELECT u.url, u.reason, u.rule, u.depth, u.hop, p.url AS parent_url,
    strftime('%Y-%m-%dT%H:%M:%fZ', u.discovered_at / 1000.0, 'unixepoch') AS discovered_at, u.id AS url_id
FROM urls u LEFT JOIN url p ON p.id = u.parent_id
WHERE u.state = 'excluded';

-- The fields of a CDX index over the stored answers.
CREATE VIEW cdx AS
SELECT u.key AS urlkey, strftime('%Y%m%d%H%M%S', f.fetched_at / 1000.0, 'unixepoch') AS timestamp,
    u.url AS original, f.content_type AS mimetype, f.status_code AS statuscode,
    CASE WHEN f.sha256 IS NOT NULL THEN lower(hex(f.sha256)) END AS digest, f.size AS length,
    f.id AS fetch_id, f.body_id
FROM fetch f JOIN urls u ON u.id = f.url_id
WHERE f.status_code IS NOT NULL;
