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
def m019_episode_sources(db: Database) -> None:
    """Say what an episode is and who says so, and how a likeness hangs on single assets."""
    run(
        db,
        """
ALTER TABLE episodes ADD COLUMN kind TEXT NOT NULL DEFAULT 'shock';
ALTER TABLE episodes ADD COLUMN sources TEXT NOT NULL DEFAULT '[]';
ALTER TABLE episodes ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE episodes ADD COLUMN anchor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE analogs ADD COLUMN low REAL;
ALTER TABLE analogs ADD COLUMN high REAL;
ALTER TABLE analogs ADD COLUMN unclipped REAL;
""",
    )


@migrations()
def m016_confirmations(db: Database) -> None:
    """Keep the cells that were named beforehand, and what later sessions say of each."""
    run(
        db,
        """
CREATE TABLE confirmations (
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  asset_id TEXT NOT NULL REFERENCES assets(id),
  lag INTEGER NOT NULL,
  named_at TEXT NOT NULL,
  named_by TEXT NOT NULL CHECK (named_by IN ('scan', 'settings')),
  named_sign INTEGER NOT NULL CHECK (named_sign IN (-1, 1)),
  named_effect REAL,
  horizon INTEGER NOT NULL CHECK (horizon >= 1),
  sessions INTEGER NOT NULL CHECK (sessions >= 0),
  beta REAL,
  beta_low REAL,
  beta_high REAL,
  wald_lead_p REAL,
  wald_follow_p REAL,
  partial_effect REAL,
  partial_p REAL,
  oos_n INTEGER NOT NULL,
  oos_effect REAL,
  oos_low REAL,
  oos_high REAL,
  oos_p REAL,
  oos_p_adj REAL,
  forecast_n INTEGER NOT NULL,
  forecast_r2 REAL,
  forecast_p REAL,
  status TEXT NOT NULL CHECK (status IN ('open', 'confirmed', 'not confirmed')),
  closes_on TEXT CHECK ((closes_on IS NULL) = (status = 'open')),
  noted_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (narrative_id, asset_id, lag)
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmations_by_asset ON confirmations(asset_id);
""",
    )


@migrations()
def m015_novelty(db: Database) -> None:
    """Keep what the encoder makes of a document, its nearest earlier story, and error counts."""
    run(
        db,
        """
CREATE TABLE vectors (
  document_id TEXT PRIMARY KEY REFERENCES documents(id),
  model TEXT NOT NULL,
  vector BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE novelty (
  document_id TEXT PRIMARY KEY REFERENCES documents(id),
  model TEXT NOT NULL,
  nearest_7 REAL,
  nearest_30 REAL,
  nearest_id TEXT REFERENCES documents(id)
) STRICT, WITHOUT ROWID;
CREATE TABLE rates (
  model TEXT NOT NULL,
  taxonomy TEXT NOT NULL,
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  language TEXT NOT NULL,
  positives INTEGER NOT NULL CHECK (positives >= 0),
  true_positives INTEGER NOT NULL CHECK (true_positives BETWEEN 0 AND positives),
  negatives INTEGER NOT NULL CHECK (negatives >= 0),
  false_positives INTEGER NOT NULL CHECK (false_positives BETWEEN 0 AND negatives),
  PRIMARY KEY (model, taxonomy, narrative_id, language)
) STRICT, WITHOUT ROWID;
""",
    )
