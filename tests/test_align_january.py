"""January 2026 and five older days as ``explain`` answers them, with real text and real prices.

The labels are those of the shipped model (``tests/worlds/january.py``), so the answers are those
of ``tapestory explain`` on the whole archive; ``make bench`` runs the model itself.
"""

from collections import Counter
from datetime import date

import pytest

from align.explanation import explain_day
from nlp.models import ModelSettings, model_id
from store import Store
from store.records import Explanation
from tests.align_world import SHARED
from tests.worlds import january

pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="needs shared/data beside the repository"
)
FED_CHAIR = date(2026, 1, 30)
DOLLAR = date(2026, 1, 27)


class Told:
    """The real archive, asked about days; each is explained once."""

    def __init__(self, store: Store) -> None:
        self.world = january.read_world(store)
        self.titles = dict(store.db.execute("SELECT id, title FROM documents").fetchall())
        self._passages = store.frames.quotes
        self._known: dict[tuple[date, int], Explanation] = {}

    def __call__(self, day: date, days: int = 1) -> Explanation:
        if (day, days) not in self._known:
            self._known[day, days] = explain_day(
                self.world, day, days=days, passages=self._passages
            )
        return self._known[day, days]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    path = tmp_path_factory.mktemp("january") / "real.db"
    january.fill(path)
    with Store.open(path) as store:
        yield Told(store)


def _of(explanation, narrative_id):
    return next(one for one in explanation.suspects if one.narrative_id == narrative_id)


def test_the_labels_are_those_of_the_shipped_model():
    assert january.labelled_by() == model_id(ModelSettings()), january.__doc__


def test_30_january_begins_with_what_really_moved(told):
    assert told(FED_CHAIR).premise == (
        "On 30 January 2026 silver fell 28.5 % (-11.7 sigma), gold 10.3 % (-7.9 sigma) and copper"
        " 5.9 % (-2.9 sigma); the dollar rose 1.0 % (+2.4 sigma); the S&P 500 hardly moved"
        " (-0.3 %, -0.3 sigma)."
    )


def test_the_weak_dollar_is_contradicted_on_30_january(told):
    found = told(FED_CHAIR)
    dollar = _of(found, "dollar-policy")
    assert dollar.status == "contradicted"
    assert {"UUP", "GLD", "SLV", "CPER"} <= set(dollar.contradicted_by)
    contradicted = {one.narrative_id for one in found.suspects if one.status == "contradicted"}
    expected = {"dollar-policy", "fed-independence", "fiscal-worry", "geopolitics"}
    assert contradicted == expected
    # Whoever is contradicted ranks behind everyone who could lead.
    ranks = {one.narrative_id: one.rank for one in found.suspects}
    free = {
        one.narrative_id
        for one in found.suspects
        if one.status in ("possible", "quiet") and not one.rejected
    }
    assert len(free) >= 3
    assert max(ranks[name] for name in free) < min(ranks[name] for name in contradicted)


def test_nobody_is_accused_of_30_january(told):
    """Hawkish Fed first by shape, and no narrative has two unusual lines of evidence."""
    found = told(FED_CHAIR)
    assert found.verdict == "no adequate suspect"
    assert found.suspects[0].narrative_id == "fed-policy"
    assert found.suspects[0].parts.signature > 0.15
    assert found.none_of_these == (
        "“None of these” holds: not one of 12 narratives has two unusual lines of evidence, one of"
        " them text; 4 were contradicted by the assets, 1 was told after the move and 4 were"
        " rejected by a falsifier."
    )
    squeeze = _of(found, "qt-liquidity")
    assert squeeze.rejected
    assert squeeze.fired == (
        "high-yield bonds (+0.5 sigma) and the S&P 500 (-0.3 sigma) hardly moved",
        "its core assets hardly moved: the S&P 500 (-0.3 sigma), the VIX (+0.3 sigma) and"
        " high-yield bonds (+0.5 sigma)",
        "SOFR minus IORB stood at 0 bp, its 81st percentile of two years and under the 95th",
    )
    assert not any(one.status == "leading" for one in found.suspects)


def test_29_january_has_no_adequate_suspect(told):
    """Copper rose and bitcoin fell; the dollar, much talked of since the 27th, did not move."""
    found = told(date(2026, 1, 29))
    assert found.verdict == "no adequate suspect"
    dollar = _of(found, "dollar-policy")
    assert dollar.score == max(one.score for one in found.suspects)
    assert dollar.rejected
    assert dollar.rank > 1
    assert "its core assets hardly moved: the dollar (-0.4 sigma)" in dollar.fired


