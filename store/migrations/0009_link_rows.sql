-- Rows of links have numbers of SQLite's own giving, which is the cheapest way to the end of a table (decision 0020). Those of a
-- page follow each other, and the number of the first is that of their set; page.links_out says how many there can be.
DROP INDEX IF EXISTS outlink_by_dst;
CREATE TABLE set_move (old_id INTEGER PRIMARY KEY, new_id INTEGER NOT NULL, n INTEGER NOT NULL);
INSERT INTO set_move SELECT set_id, sum(n) OVER (ORDER BY set_id ROWS UNBOUNDED PRECEDING) - n + 1, n
    FROM (SELECT set_id, count(*) AS n FROM outlink GROUP BY set_id);

-- Views that name it stay as they are.
PRAGMA legacy_alter_table = 1;
ALTER TABLE outlink RENAME TO outlink_8;
PRAGMA legacy_alter_table = 0;
CREATE TABLE outlink (
    id INTEGER PRIMARY KEY,
    set_id INTEGER NOT NULL,              -- page.links_id of the page that they stand on: the first one's id
    dst_id INTEGER NOT NULL,
    bits INTEGER NOT NULL,                -- as those of table link of schema 7
    rel TEXT,
    anchor TEXT,                          -- where it is short, or was stored by schema 5 or before
    anchor_id INTEGER
);
INSERT INTO outlink (set_id, dst_id, bits, rel, anchor, anchor_id)
    SELECT m.new_id, o.dst_id, o.bits, o.rel, o.anchor, o.anchor_id
    FROM set_move m CROSS JOIN outlink_8 o ON o.set_id = m.old_id ORDER BY m.old_id, o.position;
DROP TABLE outlink_8;

UPDATE page SET links_out = (SELECT n FROM set_move WHERE old_id = links_id)
    WHERE (SELECT n FROM set_move WHERE old_id = links_id) > coalesce(links_out, 0);
DROP INDEX page_by_links;
UPDATE page SET links_id = (SELECT new_id FROM set_move WHERE old_id = links_id) WHERE links_id IS NOT NULL;
-- With all that a link needs to know of its page.
CREATE UNIQUE INDEX page_by_links ON page (links_id, links_out);
DROP TABLE set_move;
