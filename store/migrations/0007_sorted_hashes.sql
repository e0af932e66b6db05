-- The indexes on hashes are tables of their own, so that the writer can give them their entries sorted, thousands at a time
-- (store/deferred.h). Rows up to the id in meta have theirs; those above may wait.
DROP INDEX url_by_hash;
CREATE TABLE url_by_hash (key_hash INTEGER NOT NULL, url_id INTEGER NOT NULL, PRIMARY KEY (key_hash, url_id)) WITHOUT ROWID;
INSERT INTO url_by_hash SELECT key_hash, id FROM url ORDER BY key_hash, id;
INSERT INTO meta SELECT 'url_by_hash_to', coalesce(max(id), 0) FROM url;

DROP INDEX body_by_hash;
CREATE TABLE body_by_hash (hash BLOB NOT NULL, body_id INTEGER NOT NULL, PRIMARY KEY (hash, body_id)) WITHOUT ROWID;
INSERT INTO body_by_hash SELECT substr(sha256, 1, 8), id FROM body ORDER BY 1, 2;
INSERT INTO meta SELECT 'body_by_hash_to', coalesce(max(id), 0) FROM body;
