"""Which topics are proposed as narratives, and how they came and went. Pure.

A topic is proposed when it is told often enough, by several sources on several days, stands in
most bootstrap runs, came up only lately, and speaks of markets. The first window of a language
proposes nothing: there, nothing can be known to be new. Each rule that is not met is kept by
name, so that a weak signal shows what it lacks.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from store.records import ResidualStory, TopicTrend

WEEK = timedelta(days=7)
YOUNG = timedelta(days=28)
"""How long after it was found a topic emerges rather than grows."""
_TOKEN = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_ROUND = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a topic must have to be proposed.

    Attributes
    ----------
    stories, sources, days : int
        Fewest in the window: core stories, those who told them, and dates.
    top_source : float
        Largest share that one source may have told.
    stability : float
        Smallest mean Jaccard index over the bootstrap runs.
    market : float
        Smallest share of stories that name an asset or speak of markets.
    pvalue : float
        Largest probability of so late a rise by chance.
    """

    stories: int = 8
    sources: int = 3
    days: int = 3
    top_source: float = 0.75
    stability: float = 0.5
    market: float = 0.4
    pvalue: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A topic's core stories in one window, counted; see `store.records.TopicWeek`."""

    stories: int
    sources: int
    days: int
    recent: int
    before: int
    share: float
    top_source: float
    market: float
    popularity: float
    pvalue: float | None
    falls: float | None


def count(
    stories: Sequence[ResidualStory], *, day: date, all_stories: Mapping[date, int]
) -> Counts:
    """Count a topic's core stories in a window.

    Parameters
    ----------
    day : date
        Last day of the window.
    all_stories : mapping of date to int
        Stories of each date of the window, labelled ones included: what could have told it.
    """
    told = Counter(story.effective_at.date() for story in stories)
    sources = Counter(story.source_id for story in stories)
    recent = sum(n for on, n in told.items() if on > day - WEEK)
    total = len(stories)
    last_week = sum(n for on, n in all_stories.items() if on > day - WEEK)
    market = sum(speaks_of_markets(story) for story in stories)
    rises = [
        rise(told, all_stories, since=day - span + timedelta(days=1)) for span in (WEEK, 2 * WEEK)
    ]
    known = [one for one in rises if one is not None]
    return Counts(
        stories=total,
        sources=len(sources),
        days=len(told),
        recent=recent,
        before=total - recent,
        share=round(recent / last_week, _ROUND) if last_week else 0.0,
        top_source=round(max(sources.values()) / total, _ROUND) if total else 0.0,
        market=round(market / total, _ROUND) if total else 0.0,
        popularity=round(sum(n * 0.5 ** ((day - on) / WEEK) for on, n in told.items()), 3),
        # The better of two looks, so twice its probability.
        pvalue=min(1.0, round(2 * min(known), _ROUND)) if known else None,
        falls=None if rises[0] is None else round(_fall(told, all_stories, day - WEEK), _ROUND),
    )


def rise(told: Mapping[date, int], all_stories: Mapping[date, int], *, since: date) -> float | None:
    """Return the probability that as many of the stories fall on or after a day by chance.

    Binomial: each story falls there with the share of all stories that did. None where there is
    nothing to compare.
    """
    total = sum(told.values())
    everything = sum(all_stories.values())
    late = sum(n for on, n in all_stories.items() if on >= since)
    if not total or not 0 < late < everything:
        return None
    from scipy.stats import binom

    k = sum(n for on, n in told.items() if on >= since)
    return float(binom.sf(k - 1, total, late / everything))


def _fall(told: Mapping[date, int], all_stories: Mapping[date, int], until: date) -> float:
    """Return the probability that as many fall on or before a day by chance."""
    from scipy.stats import binom

    early = sum(n for on, n in all_stories.items() if on <= until) / sum(all_stories.values())
    k = sum(n for on, n in told.items() if on <= until)
    return float(binom.sf(k - 1, sum(told.values()), early))


def lacks(counts: Counts, stability: float | None, rules: Rules) -> tuple[str, ...]:
    """Return the names of the rules that a topic does not meet, in the order of `Rules`."""
    met = {
        "stories": counts.stories >= rules.stories,
        "sources": counts.sources >= rules.sources,
        "days": counts.days >= rules.days,
        "top_source": counts.top_source <= rules.top_source,
        "stability": stability is not None and stability >= rules.stability,
        "market": counts.market >= rules.market,
        "rise": counts.pvalue is not None and counts.pvalue <= rules.pvalue,
    }
    return tuple(name for name, is_met in met.items() if not is_met)


def trend(counts: Counts, *, is_young: bool, rules: Rules) -> TopicTrend:
    """Return how a topic moves in the last seven days of a window.

    Parameters
    ----------
    is_young : bool
        Whether it was found lately, after the first window.
    """
    if not counts.recent:
        return "quiet"
    if counts.pvalue is not None and counts.pvalue <= rules.pvalue:
        return "emerging" if is_young else "growing"
    if counts.falls is not None and counts.falls <= rules.pvalue:
        return "fading"
    return "steady"


def speaks_of_markets(story: ResidualStory) -> bool:
    """Return whether a story names an asset or has a word of markets in it."""
    if story.assets:
        return True
    text = story.text.casefold().replace("’", "'")
    words = market_words()
    return any(token.removesuffix("'s") in words for token in _TOKEN.findall(text)) or any(
        word in text for word in words if not word.isascii()
    )


@cache
def market_words() -> frozenset[str]:
    """Return words of which most texts about markets have one."""
    path = Path(__file__).with_name("market_words.txt")
    return frozenset(path.read_text("utf-8").split())
