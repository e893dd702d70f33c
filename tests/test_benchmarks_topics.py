"""Discovery on real headlines beside plain BERTopic: ids, seeds, coherence, planted stories, cost.

``TAPESTORY_HEADLINES=PATH`` names a file of labelled headlines (`tests.worlds.headlines`).
"""

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from nlp.topics.coherence import npmi
from nlp.topics.consensus import OUTSIDE, group
from nlp.topics.neighbours import unit_rows
from nlp.topics.registry import SAME, centred, centres_of
from nlp.topics.run import discover
from nlp.topics.settings import DiscoverySettings
from nlp.topics.words import _Analyzer, describe
from store import Store
from tests.worlds.headlines import STORIES, labelled, plant, shuffle_days

pytestmark = pytest.mark.benchmark
SETTINGS = DiscoverySettings()
WINDOWS = (date(2025, 10, 30), date(2025, 11, 27))
SEEDS = 10
DAY = timedelta(days=1)


def instant(day):
    return datetime.combine(day, time(), tzinfo=UTC)


@pytest.fixture(scope="module")
def headlines(tmp_path_factory):
    return labelled(tmp_path_factory.mktemp("headlines"))


def residual(path, last, days=28):
    """Return ids, texts and vectors of the stories that no narrative covers."""
    with Store.open(path, read_only=True) as store:
        span = instant(last - timedelta(days=days - 1)), instant(last + DAY)
        model = store.topics.model_of("en", *span)
        assert model is not None
        stories = store.topics.residual("en", model, *span, weak=SETTINGS.weak)
    return (
        [one.document_id for one in stories],
        [one.text for one in stories],
        unit_rows([one.vector for one in stories]),
    )


def plain(texts, vectors, seed):
    """Fit BERTopic as its documentation begins, on the same vectors; return it and its labels."""
    import warnings

    from bertopic import BERTopic
    from sklearn.feature_extraction.text import CountVectorizer
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        umap = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine",
                    random_state=seed)  # fmt: skip
        model = BERTopic(
            umap_model=umap, vectorizer_model=CountVectorizer(analyzer=_Analyzer("en"))
        )
        labels, _ = model.fit_transform(texts, embeddings=vectors)
    return model, np.array(labels)


def mean_ari(labelings, *, inside=True):
    found = []
    for first, second in combinations(labelings, 2):
        both = (first >= 0) & (second >= 0) if inside else np.ones(len(first), dtype=bool)
        found.append(adjusted_rand_score(first[both], second[both]))
    return float(np.mean(found)), float(np.min(found))