def test_what_would_overturn_30_january_has_numbers_and_a_date(told):
    assert [one.condition for one in told(FED_CHAIR).falsifiers] == [
        "on average over the 5 sessions to 6 February 2026, at least 5.0 % of the stories carry"
        " “fed-policy” (median before the move: 0.6 %)",
        "silver (SLV) closes below 71.24, two sigma beyond its 75.44, by 6 February 2026",
        "gold (GLD) closes below 432.88, two sigma beyond its 444.95, by 6 February 2026",
    ]


def test_one_session_is_like_no_episode_and_five_are_like_march_2020(told):
    one, five = told(FED_CHAIR), told(date(2026, 2, 5), 5)
    assert one.analog_like == ()
    assert "Not distinguishable" in one.analog_statement
    assert {"march-2020-18", "march-2020-312"} == set(five.analog_like)
    assert "Closer in shape, not necessarily in size, to 18 March 2020" in five.analog_statement
    of_519 = next(analog for analog in five.analogs if analog.episode == "crypto-519-2021")
    assert of_519.percentile < 0.6
    assert (five.window_start, five.window_end) == (FED_CHAIR, date(2026, 2, 5))
    assert five.premise.startswith("From 30 January 2026 to 5 February 2026 silver fell 36.8 %")


def test_the_weak_dollar_is_first_on_27_january(told):
    """By twice the score of the second; on four headlines in six sessions the intervals meet."""
    found = told(DOLLAR)
    first, second = found.suspects[:2]
    assert first.narrative_id == "dollar-policy"
    assert first.contradicted_by == ()
    assert first.score > 1.9 * second.score
    assert found.verdict == "not distinguishable"
    assert second.score < first.low < second.high < first.score
    assert first.parts.intensity > 0.1, "it was told unusually often"
    assert first.parts.signature > 0.2, "and the assets moved as it says"
    assert any("ollar" in quote.quote for quote in first.quotes)
    assert "the dollar fell 1.2 % (-3.0 sigma)" in found.premise


def test_the_story_that_is_told_most_is_another(told):
    """Counting the headlines of the day answers "AI spending" on both days, and cannot decline."""
    archive, market = told.world.archive, told.world.market
    for day in (DOLLAR, FED_CHAIR):
        row = market.offset + market.row(day) - archive.offset
        carried = archive.narrative[archive.grid.story_day[archive.story] == row]
        counts: Counter[str] = Counter(archive.narrative_ids[number] for number in carried.tolist())
        assert counts.most_common(1)[0][0] == "ai-capex-doubt"
        assert counts["dollar-policy"] == 0
        first = told(day).suspects[0].narrative_id
        assert first == ("dollar-policy" if day == DOLLAR else "fed-policy")


def test_every_quote_stands_in_its_document(told):
    counts: Counter[date] = Counter()
    for day, days in ((DOLLAR, 1), (FED_CHAIR, 1), (date(2026, 2, 5), 5)):
        for suspect in told(day, days).suspects:
            for quote in suspect.quotes:
                assert quote.quote in told.titles[quote.document_id]
                counts[day] += 1
    assert min(counts.values()) >= 30


@pytest.mark.parametrize(
    ("day", "family", "moved"),
    [
        ("2020-03-12", {"qt-liquidity", "deleveraging"}, "the S&P 500 9.6 % (-6.0 sigma)"),
        ("2021-05-19", {"crypto-stress"}, "bitcoin 13.8 % (-3.4 sigma)"),
        ("2024-08-05", {"deleveraging"}, "the VIX rose 15.2 points (+14.9 sigma)"),
        ("2025-01-27", {"ai-capex-doubt"}, "chip makers fell 9.8 % (-5.0 sigma)"),
        (
            "2025-04-21",
            {"fed-independence", "fiscal-worry", "dollar-policy"},
            "gold rose 3.1 % (+2.8 sigma)",
        ),
    ],
)
def test_older_days_have_their_family_among_the_first_two(told, day, family, moved):
    """Without a document of that time the ranking rests on prices alone, and says so."""
    found = told(date.fromisoformat(day))
    assert moved in found.premise
    assert family & {one.narrative_id for one in found.suspects[:2]}
    assert found.coverage.stories == 0
    assert found.verdict == "no adequate suspect"
    assert found.none_of_these.startswith("No document of that time is stored")
    conditions = [one.series for one in found.falsifiers]
    assert len(conditions) == 3
    assert not any("intensity" in series for series in conditions), "no talk to hold against it"
