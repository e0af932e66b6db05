-- Schema 5: views that went wrong from the second run on. A page that a 304 confirms has the type, size, hash and date of
-- the answer that brought it; a redirect that has ended leads to nothing any more; and robots "none" is a noindex, too.

DROP VIEW internal_all;
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
    AND u.id NOT IN (
        SELECT r.dst_id FROM redirects r JOIN url s ON s.id = r.src_id JOIN fetch sf ON sf.id = s.fetch_id
        WHERE r.dst_id <> r.src_id AND sf.outcome IN ('redirect', 'redirect_limit')
            AND r.run_id = (SELECT max(x.run_id) FROM redirects x WHERE x.src_id = r.src_id));
