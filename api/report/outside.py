"""What the list of narratives does not cover: stories without one, and words that rose in them.

A story that fits no narrative still surfaces here. Copies are one story, and one source counts
at most :data:`CAP` times a week for a word, so that no outlet makes a word rise alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt
from statistics import NormalDist

from api.report.basis import Outside, OutsideStory, RisenWord
from api.report.material import OUTSIDE_WEEKS, Material, Row
from nlp.headlines import words_of

CAP = 3
"""Stories a week that one source can bring to the count of a word."""
LEAST_TOTAL = 5
"""Stories of both periods together that a word needs to be tested; says nothing of a rise."""
LEAST_STORIES, LEAST_SOURCES = 3, 3
PRIOR = 100.0
"""Weight of the informative Dirichlet prior, in stories."""
_SHOWN_WORDS, _NEAREST, _SHOWN_STORIES = 8, 5, 5
_ALPHA = 0.05


def outside_of(material: Material) -> Outside:
    """Return the week's stories without a narrative, and the words that rose in them."""
    start = material.week.start
    now = [row for row in material.uncovered if row["effective_at"] >= start]
    before = [row for row in material.uncovered if row["effective_at"] < start]
    tested = compare(now, before, start=start)
    nearest = [word for word in tested if word.is_shown and word.zscore > 0]
    passing = [word for word in nearest if word.pvalue_adj < _ALPHA]
    spread = [row for row in now if row["copies"] > 1]
    spread.sort(key=lambda row: (-row["copies"], -row["sources"], row["id"]))
    return Outside(
        stories=len(now),
        before=len(before),
        weeks=OUTSIDE_WEEKS,
        tested=len(tested),
        passing=len(passing),
        words=[
            _risen(word, now, material.sources)
            for word in (passing or nearest[:_NEAREST])[:_SHOWN_WORDS]
        ],
        told=[_story(row, material.sources) for row in spread[:_SHOWN_STORIES]],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A word in two periods.

    Attributes
    ----------
    stories, before : int
        Stories with the word, of each source at most :data:`CAP` a week.
    sources : int
        Sources of this week's.
    zscore : float
        Log-odds ratio with an informative Dirichlet prior over its standard error.
    pvalue, pvalue_adj : float
        One-sided (it rose), raw and by Holm over all words that were compared.
    """

    word: str
    stories: int
    before: int
    sources: int
    zscore: float
    pvalue: float
    pvalue_adj: float

    @property
    def is_shown(self) -> bool:
        """Whether enough stories of enough sources have it this week."""
        return self.stories >= LEAST_STORIES and self.sources >= LEAST_SOURCES


def compare(now: Sequence[Row], before: Sequence[Row], *, start: datetime) -> list[Compared]:
    """Return the words of the stories, those whose odds rose most surely first.

    Parameters
    ----------
    now, before : sequence of rows
        ``heading, source_id, effective_at`` of stories from ``start`` on, and before it.

    Returns
    -------
    list of Compared
        Empty without a story before: nothing can have risen.

    References
    ----------
    Monroe, Colaresi & Quinn (2008), Fightin' words, Political Analysis 16(4), eq. 15, 16 and 22,
    doi:10.1093/pan/mpn018. Holm (1979), Scandinavian Journal of Statistics 6(2).
    """
    if not now or not before:
        return []
    held, held_before = _held(now, start), _held(before, start)
    first, second = _counts(held), _counts(held_before)
    n_first, n_second = len(now), len(before)
    rated = []
    for word in first.keys() | second.keys():
        y, y_before = first[word], second[word]
        if y + y_before < LEAST_TOTAL:
            continue
        prior = PRIOR * (y + y_before) / (n_first + n_second)
        odds = log((y + prior) / (n_first + PRIOR - y - prior))
        odds -= log((y_before + prior) / (n_second + PRIOR - y_before - prior))
        rated.append((odds / sqrt(1 / (y + prior) + 1 / (y_before + prior)), word))
    rated.sort(key=lambda pair: (-pair[0], pair[1]))
    below = NormalDist().cdf
    adjusted, largest = [], 0.0
    for place, (zscore, _) in enumerate(rated):
        largest = max(largest, min(1.0, (len(rated) - place) * below(-zscore)))
        adjusted.append(largest)
    return [
        Compared(
            word=word,
            stories=first[word],
            before=second[word],
            sources=len({source for source, _ in held.get(word, ())}),
            zscore=zscore,
            pvalue=below(-zscore),
            pvalue_adj=adj,
        )
        for (zscore, word), adj in zip(rated, adjusted, strict=True)
    ]


def _held(stories: Sequence[Row], start: datetime) -> dict[str, Counter[tuple[str, int]]]:
    """Return by word how many stories have it, by source and week before ``start``."""
    held: dict[str, Counter[tuple[str, int]]] = {}
    for row in stories:
        week = (start - row["effective_at"]) // timedelta(days=7)
        for word in words_of(row["heading"]):
            held.setdefault(word, Counter())[row["source_id"], week] += 1
    return held


def _counts(held: Mapping[str, Counter[tuple[str, int]]]) -> Counter[str]:
    return Counter(
        {word: sum(min(CAP, n) for n in by_source.values()) for word, by_source in held.items()}
    )


def _risen(word: Compared, now: Sequence[Row], sources: Mapping[str, str]) -> RisenWord:
    """Return a word with the story that was copied most of those that have it."""
    having = [row for row in now if word.word in words_of(row["heading"])]
    example = max(having, key=lambda row: (row["copies"], row["sources"], row["id"]))
    return RisenWord(
        word=word.word,
        stories=word.stories,
        before=word.before,
        sources=word.sources,
        zscore=word.zscore,
        pvalue=word.pvalue,
        pvalue_adj=word.pvalue_adj,
        example=_story(example, sources),
    )


def _story(row: Row, sources: Mapping[str, str]) -> OutsideStory:
    return OutsideStory(
        document_id=row["id"],
        title=row["heading"],
        source=sources.get(row["source_id"], row["source_id"]),
        url=row["url"],
        published_at=row["published_at"],
        copies=row["copies"],
        sources=row["sources"],
    )
