-- Accounts: what the sign-in service says of users and organizations, who may not come in any more,
-- and who did what. Times are UTC milliseconds; `updated_ms` is the sign-in service's own time of a
-- row, which orders what it tells us. WITHOUT ROWID, STRICT and BLOB are SQLite's own.

-- Of a deleted user only the id and deleted_at_ms stay.
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN first_name TEXT;
ALTER TABLE users ADD COLUMN last_name TEXT;
ALTER TABLE users ADD COLUMN username TEXT;
ALTER TABLE users ADD COLUMN image_url TEXT;
ALTER TABLE users ADD COLUMN banned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN profile_updated_ms INTEGER NOT NULL DEFAULT 0; -- 0: no profile yet
ALTER TABLE users ADD COLUMN profile_told_ms INTEGER NOT NULL DEFAULT 0; -- among equals the later wins

CREATE INDEX users_deleted ON users (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    slug TEXT,
    image_url TEXT,
    created_by TEXT,
    updated_ms INTEGER NOT NULL,
    deleted_at_ms INTEGER
) STRICT, WITHOUT ROWID;

-- A user or an organization may be heard of later than the membership: no foreign keys.
CREATE TABLE memberships (
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    id TEXT,
    role TEXT,
    permissions TEXT, -- a JSON array
    updated_ms INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_of_user ON memberships (user_id);
CREATE INDEX memberships_by_id ON memberships (id);

-- Memberships that are over, of which sometimes no more is told than the id.
CREATE TABLE membership_ends (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Messages that have had their effect: the same one may come again.
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (at_ms);

-- Whose tokens are refused, though they are well signed.
CREATE TABLE revocations (
    kind TEXT NOT NULL, -- 'session' or 'user'
    subject TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX revocations_by_end ON revocations (until_ms);

-- Append-only. `hash` covers the row and `previous`, the hash of the row before: a row that was
-- changed, put in or taken out shows.
CREATE TABLE audit (
    n INTEGER NOT NULL PRIMARY KEY, -- without gaps from the oldest that is kept
    at_ms INTEGER NOT NULL,
    user_id TEXT,
    session_id TEXT,
    impersonator_id TEXT,
    address TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    object TEXT,
    result TEXT NOT NULL,
    times INTEGER NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
