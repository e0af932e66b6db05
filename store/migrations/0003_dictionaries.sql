-- zstd dictionaries: a stored body whose frame names one (RFC 8878, 3.1.1.1.3) cannot be unpacked without it.
-- A row is written before the first body that needs it, never changed and never deleted.

CREATE TABLE dictionaries (
    id INTEGER PRIMARY KEY,               -- as frames and the dictionary itself name it
    made_at INTEGER NOT NULL,
    data BLOB NOT NULL
);
