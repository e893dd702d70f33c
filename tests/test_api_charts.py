import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api import charts
from api.charts.moves import by_size, value_label
from api.charts.svg import ticks
from store.records import (
    AlignmentCell,
    Coverage,
    Explanation,
    Move,
    Suspect,
    SuspectParts,
    SuspectStatus,
)

HOSTILE = '<script>alert("x")</script>&'
DAYS = [date(2026, 1, 26) + timedelta(days=n) for n in range(5)]
SHARE = [0.1, 0.2, None, 0.4, 0.3]
LOW = [0.05, 0.1, None, 0.2, 0.1]
HIGH = [0.2, 0.4, None, 0.7, 0.6]


def move(asset: str, change: float, sigma: float | None, name: str = "") -> Move:
    return Move(
        asset_id=asset,
        name=name or asset,
        change=change,
        unit="return",
        sigma=sigma,
        as_of=datetime(2026, 1, 30, 21, tzinfo=UTC),
    )


def cell(lag: int, effect: float | None, p: float | None = 1.0) -> AlignmentCell:
    return AlignmentCell(
        narrative_id="n",
        asset_id="A",
        lag=lag,
        n=40,
        effect=effect,
        effect_low=None if effect is None else effect - 0.2,
        effect_high=None if effect is None else effect + 0.2,
        pvalue=None if effect is None else 0.3,
        pvalue_adj=None if effect is None else p,
        method="m",
        window_start=DAYS[0],
        window_end=DAYS[-1],
    )


def suspect(
    name: str,
    rank: int,
    parts: tuple[float, float, float, float, float],
    status: SuspectStatus = "possible",
) -> Suspect:
    score = sum(parts)
    return Suspect(
        narrative_id=name,
        rank=rank,
        score=score,
        low=max(0.0, score - 0.1),
        high=min(1.0, score + 0.1),
        status=status,
        parts=SuspectParts(
            intensity=parts[0],
            causal_claims=parts[1],
            timing=parts[2],
            signature=parts[3],
            hard_data=parts[4],
        ),
        contradicted_by=["GLD"] if status == "contradicted" else [],
        pre_move_share=None,
        placebo_percentile=None,
        quotes=[],
    )


def explanation(*suspects: Suspect) -> Explanation:
    return Explanation(
        date=DAYS[-1],
        window_start=DAYS[-1],
        window_end=DAYS[-1],
        moves=[],
        premise="",
        verdict="suspects",
        clarity=0.5,
        suspects=suspects,
        analogs=[],
        analog_like=[],
        analog_statement="",
        falsifiers=[],
        coverage=Coverage(stories=1, sources=1, sources_expected=1, share_of_panel=1.0),
    )


PRICE = charts.PriceLine(name=HOSTILE, days=DAYS, closes=[1.0, 2.0, None, 3.0, 2.5], unit="close")
DRAWN = {
    "spark": lambda: charts.sparkline(SHARE, LOW, HIGH, label=HOSTILE),
    "spark-empty": lambda: charts.sparkline([], label=HOSTILE),
    "spark-missing": lambda: charts.sparkline([None, None], label=HOSTILE),
    "intensity": lambda: charts.intensity_chart(
        DAYS,
        SHARE,
        LOW,
        HIGH,
        name=HOSTILE,
        price=PRICE,
        events={DAYS[1]: HOSTILE},
        stance=([1] * 5, [0] * 5, [2] * 5),
    ),
    "intensity-day": lambda: charts.intensity_chart(
        DAYS[:1], [0.0], [0.0], [0.1], name=HOSTILE, price=PRICE
    ),
    "intensity-empty": lambda: charts.intensity_chart([], [], [], [], name=HOSTILE),
    "intensity-missing": lambda: charts.intensity_chart(
        DAYS, [None] * 5, [None] * 5, [None] * 5, name=HOSTILE
    ),
    "moves": lambda: charts.moves_chart([move("A", -0.1, -7.9, HOSTILE), move("B", 0.0, None)]),
    "moves-empty": lambda: charts.moves_chart([]),
    "suspects": lambda: charts.suspects_chart(
        explanation(suspect("n", 1, (0.2, 0.1, -0.1, 0.1, 0.0)), suspect("m", 2, (0, 0, 0, 0, 0))),
        {"n": HOSTILE},
    ),
    "suspects-empty": lambda: charts.suspects_chart(explanation(), {}),
    "heatmap": lambda: charts.alignment_heatmap(
        [cell(0, 0.4, 0.01), cell(1, 0.1)], {"n": HOSTILE}, {"A": HOSTILE}
    ),
    "heatmap-empty": lambda: charts.alignment_heatmap([], {}, {}),
    "lags": lambda: charts.lag_chart([cell(lag, 0.1 * lag) for lag in range(-3, 4)]),
    "lags-empty": lambda: charts.lag_chart([cell(1, None)]),
    "effects": lambda: charts.effects_chart(
        [cell(0, 0.4, 0.01), cell(1, 0.1)], {"A": HOSTILE, "B": "none"}
    ),
    "effects-empty": lambda: charts.effects_chart([cell(1, 0.1)], {"A": "A"}),
    "effects-unknown": lambda: charts.effects_chart([cell(0, None)], {"A": "A"}),
    "move-bar": lambda: charts.move_bar(-3.2, 4.0),
    "move-bar-unknown": lambda: charts.move_bar(None, 4.0),
    "price": lambda: charts.price_chart(PRICE, events={DAYS[1]: HOSTILE}),
    "price-empty": lambda: charts.price_chart(
        charts.PriceLine(name=HOSTILE, days=DAYS, closes=[None] * 5, unit="close")
    ),
    "stances": lambda: charts.stance_chart(
        DAYS,
        ([1, 0, 0, 4, 2], [0, 3, 0, 1, 2], [1] * 5),
        [None, 0.0, None, 0.4, 1.0],
        collected=[True, True, False, True, True],
    ),
    "stances-none": lambda: charts.stance_chart(
        DAYS[:1], ([0], [0], [0]), [None], collected=[True]
    ),
    "stances-empty": lambda: charts.stance_chart([], ([], [], []), [], collected=[]),
    "stance": lambda: charts.stance_bar(3, 1, 0),
    "stance-empty": lambda: charts.stance_bar(0, 0, 0),
}


