-- The links of a page stand together under a number that rises as they are written (page.links_id). So they go to the end of
-- their table, wherever the page itself stands among its URLs. In files that came before it is the page's own.
CREATE TABLE outlink (
    set_id INTEGER NOT NULL,              -- page.links_id of the page that they stand on
    position INTEGER NOT NULL,
    dst_id INTEGER NOT NULL,
    bits INTEGER NOT NULL,                -- as those of table link, which this one replaces
    rel TEXT,
    anchor TEXT,                          -- where it is short, or was stored by schema 5 or before
    anchor_id INTEGER,
    PRIMARY KEY (set_id, position)
) WITHOUT ROWID;
INSERT INTO outlink SELECT src_id, position, dst_id, bits, rel, anchor, anchor_id FROM link NOT INDEXED
    ORDER BY src_id, position;
DROP TABLE link;

-- NULL: none. A number has one page at most.
ALTER TABLE page ADD COLUMN links_id INTEGER;
UPDATE page SET links_id = url_id WHERE EXISTS (SELECT 1 FROM outlink WHERE set_id = url_id);
CREATE UNIQUE INDEX page_by_links ON page (links_id);