def coherence(texts, topics):
    """Return the mean NPMI of lists of words over the texts."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=_Analyzer("en"))
    present = (counter.fit_transform(texts) > 0).astype(np.float32)
    column = {word: int(place) for word, place in counter.vocabulary_.items()}
    found = [npmi(words[:10], column, present) for words in topics]
    return float(np.mean([one for one in found if one is not None]))


def taken_in(labels, vectors):
    """Return the labels with the outliers put with the nearest, as `registry.places` does."""
    rows = centred(vectors, vectors.mean(axis=0))
    cosines = rows @ centres_of(rows, labels, int(labels.max()) + 1).T
    outside = np.flatnonzero(labels == OUTSIDE)
    order = outside[np.argsort(-cosines[outside].max(axis=1), kind="stable")]
    found = labels.copy()
    taken = order[: max(0, len(outside) - int(0.15 * len(labels)))]
    found[taken] = cosines[taken].argmax(axis=1)
    return found


def test_ten_seeds_and_coherence(headlines):
    print("\nwindow       what      topics  outside  ARI mean (min)  ARI, all  NPMI")
    for last in WINDOWS:
        ids, texts, vectors = residual(headlines, last)
        ours = [
            group(vectors, ids, replace(SETTINGS.grouping, seed=seed)).labels
            for seed in range(SEEDS)
        ]
        mean, least = mean_ari(ours)
        words = describe(texts, ours[0], vectors, language="en")
        core = coherence(texts, [[word for word, _ in one.words] for one in words.values()])
        whole = taken_in(ours[0], vectors)
        words = describe(texts, whole, vectors, language="en")
        after = coherence(texts, [[word for word, _ in one.words] for one in words.values()])
        print(
            f"{last}   ours      {ours[0].max() + 1:6}  {(ours[0] < 0).mean():7.2f}"
            f"  {mean:.2f} ({least:.2f})     {mean_ari(ours, inside=False)[0]:.2f}"
            f"      {core:+.3f}; with the outliers taken in {after:+.3f}, outside"
            f" {(whole < 0).mean():.3f}"
        )
        fits = [plain(texts, vectors, seed) for seed in range(SEEDS)]
        labelings = [labels for _, labels in fits]
        theirs, their_least = mean_ari(labelings)
        model, labels = fits[0]
        listed = [
            [word for word, _ in model.get_topic(number)] for number in range(labels.max() + 1)
        ]
        its_own = coherence(texts, listed)
        same_words = describe(texts, labels, vectors, language="en")
        ours_on_its = coherence(
            texts, [[word for word, _ in one.words] for one in same_words.values()]
        )
        counts = [int(one.max() + 1) for one in labelings]
        print(
            f"{last}   BERTopic  {min(counts)}-{max(counts):3}  {(labels < 0).mean():7.2f}"
            f"  {theirs:.2f} ({their_least:.2f})     {mean_ari(labelings, inside=False)[0]:.2f}"
            f"      {its_own:+.3f}; with our choice of words {ours_on_its:+.3f}"
        )
        assert mean >= 0.80
        assert (whole < 0).mean() <= 0.15
        assert after >= its_own


def test_one_more_day(headlines, tmp_path):
    """Ids after one more day, and those of two plain fits whose centres are matched."""
    path = tmp_path / "days.db"
    shutil.copy(headlines, path)
    last = date(2025, 10, 30)
    with Store.open(path) as store:
        since = last - timedelta(days=21)
        discover(store, settings=SETTINGS, now=instant(last + DAY), since=since)
        for n in range(1, 8):
            discover(store, settings=SETTINGS, now=instant(last + n * DAY + DAY))
        runs = store.topics.discoveries()
        kept = [run.kept for run in runs if run.day > last and run.kept is not None]
    _, texts, vectors = residual(path, last)
    _, more, wider = residual(path, last + DAY, days=29)
    first, second = plain(texts, vectors, 0)[1], plain(more, wider, 0)[1][: len(texts)]
    theirs = matched_share(vectors, first, second)
    print(f"\none more day, kept: ours {min(kept):.3f} to {max(kept):.3f} over seven days;"
          f" BERTopic fitted anew, centres matched {theirs:.3f}")  # fmt: skip
    assert min(kept) >= 0.97


def matched_share(vectors, first, second):
    """Return the share of stories in the same topic, or outside, of two labelings."""
    from scipy.optimize import linear_sum_assignment

    rows = centred(vectors, vectors.mean(axis=0))
    centres = [centres_of(rows, one, int(one.max()) + 1) for one in (first, second)]
    cosines = centres[1] @ centres[0].T
    new, old = linear_sum_assignment(-cosines)
    name = {int(b): int(a) for b, a in zip(new, old, strict=True) if cosines[b, a] >= SAME}
    named = np.array([-1 if one < 0 else name.get(int(one), -2) for one in second])
    return float((named == first).mean())


@pytest.mark.parametrize("number", range(len(STORIES)), ids=list(STORIES))
def test_planted_story(headlines, tmp_path, number):
    """A story of one per cent, in a stream whose days are dealt anew: when is it proposed?"""
    subject, first, last = list(STORIES)[number], date(2025, 8, 1), date(2025, 10, 31)
    day = date(2025, 9, 8) + number * DAY  # each on another day of the week
    path = tmp_path / "planted.db"
    shutil.copy(headlines, path)
    shuffle_days(path, first=first, last=last, seed=number)
    with Store.open(path, read_only=True) as store:
        volume = sum(store.topics.counts("en", instant(first), instant(last)).values())
    a_day = 0.01 * volume / ((last - first).days + 1)
    planted = plant(path, subject, first=day, days=14, a_day=a_day, seed=number)
    with Store.open(path) as store:
        since = day - timedelta(days=10)
        discover(store, settings=SETTINGS, now=instant(day + 14 * DAY), since=since)
        # And as it stands after two weeks, for those whose weekly window ends in their midst.
        discover(store, settings=SETTINGS, now=instant(day + 14 * DAY))
        found = [topic for topic in store.topics.all() if _is_of(store, topic, planted)]
        for topic in found:
            week = store.topics.weeks(topic.id)[-1]
            print(f"\n{subject}: {topic.label}: {topic.status}, proposed {topic.proposed_on}, day"
                  f" {topic.proposed_on and (topic.proposed_on - day).days + 1}, {week.stories} of"
                  f" {len(planted)} stories, stability {week.stability}, market {week.market},"
                  f" lacks {week.lacks}")  # fmt: skip
        if not found:
            print(f"\n{subject}: no topic of {len(planted)} stories")
    assert any(topic.proposed_on is not None for topic in found)


def _is_of(store, topic, planted):
    """Return whether most of a topic's core stories were planted."""
    rows = store.db.query(
        "SELECT document_id FROM topic_documents WHERE topic_id = ? AND is_core", [topic.id]
    )
    own = {row["document_id"] for row in rows}
    return len(own & planted) > len(own) / 2


