"""Narratives, and the passages, labels and entities of documents."""

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from sqlite_utils import Database

from store.documents import batched, document_of
from store.records import (
    Document,
    EarlierTagging,
    ErrorCounts,
    Label,
    Narrative,
    Passage,
    Tagging,
)
from store.vectors import save_vectors

# The last condition: a language that was not covered then and is now. Its list is JSON.
_PENDING = (
    " FROM documents d LEFT JOIN taggings t ON t.document_id = d.id"
    " WHERE (t.document_id IS NULL OR t.model IS NOT ? OR t.taxonomy IS NOT ?"
    " OR t.content_hash IS NOT d.content_hash OR (t.outcome = 'untagged'"
    " AND t.language IN (SELECT value FROM json_each(?))))"
    " AND d.withdrawn_at IS NULL"
)


class Narratives:
    """Queries on ``narratives``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def sync(
        self,
        narratives: Sequence[Narrative],
        taxonomy: str,
        digests: Mapping[str, str] | None = None,
    ) -> int:
        """Write the narratives of a taxonomy; one that left it stays, marked as not active.

        Parameters
        ----------
        digests : mapping of narrative id to str
            Digest over all that can change a narrative's labels; by it :meth:`digests`
            tells later what a change of the taxonomy left as it was.

        Returns
        -------
        int
            Rows of narratives that changed; the same taxonomy twice changes none.
        """
        changed = 0
        with self._db.atomic():
            for narrative in narratives:
                changed += self._db.execute(
                    "INSERT INTO narratives (id, name, proposition, taxonomy, signature, core,"
                    " keywords, origin, found_on, active) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
                    " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
                    " proposition = excluded.proposition, taxonomy = excluded.taxonomy,"
                    " signature = excluded.signature, core = excluded.core,"
                    " keywords = excluded.keywords, origin = excluded.origin,"
                    " found_on = excluded.found_on, active = 1"
                    " WHERE (name, proposition, taxonomy, signature, core, keywords, origin,"
                    " found_on, active) IS NOT (excluded.name, excluded.proposition,"
                    " excluded.taxonomy, excluded.signature, excluded.core, excluded.keywords,"
                    " excluded.origin, excluded.found_on, 1)",
                    [
                        narrative.id,
                        narrative.name,
                        narrative.proposition,
                        taxonomy,
                        json.dumps(dict(narrative.signature), sort_keys=True),
                        json.dumps(list(narrative.core)),
                        json.dumps(list(narrative.keywords), ensure_ascii=False),
                        narrative.origin,
                        None if narrative.found_on is None else narrative.found_on.isoformat(),
                    ],
                ).rowcount
            marks = ", ".join("?" * len(narratives))
            changed += self._db.execute(
                f"UPDATE narratives SET active = 0 WHERE active = 1 AND id NOT IN ({marks})",
                [narrative.id for narrative in narratives],
            ).rowcount
            for narrative_id, digest in (digests or {}).items():
                self._db.execute(
                    "INSERT OR IGNORE INTO taxonomies VALUES (?, ?, ?)",
                    [taxonomy, narrative_id, digest],
                )
        return changed

    def digests(self, taxonomy: str) -> dict[str, str]:
        """Return narrative ids and digests of a taxonomy that was written before."""
        rows = self._db.execute(
            "SELECT narrative_id, digest FROM taxonomies WHERE version = ?", [taxonomy]
        )
        return {row[0]: row[1] for row in rows}

    def all(self) -> list[Narrative]:
        """Return the active narratives in the order in which they were first written."""
        return [
            Narrative(
                id=row["id"],
                name=row["name"],
                proposition=row["proposition"],
                keywords=tuple(json.loads(row["keywords"])),
                signature=json.loads(row["signature"]),
                core=tuple(json.loads(row["core"])),
                origin=row["origin"],
                found_on=(None if row["found_on"] is None else date.fromisoformat(row["found_on"])),
            )
            for row in self._db.query("SELECT * FROM narratives WHERE active = 1 ORDER BY rowid")
        ]


class Labels:
    """Queries on ``taggings``, ``passages``, ``labels`` and ``entities``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def pending_count(self, model: str, taxonomy: str, languages: Collection[str] = ()) -> int:
        """Return how many documents this model and taxonomy have not labelled as they stand.

        Parameters
        ----------
        languages : collection of str
            What the model covers: a document that was left out for its language counts when
            the language is covered now.
        """
        given = [model, taxonomy, json.dumps(sorted(languages))]
        return int(self._db.execute(f"SELECT count(*) {_PENDING}", given).fetchone()[0])

    def pending(
        self,
        model: str,
        taxonomy: str,
        languages: Collection[str] = (),
        limit: int | None = None,
    ) -> Iterator[Document]:
        """Yield the documents of :meth:`pending_count`, oldest first.

        The ids are read up front, so saving labels while iterating is safe.
        """
        ids = [
            row[0]
            for row in self._db.execute(
                f"SELECT d.id {_PENDING} ORDER BY d.effective_at, d.id LIMIT ?",
                [model, taxonomy, json.dumps(sorted(languages)), -1 if limit is None else limit],
            ).fetchall()
        ]
        for batch in batched(ids, 500):
            marks = ", ".join("?" * len(batch))
            rows = self._db.query(
                f"SELECT * FROM documents WHERE id IN ({marks}) ORDER BY effective_at, id", batch
            )
            yield from [document_of(row) for row in rows]

    def earlier(self, hashes: Collection[str], model: str) -> dict[str, EarlierTagging]:
        """Return what a model found before in texts of these content hashes.

        Of several documents with the same text, the one that was saved last.
        """
        marks = ", ".join("?" * len(hashes))
        rows = self._db.execute(
            "SELECT content_hash, document_id, taxonomy, language FROM taggings"
            " WHERE outcome = 'tagged'"
            f" AND model = ? AND content_hash IN ({marks}) ORDER BY rowid",
            [model, *hashes],
        ).fetchall()
        latest = {row[0]: row[1:] for row in rows}
        return {
            content: EarlierTagging(
                taxonomy=taxonomy,
                language=language,
                passages=self._passages(document),
                labels=self._labels(document),
                vector=self._vector(document, model),
            )
            for content, (document, taxonomy, language) in latest.items()
        }

    def _passages(self, document_id: str) -> list[Passage]:
        rows = self._db.query(
            "SELECT * FROM passages WHERE document_id = ? ORDER BY position", [document_id]
        )
        return [Passage(**row) for row in rows]

    def _labels(self, document_id: str) -> list[Label]:
        rows = self._db.query("SELECT * FROM labels WHERE document_id = ?", [document_id])
        return [
            Label(
                **{key: value for key, value in row.items() if key != "run_id"}
                | {"is_causal_claim": bool(row["is_causal_claim"])}
            )
            for row in rows
        ]

    def _vector(self, document_id: str, model: str) -> bytes | None:
        row = self._db.execute(
            "SELECT vector FROM vectors WHERE document_id = ? AND model = ?", [document_id, model]
        ).fetchone()
        return None if row is None else bytes(row[0])

    def sync_rates(self, counts: Sequence[ErrorCounts], *, model: str, taxonomy: str) -> bool:
        """Write how often a model errs, in place of what stands there; return whether it did."""
        names = [field.name for field in dataclasses.fields(ErrorCounts)]
        given = {tuple(getattr(one, name) for name in names) for one in counts}
        of = "model = ? AND taxonomy = ?"
        stored = self._db.execute(
            f"SELECT {', '.join(names)} FROM rates WHERE {of}", [model, taxonomy]
        )
        if given == {tuple(row) for row in stored}:
            return False
        with self._db.atomic():
            self._db.execute(f"DELETE FROM rates WHERE {of}", [model, taxonomy])
            for row in sorted(given):
                self._db.execute(
                    f"INSERT INTO rates (model, taxonomy, {', '.join(names)})"
                    f" VALUES (?, ?, {', '.join('?' * len(names))})",
                    [model, taxonomy, *row],
                )
        return True

    def untagged(self) -> dict[str, int]:
        """Return how many documents no model covers, by language."""
        return {
            row[0] or "unknown": row[1]
            for row in self._db.execute(
                "SELECT language, count(*) FROM taggings WHERE outcome = 'untagged'"
                " GROUP BY language ORDER BY 2 DESC"
            )
        }

    def save(self, taggings: Sequence[Tagging], run_id: str) -> None:
        """Replace what is labelled in these documents; one transaction for all of them."""
        with self._db.atomic():
            assets = {row[0] for row in self._db.execute("SELECT id FROM assets")}
            for tagging in taggings:
                self._replace(tagging, run_id, assets)

    def _replace(self, tagging: Tagging, run_id: str, assets: set[str]) -> None:
        execute = self._db.execute
        for table in ("labels", "passages", "entities"):
            execute(f"DELETE FROM {table} WHERE document_id = ?", [tagging.document_id])
        execute(
            "INSERT OR REPLACE INTO taggings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                tagging.document_id,
                tagging.content_hash,
                tagging.model,
                tagging.taxonomy,
                tagging.outcome,
                tagging.language,
                tagging.reason,
                run_id,
            ],
        )
        if tagging.vector is None:  # that of an earlier text would be wrong
            execute("DELETE FROM vectors WHERE document_id = ?", [tagging.document_id])
        else:
            save_vectors(self._db, {tagging.document_id: tagging.vector}, tagging.model)
        for p in tagging.passages:
            execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)",
                [p.id, p.document_id, p.position, p.part, p.start, p.end, p.text],
            )
        for label in tagging.labels:
            execute(
                "INSERT INTO labels VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    label.passage_id,
                    label.document_id,
                    label.narrative_id,
                    label.probability,
                    label.stance,
                    label.stance_probability,
                    int(label.is_causal_claim),
                    label.model,
                    label.taxonomy,
                    run_id,
                ],
            )
        for entity in tagging.entities:
            known = entity.asset_id if entity.asset_id in assets else None
            execute(
                "INSERT OR IGNORE INTO entities VALUES (?, ?, ?, ?, ?)",
                [entity.document_id, entity.text, entity.label, known, entity.count],
            )
