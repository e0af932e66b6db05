-- Schema 2: link-graph metrics, written at the end of a run.

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
