"""What the alerts keep: stories, what was found of each, and how they were sent."""

from sqlite_utils import Database

from store import records
from store.migrations.frame import migrations, one_of, run


@migrations()
def m021_alerts(db: Database) -> None:
    """Add alerts, and take the list of stages out of the schema.

    A new stage needs no migration then: ``Runs.begin`` checks it instead. See
    ``m011_source_kinds`` for why a column is replaced, and why views stand aside meanwhile.
    """
    views = list(db.query("SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid"))
    for view in views:
        db.execute(f'DROP VIEW "{view["name"]}"')
    for table in ("runs", "failures"):
        run(
            db,
            f"""
ALTER TABLE {table} ADD COLUMN stage_unchecked TEXT NOT NULL DEFAULT '';
UPDATE {table} SET stage_unchecked = stage;
ALTER TABLE {table} DROP COLUMN stage;
ALTER TABLE {table} RENAME COLUMN stage_unchecked TO stage;
""",
        )
    for view in views:
        db.execute(view["sql"])
    run(
        db,
        f"""
CREATE TABLE alerts (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  title TEXT NOT NULL,
  severity INTEGER NOT NULL CHECK (severity BETWEEN 1 AND 3),
  peak REAL,
  first_day TEXT NOT NULL,
  last_day TEXT NOT NULL CHECK (last_day >= first_day),
  raised_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  versioned_at TEXT NOT NULL,
  sent_severity INTEGER NOT NULL,
  sent_peak REAL,
  earlier_id TEXT REFERENCES alerts(id),
  run_id TEXT NOT NULL REFERENCES runs(id)
) STRICT;
CREATE INDEX alerts_by_subject ON alerts(subject, last_day);
CREATE INDEX alerts_by_day ON alerts(last_day);
CREATE TABLE alert_findings (
  alert_id TEXT NOT NULL REFERENCES alerts(id),
  day TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  rule TEXT NOT NULL {one_of("rule", records.AlertRule)},
  severity INTEGER NOT NULL,
  peak REAL,
  title TEXT NOT NULL,
  statement TEXT NOT NULL,
  path TEXT NOT NULL,
  evidence TEXT NOT NULL,
  found_at TEXT NOT NULL,
  run_id TEXT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (alert_id, day, rule_id)
) STRICT;
CREATE TABLE deliveries (
  alert_id TEXT NOT NULL REFERENCES alerts(id),
  channel TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL {one_of("state", records.DeliveryState)},
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  tried_at TEXT,
  error TEXT,
  PRIMARY KEY (alert_id, channel, version)
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries(channel) WHERE state = 'waiting';
""",
    )
