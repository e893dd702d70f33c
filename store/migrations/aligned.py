"""What the alignment keeps: intensity, novelty, confirmations, stamp checks, episodes."""

from sqlite_utils import Database

from store.migrations.frame import migrations, run


@migrations()
def m014_intensity(db: Database) -> None:
    """Add what the intensity of a day also says, and remember what was computed from what.

    Rows from before keep NULL in the new columns: they are as they were seen. ``burst`` is
    never NULL in a newer row, which is how the two are told apart.
    """
    run(
        db,
        """
ALTER TABLE intensity ADD COLUMN share_corrected REAL;
ALTER TABLE intensity ADD COLUMN corrected_low REAL;
ALTER TABLE intensity ADD COLUMN corrected_high REAL;
ALTER TABLE intensity ADD COLUMN correction TEXT CHECK (correction IN ('ok', 'clipped'));
ALTER TABLE intensity ADD COLUMN zscore_ewma REAL;
ALTER TABLE intensity ADD COLUMN share_linked REAL;
ALTER TABLE intensity ADD COLUMN novelty_30 REAL;
ALTER TABLE intensity ADD COLUMN innovation_novel REAL;
ALTER TABLE intensity ADD COLUMN innovation_repeat REAL;
ALTER TABLE intensity ADD COLUMN burst INTEGER CHECK (burst IN (0, 1));
CREATE TABLE intensity_days (
  day TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
def m020_standing(db: Database) -> None:
    """Know what the alignment has not seen yet, and of what an explanation was made.

    The alignment reads three years and a half of documents. What is written of older ones has
    to be told to it: ``touched`` holds the earliest instant that anything was written for.
    """
    columns = "effective_at, source_id, title, author, url, canonical_url, published_at"
    columns += ", date_source, duplicate_of, content_hash, withdrawn_at"
    note = (
        "INSERT INTO touched VALUES ('documents', {at}) ON CONFLICT (what) DO UPDATE"
        " SET since = excluded.since WHERE excluded.since < since; END"
    )
    of_document = "(SELECT effective_at FROM documents WHERE id = new.document_id)"
    run(
        db,
        f"""
CREATE TABLE touched (
  what TEXT PRIMARY KEY CHECK (what = 'documents'),
  since TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO touched SELECT 'documents', min(effective_at) FROM documents HAVING count(*);
CREATE TRIGGER touched_by_document AFTER INSERT ON documents BEGIN
 {note.format(at="new.effective_at")};
CREATE TRIGGER touched_by_change AFTER UPDATE OF {columns} ON documents BEGIN
 {note.format(at="min(old.effective_at, new.effective_at)")};
CREATE TRIGGER touched_by_tagging AFTER INSERT ON taggings BEGIN
 {note.format(at=of_document)};
CREATE TRIGGER touched_by_novelty AFTER INSERT ON novelty BEGIN
 {note.format(at=of_document)};
CREATE INDEX fetches_by_time ON fetches(fetched_at);
ALTER TABLE explanations ADD COLUMN digest TEXT NOT NULL DEFAULT '';
DELETE FROM intensity_days;
""",
    )
