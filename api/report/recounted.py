"""Counts that no single column holds, made from selected rows: the gate makes them again."""

from collections.abc import Mapping
from typing import Any

from api.report.basis import Outside, Quality
from api.report.drift import drift_of, of_drift
from api.report.material import Material
from api.report.outside import outside_of
from api.report.quality import quality_of
from api.report.records import Review
from api.report.review import review_of
from api.report.topics import of_topics, topics_of


def recounted(material: Material) -> Mapping[str, Any]:
    """Return the counts of a week by name."""
    return {
        **of_review(review_of(material)),
        **of_drift(drift_of(material)),
        **of_topics(topics_of(material)),
        **of_outside(outside_of(material)),
        **of_quality(quality_of(material)),
    }


def of_review(review: Review) -> dict[str, Any]:
    """Return how many of last week's conditions there are, and how many came out how."""
    scores = [one.score or "none" for one in review.last]
    counts = {f"review.{score}": scores.count(score) for score in ("hit", "miss", "open", "none")}
    return {"review.all": len(scores), **counts}


def of_outside(outside: Outside) -> dict[str, Any]:
    """Return the stories without a narrative, the words compared, and the first of them."""
    words = {f"outside.word.{place}": one.word for place, one in enumerate(outside.words)}
    return {
        "outside.stories": outside.stories,
        "outside.tested": outside.tested,
        "outside.passing": outside.passing,
        **words,
    }


def of_quality(quality: Quality) -> dict[str, Any]:
    """Return what became of the documents of the week, and of the sessions and sources."""
    counts: dict[str, Any] = {
        "quality.missing": len(quality.missing_days),
        "quality.pending": quality.pending,
        "quality.failed": quality.failed,
        "quality.labelled": quality.labelled,
        "quality.unlabelled": quality.unlabelled,
        "quality.quiet": len(quality.quiet),
        "quality.failures": sum(group.items for group in quality.failures),
    }
    if quality.lag is not None:
        counts |= {"quality.lag": quality.lag.median, "quality.p90": quality.lag.p90}
    return counts