def parsed(markup: object) -> ET.Element:
    return ET.fromstring(str(markup))


def texts(markup: object) -> list[str]:
    return ["".join(node.itertext()) for node in parsed(markup).iter(f"{SVG}text")]


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", DRAWN)
def test_every_chart_is_well_formed_named_and_inert(name):
    markup = DRAWN[name]()
    root = parsed(markup)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title") != ""
    assert root.get("viewBox")
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert tags <= {"svg", "title", "desc", "path", "rect", "circle", "text", "tspan"}
    names = {key for node in root.iter() for key in node.attrib}
    assert not {key for key in names if key.startswith("on") or "href" in key or key == "id"}
    assert "url(" not in str(markup)
    assert "nan" not in str(markup).lower().replace("finance", "")


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_numbers_give_the_same_bytes(name):
    assert DRAWN[name]() == DRAWN[name]()


def test_a_missing_day_breaks_the_line_and_is_hatched():
    whole = str(charts.sparkline([0.1, 0.2, 0.3], label="x"))
    broken = str(charts.sparkline([0.1, None, 0.3], label="x"))
    assert "chart-grey" not in whole
    assert "chart-grey" in broken


def test_moves_are_sorted_by_size_and_say_their_number():
    moves = [move("SPY", -0.003, -0.3), move("X", 0.5, None), move("GLD", -0.108, -7.9)]
    assert [one.asset_id for one in by_size(moves)] == ["GLD", "SPY", "X"]
    assert value_label(moves[2]) == "-10.8 % (-7.9 σ)"
    assert value_label(moves[1]) == "+50.0 % (σ n/a)"
    assert "-10.8 % (-7.9 σ)" in texts(charts.moves_chart(moves))


def test_status_is_said_in_words_not_by_colour_alone():
    drawn = texts(
        charts.suspects_chart(
            explanation(
                suspect("n", 1, (0.5, 0, 0, 0, 0), "leading"),
                suspect("m", 2, (0.1, 0, 0, 0, 0), "contradicted"),
            ),
            {"n": "Nine", "m": "Em"},
        )
    )
    assert any("Nine" in words and "leading" in words for words in drawn)
    assert any("Em" in words and "contradicted by GLD" in words for words in drawn)


def test_the_parts_of_a_suspect_fill_the_bar_up_to_its_score():
    markup = charts.suspects_chart(explanation(suspect("n", 1, (0.2, 0.1, 0.05, 0.1, 0.05))), {})
    bars = [
        node for node in parsed(markup).iter(f"{SVG}rect") if node.find(f"{SVG}title") is not None
    ]
    widths = [float(node.get("width") or 0) for node in bars]
    assert len(widths) == 5
    assert widths[0] / widths[1] == pytest.approx(2.0, rel=0.03)


def test_a_part_bears_its_letter_so_that_it_is_told_without_its_colour():
    markup = charts.suspects_chart(explanation(suspect("n", 1, (0.3, 0.2, 0.1, 0.2, 0.1))), {})
    letters = [words for words in texts(markup) if len(words) == 1]
    assert letters == ["I", "C", "T", "S", "H"] * 2


@pytest.mark.parametrize("width", [350, 520, 880])
def test_a_chart_is_as_wide_as_asked_and_keeps_its_texts_legible(width):
    size = charts.Size(width=width)
    for markup in (
        charts.intensity_chart(DAYS, SHARE, LOW, HIGH, name="x", price=PRICE, size=size),
        charts.suspects_chart(explanation(suspect("n", 1, (0.2, 0.1, 0, 0, 0))), {}, width=width),
        charts.moves_chart([move("A", -0.1, -7.9)], width=width),
        charts.lag_chart([cell(0, 0.1)], width=width),
        charts.effects_chart([cell(0, 0.1)], {"A": "A"}, width=width),
        charts.price_chart(PRICE, width=width),
    ):
        root = parsed(markup)
        assert (root.get("viewBox") or "").split()[2] == str(width)
        sizes = [float(node.get("font-size") or 13) for node in root.iter(f"{SVG}text")]
        assert min(sizes) >= 11


