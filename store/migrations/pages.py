"""What the pages read at once: views, of which the snapshot holds the rows (``store.publish``).

A reader asks of a million documents what a narrative's week said, or who named an asset last.
In the working file these are views over the tables, so a night writes nothing more than before;
in the snapshot, which never changes, they are tables in the order in which they are read.
"""

from sqlite_utils import Database

from store.migrations.frame import migrations, run

# Scripts that are written without spaces: full-text search takes a whole run of them for one word.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
HAS_UNSPACED = (
    # They take three bytes or four: a text in ASCII need not be searched.
    "(length(CAST(title || text AS BLOB)) > length(title || text) + 1"
    f" AND (title GLOB '*[{UNSPACED}]*' OR text GLOB '*[{UNSPACED}]*'))"
)
"""True of a document that holds such a script; the index of these has it word for word."""

VIEWS = {
    # Every label of every story: copies say nothing of their own. CROSS JOIN and INDEXED BY keep
    # SQLite from reading all labels of a narrative instead of the stories of a window. The outer
    # join costs nothing where the position is not asked for.
    "story_labels": """
SELECT l.narrative_id, d.effective_at, l.document_id, p.position, d.source_id, l.stance,
  l.probability, l.stance_probability, l.is_causal_claim AS causal
FROM documents d INDEXED BY documents_story_time CROSS JOIN labels l ON l.document_id = d.id
  LEFT JOIN passages p ON p.id = l.passage_id
WHERE d.duplicate_of IS NULL""",
    # The stance of a story is the probability-weighted majority over its passages, as in
    # `store.frames`.
    "story_stances": """
SELECT narrative_id, effective_at, document_id, source_id, stance, probability, causal,
  (SELECT count(*) FROM documents c WHERE c.duplicate_of = document_id) + 1 AS reach
FROM (
  SELECT narrative_id, effective_at, document_id, source_id, stance,
    max(top) OVER story AS probability, max(claim) OVER story AS causal,
    row_number() OVER (PARTITION BY narrative_id, effective_at, document_id
      ORDER BY vote DESC, stance) AS nth
  FROM (
    SELECT narrative_id, effective_at, document_id, source_id, stance,
      sum(probability * stance_probability) AS vote, max(probability) AS top,
      max(causal) AS claim
    FROM story_labels GROUP BY narrative_id, effective_at, document_id, stance
  ) WINDOW story AS (PARTITION BY narrative_id, effective_at, document_id)
) WHERE nth = 1""",
    "story_mentions": """
SELECT e.asset_id, d.effective_at, e.document_id, sum(e.count) AS mentions
FROM entities e JOIN documents d ON d.id = e.document_id
WHERE e.asset_id IS NOT NULL AND d.duplicate_of IS NULL
GROUP BY e.asset_id, e.document_id""",
    # All documents, which the home page counts; the snapshot knows the rows of every table.
    "table_counts": """
SELECT 'documents' AS "table", count(*) AS "rows" FROM documents""",
}
"""The views by name; in the snapshot, tables of that name hold the rows."""


@migrations()
def m022_pages(db: Database) -> None:
    """Create the views of the pages, and index what search looks up of its hits, and runs."""
    run(
        db,
        f"""
CREATE INDEX documents_by_number ON documents(number, duplicate_of, effective_at, id);
CREATE INDEX runs_by_stage ON runs(stage, started_at, id);
CREATE INDEX runs_by_end ON runs(coalesce(finished_at, started_at));
CREATE INDEX documents_unspaced ON documents(effective_at) WHERE {HAS_UNSPACED};
""",
    )
    for name, select in VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS{select}")
