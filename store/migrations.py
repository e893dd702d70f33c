"""The schema, as numbered migrations that are only ever appended.

Tables are ``STRICT``; vocabularies are ``CHECK`` constraints built from the literals of
``store.records``. ``documents.number`` exists for full-text search alone: an external-content
FTS5 table needs an integer key that ``VACUUM`` does not renumber.
"""

from typing import get_args

from sqlite_utils import Database, Migrations

from store import records

migrations = Migrations("tapestory")


def _one_of(column: str, literal: object, *, null: bool = False) -> str:
    """``CHECK`` that a column holds one of the values of a ``Literal``."""
    values = ", ".join(f"'{value}'" for value in get_args(literal))
    check = f"{column} IN ({values})"
    return f"CHECK ({column} IS NULL OR {check})" if null else f"CHECK ({check})"


def _run(db: Database, script: str) -> None:
    """Run statements one by one: ``executescript`` would commit the migration's transaction."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


@migrations()
def m001_runs(db: Database) -> None:
    """Create runs and what failed in them."""
    _run(
        db,
        f"""
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  stage TEXT NOT NULL {_one_of("stage", records.Stage)},
  started_at TEXT NOT NULL,
  finished_at TEXT,
  status TEXT NOT NULL {_one_of("status", records.RunStatus)},
  code INTEGER,
  settings TEXT NOT NULL DEFAULT '{{}}',
  models TEXT NOT NULL DEFAULT '{{}}',
  counts TEXT NOT NULL DEFAULT '{{}}'
) STRICT;
CREATE TABLE failures (
  run_id TEXT NOT NULL REFERENCES runs(id),
  stage TEXT NOT NULL {_one_of("stage", records.Stage)},
  item TEXT NOT NULL,
  kind TEXT NOT NULL,
  message TEXT NOT NULL,
  advice TEXT NOT NULL,
  failed_at TEXT NOT NULL,
  PRIMARY KEY (run_id, item, kind)
) STRICT;
CREATE INDEX failures_by_time ON failures(failed_at);
""",
    )


@migrations()
def m002_documents(db: Database) -> None:
    """Create sources, documents, their revisions, fetches, and full-text search."""
    _run(
        db,
        f"""
CREATE TABLE sources (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL {_one_of("kind", records.SourceKind)},
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  weight REAL NOT NULL CHECK (weight > 0),
  language TEXT,
  full_text INTEGER NOT NULL DEFAULT 1,
  token_env TEXT,
  handle TEXT,
  status TEXT NOT NULL DEFAULT 'active' {_one_of("status", records.SourceStatus)},
  next_due_at TEXT,
  etag TEXT,
  last_modified TEXT,
  body_hash TEXT,
  current_url TEXT,
  redirect_to TEXT,
  redirect_count INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0,
  first_error_at TEXT,
  last_ok_at TEXT,
  cursor TEXT
) STRICT;
CREATE TABLE documents (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source_id TEXT NOT NULL REFERENCES sources(id),
  guid TEXT,
  entry_key TEXT NOT NULL,
  url TEXT,
  canonical_url TEXT,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  author TEXT,
  language TEXT,
  published_at TEXT,
  first_seen_at TEXT NOT NULL,
  effective_at TEXT NOT NULL,
  date_source TEXT NOT NULL {_one_of("date_source", records.DateSource)},
  duplicate_of TEXT REFERENCES documents(id),
  is_partial INTEGER NOT NULL DEFAULT 0,
  content_hash TEXT NOT NULL,
  engagement TEXT,
  run_id TEXT NOT NULL REFERENCES runs(id),
  UNIQUE (source_id, entry_key)
) STRICT;
CREATE INDEX documents_by_effective ON documents(effective_at);
CREATE INDEX documents_by_canonical ON documents(canonical_url);
CREATE INDEX documents_by_duplicate ON documents(duplicate_of);
CREATE INDEX documents_by_run ON documents(run_id);
CREATE TABLE revisions (
  document_id TEXT NOT NULL REFERENCES documents(id),
  seen_at TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (document_id, seen_at)
) STRICT;
CREATE TABLE fetches (
  run_id TEXT NOT NULL REFERENCES runs(id),
  source_id TEXT NOT NULL REFERENCES sources(id),
  url TEXT NOT NULL,
  outcome TEXT NOT NULL {_one_of("outcome", records.Outcome)},
  http_status INTEGER,
  bytes INTEGER NOT NULL,
  seconds REAL NOT NULL,
  etag TEXT,
  last_modified TEXT,
  body_hash TEXT,
  fetched_at TEXT NOT NULL,
  PRIMARY KEY (run_id, source_id, url)
) STRICT;
CREATE INDEX fetches_by_source ON fetches(source_id, fetched_at);
""",
    )
    db["documents"].enable_fts(  # type: ignore[union-attr]
        ["title", "text"], create_triggers=True, tokenize="porter unicode61"
    )


@migrations()
def m003_labels(db: Database) -> None:
    """Create narratives, passages, labels, entities, and which document was labelled by what."""
    _run(
        db,
        f"""