def test_an_event_shades_its_session_and_the_ones_beside_it():
    markup = charts.intensity_chart(
        DAYS, SHARE, LOW, HIGH, name="x", events={DAYS[2]: "a fall"}, size=charts.Size(width=544)
    )
    (band,) = [node for node in parsed(markup).iter(f"{SVG}rect")
               if "one session before" in (node.findtext(f"{SVG}title") or "")]  # fmt: skip
    day = (544 - 4 - 50) / 5
    assert float(band.get("width") or 0) == pytest.approx(3 * day, abs=0.2)
    assert float(band.get("x") or 0) == pytest.approx(50 + day, abs=0.2)


def test_numbers_of_events_that_touch_are_moved_apart():
    events = {day: f"move {number}" for number, day in enumerate(DAYS)}
    markup = charts.intensity_chart(
        [DAYS[0] - timedelta(days=300), *DAYS], [0.1] * 6, [0.1] * 6, [0.2] * 6, name="x",
        events=events, size=charts.Size(width=350, lists_events=False),
    )  # fmt: skip
    at = sorted(float(node.get("x") or 0) for node in parsed(markup).iter(f"{SVG}text")
                if (node.text or "") in "12345" and node.text)  # fmt: skip
    assert all(later - earlier >= 17.9 for earlier, later in pairwise(at))
    assert at[-1] <= 350


def test_days_that_no_row_tells_of_are_hatched_like_those_without_a_share():
    days = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 20), date(2026, 1, 21)]
    markup = str(charts.intensity_chart(days, [0.1] * 4, [0.1] * 4, [0.2] * 4, name="x"))
    assert "7 Jan 2026 to 19 Jan 2026: not collected" in markup
    near = [date(2026, 1, 15), date(2026, 1, 16), date(2026, 1, 20), date(2026, 1, 21)]
    # The Monday between is a holiday: nothing is missing.
    whole = str(charts.intensity_chart(near, [0.1] * 4, [0.1] * 4, [0.2] * 4, name="x"))
    assert "not collected" not in whole


def test_those_against_are_drawn_below_those_in_favor():
    markup = charts.stance_chart(DAYS, ([2] * 5, [1] * 5, [0] * 5), [0.5] * 5, collected=[True] * 5)
    tops = {
        words: {float(node.get("y") or 0) for node in parsed(markup).iter(f"{SVG}rect")
                if (node.findtext(f"{SVG}title") or "").endswith(words)}
        for words in ("in favor", "against")
    }  # fmt: skip
    assert max(tops["in favor"]) < min(tops["against"])


def test_the_lag_axis_says_which_came_first():
    drawn = texts(charts.lag_chart([cell(lag, 0.1) for lag in range(-2, 3)]))
    assert "narrative first →" in drawn
    assert "← price first" in drawn


def test_a_heatmap_shows_one_lag_and_marks_what_passes():
    cells = [cell(0, 0.41, 0.01), cell(1, -0.22)]
    now = charts.alignment_heatmap(cells, {"n": "N"}, {"A": "A"})
    later = charts.alignment_heatmap(cells, {"n": "N"}, {"A": "A"}, lag=1)
    assert "0.41" in texts(now)
    assert "-0.22" in texts(later)
    assert "narrative first by 1 session" in (parsed(later).findtext(f"{SVG}title") or "")
    assert 'font-weight="600">0.41' in str(now)


def test_prices_outside_the_window_are_left_out():
    far = charts.PriceLine(
        name="Gold", days=[DAYS[0] - timedelta(days=90), DAYS[1]], closes=[1.0, 2.0], unit="close"
    )
    markup = charts.intensity_chart(DAYS, SHARE, LOW, HIGH, name="x", price=far)
    dots = [n.findtext(f"{SVG}title") or "" for n in parsed(markup).iter(f"{SVG}circle")]
    assert [tip for tip in dots if tip.endswith(": 2.00")]
    assert not [tip for tip in dots if tip.endswith(": 1.00")]


@given(st.lists(st.none() | st.floats(0, 1), max_size=40))
def test_any_series_gives_a_drawing_inside_its_box(values):
    root = parsed(charts.sparkline(values, label="x"))
    for node in root.iter(f"{SVG}circle"):
        assert -1 <= float(node.get("cx") or 0) <= 141
        assert -1 <= float(node.get("cy") or 0) <= 29


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
@example(low=0.3, span=1e-06)
def test_ticks_lie_in_their_range(low, span):
    found = ticks(low, low + span)
    assert all(low - 1e-9 * abs(low) - 1e-9 <= tick <= low + span for tick in found)
    assert found == sorted(found)
