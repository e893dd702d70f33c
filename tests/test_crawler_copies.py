"""One story, many copies: what is joined, what is not, and that no order or trick changes it."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.copies import mark_duplicates
from crawler.dedupe import Text, find_duplicates
from store import Store
from store.records import Document, Source
from tests.planted import START, body, document, edited, planted

HANZI = [chr(code) for code in range(0x4E00, 0x5200)]


def joined(*tokens: str) -> str:
    return " ".join(tokens)


def test_planted_copies_are_found_and_nothing_else():
    rows, truth = planted(2_000, 1_000)
    found = find_duplicates(rows)
    right = sum(truth.get(copy) == first for copy, first in found.items())
    assert right / len(truth) >= 0.99
    assert right / len(found) >= 0.99


def test_copies_edited_by_a_tenth_are_found():
    rows, truth = planted(200, 100, share=0.1)
    assert len(find_duplicates(rows).items() & truth.items()) >= 95


def test_a_copy_of_a_copy_belongs_to_the_first():
    chance = random.Random(3)
    tokens = body(chance, 300)
    rows = [document("first", joined(*tokens))]
    rows += [
        document(f"copy{n}", joined(*edited(tokens, 0.05, chance)), hours=n, source_id=str(n))
        for n in range(1, 6)
    ]
    assert set(find_duplicates(rows).items()) == {(f"copy{n}", "first") for n in range(1, 6)}


@pytest.mark.parametrize(("hours", "expected"), [(72, {"late": "first"}), (24 * 7 + 1, {})])
def test_a_copy_may_be_days_late_but_no_week(hours, expected):
    tokens = body(random.Random(1), 200)
    late = joined(*edited(tokens, 0.05, random.Random(2)))
    rows = [document("first", joined(*tokens)), document("late", late, hours=hours)]
    assert find_duplicates(rows) == expected


def test_the_same_post_every_day_is_a_new_story_each_week():
    rows = [
        document(f"{day:02d}", "What are your moves for tomorrow?", hours=24 * day, title="Daily")
        for day in range(17)
    ]
    found = find_duplicates(rows)
    assert {row.id for row in rows} - found.keys() == {"00", "08", "16"}


def test_a_chinese_near_copy_is_found_and_another_story_is_not():
    chance = random.Random(5)
    first, other = chance.choices(HANZI, k=200), chance.choices(HANZI, k=200)
    changed = [chance.choice(HANZI) if chance.random() < 0.04 else char for char in first]
    rows = [
        document("a", "".join(first), language="zh"),
        document("b", "本报讯：" + "".join(changed), language="zh", hours=3),
        document("c", "".join(other), language="zh", hours=4),
        document("d", "，".join(map("".join, (first[:100], first[100:]))), language="zh", hours=5),
    ]
    assert find_duplicates(rows) == {"b": "a", "d": "a"}


@pytest.mark.parametrize("summary_first", [True, False], ids=["summary first", "full text first"])
def test_a_summary_inside_a_full_text_of_another_source(summary_first):
    tokens = body(random.Random(8), 600)
    full = document("full", joined(*tokens), source_id="a", hours=2 * summary_first)
    short = document("short", joined(*tokens[:55]), source_id="b", hours=1)
    expected = {"full": "short"} if summary_first else {"short": "full"}
    assert find_duplicates([full, short]) == expected


def test_two_different_short_posts_are_two_stories():
    rows = [
        document("a", "Gold down nine per cent on the day, silver far more", title="x"),
        document("b", "Gold down eight per cent on the day, silver far more", title="x", hours=1),
        document("c", "黄金大跌九个百分点", title="x", language="zh"),
        document("d", "黄金大跌八个百分点", title="x", language="zh", hours=1),
    ]
    assert find_duplicates(rows) == {}


@pytest.mark.parametrize("place", [-1, 5], ids=["before both", "after both"])
def test_a_text_that_holds_two_stories_does_not_join_them(place):
    chance = random.Random(11)
    first, second = body(chance, 300), body(chance, 300)
    rows = [
        document("first", joined(*first)),
        document("second", joined(*second), hours=1),
        document("hostile", joined(*first, *second), hours=place),
        document("copy", joined(*edited(second, 0.03, chance)), hours=9),
    ]
    found = find_duplicates(rows)
    story = {row.id: found.get(row.id) or row.id for row in rows}
    assert story["first"] != story["second"]
    assert story["copy"] == story["second"]


def test_a_chain_of_small_changes_does_not_drift_into_another_story():
    chance = random.Random(13)
    start, end = body(chance, 300), body(chance, 300)
    rows = [
        document(f"{step:02d}", joined(*end[: 30 * step], *start[30 * step :]), hours=step)
        for step in range(11)
    ]
    found = find_duplicates(rows)
    assert found["01"] == "00"
    assert found.get("10") != "00"
    assert len(rows) - len(found) > 1


def test_a_notice_in_place_of_articles_is_no_copy():
    notice = joined(*body(random.Random(2), 60))
    rows = [
        document(f"{n}", notice, title=f"A headline of its own, number {n}", source_id="outlet")
        for n in range(3)
    ]
    assert find_duplicates(rows) == {}
    # Another outlet with the same words and headline is one.
    rows.append(replace(rows[0], id="wire", source_id="other", effective_at=START + timedelta(1)))
    assert find_duplicates(rows) == {"wire": "0"}


def test_hundreds_of_texts_from_one_template_hide_no_copy():
    chance = random.Random(17)
    frame = body(chance, 60)
    rows = [
        document(f"t{n:03d}", joined(*frame, *body(chance, 60)), hours=n / 100) for n in range(400)
    ]
    tokens = body(chance, 200)
    rows += [
        document("first", joined(*tokens)),
        document("late", joined(*edited(tokens, 0.05, chance)), hours=90),
    ]
    assert find_duplicates(rows) == {"late": "first"}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(seed):
    rows, _ = planted(30, 20, seed=4)
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert find_duplicates(shuffled) == find_duplicates(rows)


# -- the store's side -----------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.db", create=True) as opened:
        with opened.transaction():
            opened.sources.sync([Source(id="wire", kind="feed", url="https://wire.example/feed")])
        yield opened


def add(store: Store, rows: list[Text]) -> None:
    run = store.runs.begin("crawl", now=START)
    store.documents.add(
        [
            Document(
                id=row.id,
                source_id="wire",
                guid=row.id,
                entry_key=row.id,
                url=None,
                canonical_url=None,
                title=row.title,
                text=row.text,
                author=None,
                language=row.language,
                published_at=row.published_at,
                first_seen_at=row.effective_at,
                effective_at=row.effective_at,
                date_source="feed",
                content_hash=row.id,
            )
            for row in rows
        ],
        run.id,
    )


def marked(store: Store) -> dict[str, str]:
    return dict(
        tuple(row)
        for row in store.db.execute(
            "SELECT id, duplicate_of FROM documents WHERE duplicate_of IS NOT NULL"
        )
    )


def test_night_by_night_gives_what_all_at_once_gives(store):
    rows, _ = planted(60, 40)
    nights: dict[int, list[Text]] = {}
    for row in rows:
        night = int((row.effective_at - START) / timedelta(days=1))
        at = START + timedelta(days=night + 1)
        nights.setdefault(night, []).append(replace(row, effective_at=at))
    for _, night_rows in sorted(nights.items()):
        add(store, night_rows)
        mark_duplicates(store, night_rows[0].effective_at)
    assert marked(store) == find_duplicates([row for rows in nights.values() for row in rows])
    assert len(marked(store)) >= 38


def test_marking_twice_changes_nothing(store):
    rows, truth = planted(20, 10)
    add(store, rows)
    assert mark_duplicates(store, START) == 10
    assert marked(store) == truth
    assert mark_duplicates(store, START) == 0


def test_an_archive_that_holds_the_original_takes_its_copies_along(store):
    tokens = body(random.Random(1), 200)
    chance = random.Random(2)
    add(
        store,
        [document(f"copy{n}", joined(*edited(tokens, 0.03, chance)), hours=n) for n in (5, 6)],
    )
    mark_duplicates(store, START)
    assert marked(store) == {"copy6": "copy5"}
    add(store, [document("original", joined(*tokens), hours=1)])
    mark_duplicates(store, START + timedelta(hours=1))
    assert marked(store) == {"copy5": "original", "copy6": "original"}


def test_reach_counts_copies_and_intensity_counts_stories(store):
    rows, truth = planted(5, 3)
    add(store, rows)
    mark_duplicates(store, START)
    stories = store.db.execute("SELECT count(*), sum(reach) FROM stories").fetchone()
    assert tuple(stories) == (5, 8)
    assert len(truth) == 3
