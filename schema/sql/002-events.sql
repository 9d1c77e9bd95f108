-- What protocol version 2 needs: numbered events, and of cells what people say about them.
-- random(), randomblob() and STRICT are SQLite's own; the rest is the subset that PostgreSQL shares.

-- `epoch` names the life of a notebook's event numbers; it has the form of a random UUID.
ALTER TABLE notebooks ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notebooks ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
UPDATE notebooks SET epoch = lower(
    hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
    || '-' || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2)
    || '-' || hex(randomblob(6)));

-- `revision` is the notebook's when the code was last edited. `text_end` counts the bytes of stream
-- text of the last run; of these, [hidden_start, hidden_end) stand in hidden_text.
ALTER TABLE cells ADD COLUMN name TEXT;
ALTER TABLE cells ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cells ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cells ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cells ADD COLUMN text_end INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cells ADD COLUMN hidden_start INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cells ADD COLUMN hidden_end INTEGER NOT NULL DEFAULT 0;
UPDATE cells SET text_end = (
    SELECT COALESCE(SUM(length(CAST(data AS BLOB))), 0) FROM outputs
    WHERE outputs.notebook_id = cells.notebook_id AND outputs.cell_id = cells.id
    AND outputs.kind <> 'display');

-- `json` is the message as it is sent. A BLOB, whose length in bytes is known without reading it.
CREATE TABLE events (
    notebook_id TEXT NOT NULL REFERENCES notebooks (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL, -- 1, 2, 3...; without gaps from the oldest that is kept to notebooks.seq
    kind TEXT NOT NULL,
    cell_id TEXT, -- NULL for the notebook's own; the cell may be gone
    json BLOB NOT NULL,
    PRIMARY KEY (notebook_id, seq)
) STRICT, WITHOUT ROWID;

-- Pieces of at most 1 MiB, one right after the other.
CREATE TABLE hidden_text (
    notebook_id TEXT NOT NULL,
    cell_id TEXT NOT NULL,
    start INTEGER NOT NULL, -- of the run's text, in bytes
    data BLOB NOT NULL,
    PRIMARY KEY (notebook_id, cell_id, start),
    FOREIGN KEY (notebook_id, cell_id) REFERENCES cells (notebook_id, id) ON DELETE CASCADE
) STRICT;