@pytest.mark.parametrize("seed", range(2))
def test_a_quiet_quarter(headlines, tmp_path, seed):
    """The days of all stories dealt anew: whatever is proposed is false."""
    path, first, last = tmp_path / "quiet.db", date(2025, 8, 1), date(2025, 12, 1)
    shutil.copy(headlines, path)
    shuffle_days(path, first=first, last=last, seed=seed)
    with Store.open(path) as store:
        discover(store, settings=SETTINGS, now=instant(last), since=first + 27 * DAY)
        weeks = len(store.topics.discoveries()) - 1
        false = [topic for topic in store.topics.all() if topic.proposed_on is not None]
    print(f"\n{len(false)} false candidates in {weeks} weeks: {[one.label for one in false]}")
    assert len(false) <= weeks


def test_twenty_thousand_residual_stories(headlines):
    """One window over all that is stored, in a process of its own."""
    code = f"""
import resource, sys, time
from datetime import date, datetime, UTC
from pathlib import Path
from nlp.topics.consensus import Grouping
from nlp.topics.run import _span, _read
from nlp.topics.look import look
from nlp.topics.settings import DiscoverySettings
from dataclasses import replace
from store import Store
settings = DiscoverySettings(window=240, weak=1.01)
started = time.perf_counter()
with Store.open(Path({str(headlines)!r}), read_only=True) as store:
    window = _read(store, date(2026, 2, 10), "en", settings, None)
    window = replace(window, stories=window.stories[-20_000:])
    found = look(window, settings)
print(len(window.stories), len(found.weeks), time.perf_counter() - started, time.process_time(),
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)
"""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True,
                         text=True, check=True)  # fmt: skip
    stories, topics, seconds, cpu, gigabytes = (float(one) for one in ran.stdout.split())
    print(f"\n{stories:,.0f} residual stories: {topics:.0f} topics, {seconds:.0f} s"
          f" ({cpu:.0f} s of CPU), {gigabytes:.2f} GB")  # fmt: skip
    assert stories == 20_000
    assert seconds < 300
    assert gigabytes < 3
