-- Schema 1. A published migration never changes; what comes later is a new file.
-- Base tables are compact (numbers for words, one copy of each URL); the public
-- names that docs/schema.md promises are tables where they are plain and views
-- (views.sql) where they are not.

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
