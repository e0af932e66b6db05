-- The text of a link is stored once, and its number with each link: link.anchor keeps what is short, and the rows of files
-- that came before.
CREATE TABLE anchor (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
ALTER TABLE link ADD COLUMN anchor_id INTEGER;

-- Eight bytes of a hash find a body as well as all of them: the index is a third of what it was.
DROP INDEX body_by_sha256;
CREATE INDEX body_by_hash ON body (substr(sha256, 1, 8));
