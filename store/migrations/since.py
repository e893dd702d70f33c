"""What was added since the first version, oldest first."""

from sqlite_utils import Database

from store.migrations.frame import migrations, run


@migrations()
def m007_page_indexes(db: Database) -> None:
    """Index what the pages of one source, asset and narrative look up.

    ``duplicate_of`` lies behind the text in a row, so reading it there costs the overflow
    pages of the text: the indexes on documents hold it. Copies are few, so they alone are
    indexed by their original; else SQLite finds all stories by ``duplicate_of IS NULL``.
    """
    run(
        db,
        """
CREATE INDEX documents_by_source ON documents(source_id, effective_at, duplicate_of);
CREATE INDEX documents_story_time ON documents(effective_at, id) WHERE duplicate_of IS NULL;
CREATE INDEX documents_copies ON documents(duplicate_of) WHERE duplicate_of IS NOT NULL;
DROP INDEX documents_by_duplicate;
CREATE INDEX moves_by_asset ON moves(asset_id, date);
CREATE INDEX labels_by_pair ON labels(narrative_id, document_id);
DROP INDEX labels_by_narrative;
""",
    )


@migrations()
def m008_taxonomies(db: Database) -> None:
    """Remember what each narrative was in each taxonomy, to label again only what changed."""
    run(
        db,
        """
CREATE TABLE taxonomies (
  version TEXT NOT NULL,
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  digest TEXT NOT NULL,
  PRIMARY KEY (version, narrative_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX taggings_by_content ON taggings(content_hash, model);
""",
    )


@migrations()
def m009_withdrawn(db: Database) -> None:
    """Remember which documents their authors deleted."""
    run(db, "ALTER TABLE documents ADD COLUMN withdrawn_at TEXT")


@migrations()
def m010_price_validators(db: Database) -> None:
    """Remember the validators of a provider that sends the whole history each time."""
    run(
        db,
        """
ALTER TABLE assets ADD COLUMN etag TEXT;
ALTER TABLE assets ADD COLUMN last_modified TEXT;
""",
    )


@migrations()
def m011_source_kinds(db: Database) -> None:
    """Take the list of kinds out of the schema: a new kind of source needs no migration.

    ``Sources.sync`` checks it instead. SQLite cannot change a ``CHECK``, and a table to which
    others refer cannot be rebuilt inside a transaction; but a column takes its own ``CHECK``
    along when it is dropped. Views name the column, so they stand aside.
    """
    views = list(db.query("SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid"))
    for view in views:
        db.execute(f'DROP VIEW "{view["name"]}"')
    run(
        db,
        """
ALTER TABLE sources ADD COLUMN kind_unchecked TEXT NOT NULL DEFAULT '';
UPDATE sources SET kind_unchecked = kind;
ALTER TABLE sources DROP COLUMN kind;
ALTER TABLE sources RENAME COLUMN kind_unchecked TO kind;
""",
    )
    for view in views:
        db.execute(view["sql"])


@migrations()
def m012_waiting(db: Database) -> None:
    """Remember pauses by host, pages to ask for again, and what feeds say about coming back."""
    run(
        db,
        """
CREATE TABLE host_pauses (
  host TEXT PRIMARY KEY,
  until TEXT NOT NULL
) STRICT;
CREATE TABLE page_waits (
  document_id TEXT PRIMARY KEY REFERENCES documents(id),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  tried_at TEXT NOT NULL
) STRICT;
ALTER TABLE sources ADD COLUMN hints TEXT;
""",
    )


@migrations()
def m013_listed_after(db: Database) -> None:
    """Remember the last document from before the settings made a source another listing."""
    run(db, "ALTER TABLE sources ADD COLUMN listed_after TEXT")


@migrations()
def m017_stamp_checks(db: Database) -> None:
    """Remember whose time stamps cannot be trusted; an empty source stands for all."""
    run(
        db,
        """
CREATE TABLE stamp_checks (
  source_id TEXT REFERENCES sources(id),
  "check" TEXT NOT NULL,
  n INTEGER NOT NULL,
  flagged INTEGER NOT NULL CHECK (flagged IN (0, 1)),
  statistic REAL,
  pvalue REAL,
  message TEXT NOT NULL,
  checked_at TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id)
) STRICT;
CREATE UNIQUE INDEX stamp_checks_by_source ON stamp_checks(coalesce(source_id, ''), "check");
""",
    )
