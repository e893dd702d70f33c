"""What discovery keeps: topics under lasting ids, their stories, and how they came and went."""

from sqlite_utils import Database

from store import records
from store.migrations.frame import migrations, one_of, run


@migrations()
def m023_topics(db: Database) -> None:
    """Add topics, and the day from which on a narrative may be tested for leads."""
    run(
        db,
        f"""
CREATE TABLE topics (
  id TEXT PRIMARY KEY,
  language TEXT NOT NULL,
  label TEXT NOT NULL,
  words TEXT NOT NULL,
  first_seen TEXT NOT NULL,
  found_on TEXT NOT NULL,
  status TEXT NOT NULL {one_of("status", records.TopicStatus)},
  parent_id TEXT REFERENCES topics(id) DEFERRABLE INITIALLY DEFERRED,
  proposed_on TEXT,
  decided_at TEXT,
  narrative_id TEXT,
  run_id TEXT NOT NULL REFERENCES runs(id)
) STRICT;
CREATE TABLE topic_documents (
  document_id TEXT PRIMARY KEY REFERENCES documents(id),
  topic_id TEXT NOT NULL REFERENCES topics(id),
  similarity REAL NOT NULL CHECK (similarity BETWEEN 0 AND 1),
  is_core INTEGER NOT NULL,
  position INTEGER CHECK (position >= 1),
  joined_on TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id)
) STRICT;
CREATE INDEX topic_documents_of_topic ON topic_documents(topic_id, position);
CREATE TABLE topic_weeks (
  topic_id TEXT NOT NULL REFERENCES topics(id),
  day TEXT NOT NULL,
  stories INTEGER NOT NULL,
  sources INTEGER NOT NULL,
  days INTEGER NOT NULL,
  reassigned INTEGER NOT NULL,
  recent INTEGER NOT NULL,
  before INTEGER NOT NULL,
  share REAL NOT NULL,
  top_source REAL NOT NULL,
  market REAL NOT NULL,
  stability REAL,
  npmi REAL,
  popularity REAL NOT NULL,
  pvalue REAL,
  trend TEXT NOT NULL {one_of("trend", records.TopicTrend)},
  lacks TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (topic_id, day)
) STRICT;
CREATE INDEX topic_weeks_by_day ON topic_weeks(day);
CREATE TABLE topic_changes (
  day TEXT NOT NULL,
  kind TEXT NOT NULL {one_of("kind", records.TopicEvent)},
  topic_id TEXT NOT NULL REFERENCES topics(id),
  other_id TEXT NOT NULL REFERENCES topics(id),
  cosine REAL NOT NULL,
  stories INTEGER NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (topic_id, day, kind, other_id)
) STRICT;
CREATE TABLE discoveries (
  day TEXT NOT NULL,
  language TEXT NOT NULL,
  start TEXT NOT NULL,
  stories INTEGER NOT NULL,
  residual INTEGER NOT NULL,
  core INTEGER NOT NULL,
  reassigned INTEGER NOT NULL,
  outliers INTEGER NOT NULL,
  topics INTEGER NOT NULL,
  agreement REAL,
  kept REAL,
  npmi REAL,
  diversity REAL,
  model TEXT NOT NULL,
  seed INTEGER NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (day, language)
) STRICT;
CREATE TABLE narrative_drift (
  day TEXT NOT NULL,
  narrative_id TEXT NOT NULL REFERENCES narratives(id),
  kind TEXT NOT NULL {one_of("kind", records.DriftKind)},
  start TEXT NOT NULL,
  stories INTEGER NOT NULL,
  before INTEGER NOT NULL,
  divergence REAL,
  pvalue REAL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (day, narrative_id, kind)
) STRICT;
CREATE TABLE drift_terms (
  day TEXT NOT NULL,
  narrative_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  term TEXT NOT NULL,
  stories INTEGER NOT NULL,
  before INTEGER NOT NULL,
  zscore REAL NOT NULL,
  pvalue_adj REAL NOT NULL,
  PRIMARY KEY (day, narrative_id, kind, term),
  FOREIGN KEY (day, narrative_id, kind) REFERENCES narrative_drift(day, narrative_id, kind)
) STRICT;
ALTER TABLE narratives ADD COLUMN found_on TEXT;
CREATE VIEW back_tagged AS
  SELECT l.narrative_id, l.document_id, l.passage_id, d.effective_at, n.found_on
  FROM labels l JOIN documents d ON d.id = l.document_id JOIN narratives n ON n.id = l.narrative_id
  WHERE n.found_on IS NOT NULL AND substr(d.effective_at, 1, 10) < n.found_on
""",
    )