CREATE TABLE narratives (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  proposition TEXT NOT NULL,
  taxonomy TEXT NOT NULL,
  signature TEXT NOT NULL DEFAULT '{{}}',
  core TEXT NOT NULL DEFAULT '[]',
  keywords TEXT NOT NULL DEFAULT '[]',
  origin TEXT NOT NULL,
  active INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE assets (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  class TEXT NOT NULL {_one_of("class", records.AssetClass)},
  unit TEXT NOT NULL {_one_of("unit", records.AssetUnit)},
  calendar TEXT NOT NULL,
  source TEXT NOT NULL,
  listed INTEGER NOT NULL DEFAULT 1,
  fetched_at TEXT,
  body_hash TEXT
) STRICT;
CREATE TABLE taggings (
  document_id TEXT PRIMARY KEY REFERENCES documents(id),
  content_hash TEXT NOT NULL,
  model TEXT NOT NULL,
  taxonomy TEXT NOT NULL,
  outcome TEXT NOT NULL {_one_of("outcome", records.TaggingOutcome)},
  language TEXT,
  reason TEXT,
  run_id TEXT NOT NULL REFERENCES runs(id)
) STRICT;
CREATE TABLE passages (
  id TEXT PRIMARY KEY,
  document_id TEXT NOT NULL REFERENCES documents(id),
  position INTEGER NOT NULL,
  part TEXT NOT NULL {_one_of("part", records.PassagePart)},
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (document_id, position)
) STRICT;
CREATE TABLE labels (
  passage_id TEXT NOT NULL REFERENCES passages(id) ON DELETE CASCADE,
  document_id TEXT NOT NULL REFERENCES documents(id),
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  probability REAL NOT NULL CHECK (probability BETWEEN 0 AND 1),
  stance TEXT NOT NULL {_one_of("stance", records.Stance)},
  stance_probability REAL NOT NULL CHECK (stance_probability BETWEEN 0 AND 1),
  is_causal_claim INTEGER NOT NULL,
  model TEXT NOT NULL,
  taxonomy TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (passage_id, narrative_id)
) STRICT;
CREATE INDEX labels_by_document ON labels(document_id);
CREATE INDEX labels_by_narrative ON labels(narrative_id);
CREATE TABLE entities (
  document_id TEXT NOT NULL REFERENCES documents(id),
  text TEXT NOT NULL,
  label TEXT NOT NULL,
  asset_id TEXT REFERENCES assets(id),
  count INTEGER NOT NULL,
  PRIMARY KEY (document_id, text, label)
) STRICT;
CREATE INDEX entities_by_asset ON entities(asset_id);
""",
    )


@migrations()
def m004_prices(db: Database) -> None:
    """Create prices: an observation that changes is a new row with a later ``known_at``."""
    _run(
        db,
        """
CREATE TABLE prices (
  asset_id TEXT NOT NULL REFERENCES assets(id),
  date TEXT NOT NULL,
  close REAL NOT NULL,
  open REAL,
  high REAL,
  low REAL,
  volume REAL,
  as_of TEXT NOT NULL,
  known_at TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (asset_id, date, known_at)
) STRICT, WITHOUT ROWID;
CREATE VIEW prices_latest AS
  SELECT asset_id, date, close, as_of, known_at FROM (
    SELECT *, row_number() OVER (PARTITION BY asset_id, date ORDER BY known_at DESC) AS nth
    FROM prices
  ) WHERE nth = 1;
""",
    )


@migrations()
def m005_results(db: Database) -> None:
    """Create intensity, alignments, explanations and what they rest on."""
    _run(
        db,
        f"""
CREATE TABLE intensity (
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  day TEXT NOT NULL,
  stories INTEGER NOT NULL,
  effective_n REAL NOT NULL,
  share REAL,
  share_low REAL,
  share_high REAL,
  zscore REAL,
  innovation REAL,
  favor INTEGER NOT NULL,
  against INTEGER NOT NULL,
  neutral INTEGER NOT NULL,
  net_stance REAL,
  disagreement REAL,
  novelty REAL,
  reach INTEGER NOT NULL,
  seen_at TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (narrative_id, day, seen_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX intensity_by_day ON intensity(day);
CREATE VIEW intensity_latest AS
  SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY narrative_id, day ORDER BY seen_at DESC) AS nth
    FROM intensity
  ) WHERE nth = 1;
CREATE TABLE alignments (
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  asset_id TEXT NOT NULL REFERENCES assets(id),
  lag INTEGER NOT NULL,
  n INTEGER NOT NULL,
  effect REAL,
  effect_low REAL,
  effect_high REAL,
  pvalue REAL,
  pvalue_adj REAL,
  method TEXT NOT NULL,
  window_start TEXT NOT NULL,
  window_end TEXT NOT NULL,
  status TEXT NOT NULL {_one_of("status", records.CellStatus)},
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (narrative_id, asset_id, lag)
) STRICT, WITHOUT ROWID;
CREATE TABLE episodes (
  id TEXT PRIMARY KEY,
  date TEXT NOT NULL,
  name TEXT NOT NULL,
  label TEXT NOT NULL,
  note TEXT NOT NULL
) STRICT;
CREATE TABLE explanations (
  date TEXT NOT NULL,
  days INTEGER NOT NULL,
  window_start TEXT NOT NULL,
  window_end TEXT NOT NULL,
  premise TEXT NOT NULL,
  verdict TEXT NOT NULL {_one_of("verdict", records.Verdict)},
  clarity REAL NOT NULL,
  document TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (date, days)
) STRICT;
CREATE TABLE moves (
  date TEXT NOT NULL,
  days INTEGER NOT NULL,
  asset_id TEXT NOT NULL REFERENCES assets(id),
  name TEXT NOT NULL,
  change REAL NOT NULL,
  unit TEXT NOT NULL {_one_of("unit", records.ChangeUnit)},
  sigma REAL,
  as_of TEXT NOT NULL,
  PRIMARY KEY (date, days, asset_id),
  FOREIGN KEY (date, days) REFERENCES explanations(date, days) ON DELETE CASCADE
) STRICT;
CREATE TABLE suspects (
  date TEXT NOT NULL,
  days INTEGER NOT NULL,
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  rank INTEGER NOT NULL,
  score REAL NOT NULL,
  low REAL NOT NULL,
  high REAL NOT NULL,
  status TEXT NOT NULL {_one_of("status", records.SuspectStatus)},
  part_intensity REAL NOT NULL,
  part_causal_claims REAL NOT NULL,
  part_timing REAL NOT NULL,
  part_signature REAL NOT NULL,
  part_hard_data REAL NOT NULL,
  contradicted_by TEXT NOT NULL,
  pre_move_share REAL,
  placebo_percentile REAL,
  PRIMARY KEY (date, days, narrative_id),
  FOREIGN KEY (date, days) REFERENCES explanations(date, days) ON DELETE CASCADE
) STRICT;
CREATE TABLE analogs (
  date TEXT NOT NULL,
  days INTEGER NOT NULL,
  episode_id TEXT NOT NULL REFERENCES episodes(id),
  cosine REAL NOT NULL,
  distance REAL NOT NULL,
  percentile REAL NOT NULL,
  PRIMARY KEY (date, days, episode_id),
  FOREIGN KEY (date, days) REFERENCES explanations(date, days) ON DELETE CASCADE
) STRICT;
""",
    )


@migrations()
def m006_views(db: Database) -> None:
    """Create the views that Datasette and the report share."""
    _run(
        db,
        """
CREATE VIEW stories AS
  SELECT d.id, d.source_id, d.url, d.title, d.author, d.language, d.published_at, d.effective_at,
    (SELECT count(*) FROM documents c WHERE c.duplicate_of = d.id) + 1 AS reach
  FROM documents d WHERE d.duplicate_of IS NULL;
CREATE VIEW quotes AS
  SELECT l.narrative_id, l.stance, l.probability, l.stance_probability, l.is_causal_claim,
    p.text AS quote, d.id AS document_id, d.title, d.url, d.source_id, d.published_at,
    d.effective_at, d.duplicate_of
  FROM labels l JOIN passages p ON p.id = l.passage_id JOIN documents d ON d.id = l.document_id;
CREATE VIEW source_health AS
  SELECT s.id, s.name, s.kind, s.status, s.last_ok_at, s.next_due_at, s.errors,
    (SELECT count(*) FROM documents d WHERE d.source_id = s.id) AS documents,
    (SELECT max(d.effective_at) FROM documents d WHERE d.source_id = s.id) AS newest,
    (SELECT f.outcome FROM fetches f WHERE f.source_id = s.id
      ORDER BY f.fetched_at DESC LIMIT 1) AS last_outcome
  FROM sources s;
""",
    )


@migrations()
def m007_page_indexes(db: Database) -> None:
    """Index what the pages of one source, asset and narrative look up.

    ``duplicate_of`` lies behind the text in a row, so reading it there costs the overflow
    pages of the text: the indexes on documents hold it. Copies are few, so they alone are
    indexed by their original; else SQLite finds all stories by ``duplicate_of IS NULL``.
    """
    _run(
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
    _run(
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
    _run(db, "ALTER TABLE documents ADD COLUMN withdrawn_at TEXT")


@migrations()
def m010_price_validators(db: Database) -> None:
    """Remember the validators of a provider that sends the whole history each time."""
    _run(
        db,
        """
ALTER TABLE assets ADD COLUMN etag TEXT;
ALTER TABLE assets ADD COLUMN last_modified TEXT;
""",
    )
