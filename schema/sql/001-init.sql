-- Users, notebooks, cells and what the cells have shown.
-- Times are UTC milliseconds. STRICT and WITHOUT ROWID are SQLite's own; the rest is the subset that
-- PostgreSQL shares.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY, -- Clerk's
    created_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE notebooks (
    id TEXT NOT NULL PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seq_no INTEGER NOT NULL, -- order of creation among the owner's
    name TEXT,
    connection TEXT,
    revision INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    UNIQUE (owner_id, seq_no)
) STRICT, WITHOUT ROWID;

-- `position` orders the page; the numbers have gaps, so that an insertion moves nobody.
-- `reads` and `writes` are JSON arrays of names; NULL while the code's names are not known yet.
-- The long column stands last.
CREATE TABLE cells (
    notebook_id TEXT NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    id TEXT NOT NULL, -- unique within its notebook only
    position INTEGER NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    reads TEXT,
    writes TEXT,
    flaw TEXT,
    error TEXT,
    code TEXT NOT NULL,
    PRIMARY KEY (notebook_id, id)
) STRICT;

CREATE INDEX cells_in_order ON cells (notebook_id, position);

-- Rows are large, hence an ordinary table with an index and not WITHOUT ROWID.
CREATE TABLE outputs (
    notebook_id TEXT NOT NULL,
    cell_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    display_id TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (notebook_id, cell_id, n),
    FOREIGN KEY (notebook_id, cell_id) REFERENCES cells (notebook_id, id) ON DELETE CASCADE
) STRICT;
