"""The evidence gate: a report passes whole, and one that says anything else is refused."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from api.errors import EvidenceError
from api.report import build_report, check, render, render_json, render_markdown, write_report
from api.report.citations import move_row, share_rows
from api.report.facts import Fact, Name, Said, Stored, fact, say, sentences_of
from api.report.figures import Number, dates_in, numbers_in, without
from api.report.gate_markdown import check_markdown
from api.report.gate_stored import with_rows
from store import Store
from store.errors import StoreError
from store.evidence import Between, Where, cited
from store.publish import publish, snapshot_path

NOW = datetime(2026, 2, 1, tzinfo=UTC)
FRIDAY = date(2026, 1, 30)


@pytest.fixture
def store(sample_path):
    with Store.open(sample_path, read_only=True) as opened:
        yield opened


@pytest.fixture
def report(store):
    return build_report(store, "2026-W05", now=NOW)


def with_bullet(report, sentence):
    return replace(report, summary=[*report.summary, sentence])


def refused(report, store, match):
    with pytest.raises(EvidenceError, match=match) as caught:
        check(report, store, now=NOW)
    assert "nothing was written" in str(caught.value)
    return caught.value


@pytest.mark.parametrize("week", ["2026-W03", "2026-W04", "2026-W05"])
def test_the_report_of_every_week_passes(store, week):
    report = build_report(store, week, now=NOW)
    check(report, store, now=NOW)
    check_markdown(render_markdown(report), report)


def test_every_sentence_of_the_short_list_can_be_checked(report):
    assert all(isinstance(one, (Said, Stored)) for one in (report.headline, *report.summary))
    assert len(list(sentences_of(report))) > 25


# -- seeded sentences that are not faithful ------------------------------------------


def silver(value, *, asset="SLV", name="Silver ETF"):
    return say(
        "{name} {moved} {size}",
        name=Name(kind="asset", id=asset, words=name),
        moved=fact(value, "moved", "row", move_row(FRIDAY, "SLV", "change")),
        size=fact(value, "size_return", "row", move_row(FRIDAY, "SLV", "change")),
    )


def test_a_faithful_bullet_passes(report, store):
    check(with_bullet(report, silver(-0.285)), store, now=NOW)


def test_a_wrong_number_is_refused(report, store):
    error = refused(with_bullet(report, silver(-0.385)), store, "says '38.5 %' where")
    assert error.sentence == "Silver ETF fell 38.5 %."


def test_a_wrong_direction_is_refused(report, store):
    refused(with_bullet(report, silver(0.285)), store, "says 'rose' where")


def test_a_number_without_a_fact_is_refused(report, store):
    refused(with_bullet(report, say("silver fell 28.5 %")), store, "a number without a fact")


def test_words_that_are_not_the_value_are_refused(report, store):
    made = fact(-0.285, "size_return", "row", move_row(FRIDAY, "SLV", "change"))
    bullet = say("silver fell {size}", size=replace(made, words="nearly a third"))
    refused(with_bullet(report, bullet), store, "nearly a third")


def test_the_right_number_of_the_wrong_narrative_is_refused(report, store):
    told = report.told[0]
    share = share_rows(told.narrative_id, report.week.sessions)
    other = report.told[-1]
    bullet = say(
        "“{name}” was told most ({share})",
        name=Name(kind="narrative", id=other.narrative_id, words=other.name),
        share=fact(told.share, "percent", "mean", share),
    )
    refused(with_bullet(report, bullet), store, "which its rows are not about")


def test_the_right_number_of_the_wrong_asset_is_refused(report, store):
    bullet = silver(-0.285, asset="GLD", name="Gold ETF")
    refused(with_bullet(report, bullet), store, "'Gold ETF', which its rows are not about")


def test_a_name_that_is_not_the_stored_one_is_refused(report, store):
    refused(with_bullet(report, silver(-0.285, name="Platinum")), store, "not its stored name")


def test_a_name_written_into_a_template_is_refused(report, store):
    bullet = say("nobody spoke of Bitcoin")
    refused(with_bullet(report, bullet), store, "names 'Bitcoin' without citing")


def test_a_fact_of_rows_that_are_not_there_is_refused(report, store):
    row = move_row(date(2026, 1, 29), "SLV", "change")
    bullet = say("something fell {size}", size=fact(-0.2, "size_return", "row", row))
    refused(with_bullet(report, bullet), store, "rows that are not there")


@pytest.mark.parametrize(
    ("rule", "form", "column"),
    [("sum", "plain", "stories"), ("count", "plain", "stories"), ("mean", "percent", "share"),
     ("low", "percent", "share"), ("high", "percent", "share")],
)  # fmt: skip
def test_each_rule_is_made_again_from_the_rows(report, store, rule, form, column):
    rows = share_rows(report.told[0].narrative_id, report.week.sessions)
    rows = replace(rows, column=column)
    bullet = say("it is {value}", value=fact(0.987, form, rule, rows))
    refused(with_bullet(report, bullet), store, f"where the {rule} of")


def test_a_count_that_is_made_again_has_to_agree(report, store):
    (bullet,) = [one for one in report.leads.quality if "were labelled" in one]
    part = bullet.clauses[0].parts["labelled"]
    assert isinstance(part, Fact)
    check(with_bullet(report, say("{n} were labelled", n=part)), store, now=NOW)
    wrong = say("{n} were labelled", n=replace(part, words="99 documents"))
    refused(with_bullet(report, wrong), store, "99 documents")


# -- quotes --------------------------------------------------------------------------


def with_quote(report, **changes):
    first, *rest = report.disputes
    quote = replace(first.quotes[0], **changes)
    return replace(report, disputes=[replace(first, quotes=[quote]), *rest])


def test_a_quote_that_is_not_in_its_document_is_refused(report, store):
    refused(with_quote(report, quote="The moon moved it."), store, "does not stand in document")


def test_a_quote_of_a_document_without_the_narrative_is_refused(report, store):
    narrative = report.disputes[0].narrative_id
    found = store.db.execute(
        "SELECT d.id, d.title FROM documents d WHERE d.id NOT IN"
        " (SELECT document_id FROM labels WHERE narrative_id = ?) AND d.id IN"
        " (SELECT document_id FROM labels) ORDER BY d.id LIMIT 1", [narrative],
    ).fetchone()  # fmt: skip
    changed = with_quote(report, document_id=found[0], quote=found[1])
    refused(changed, store, f"quoted for '{narrative}', which no label")


# -- stored sentences ----------------------------------------------------------------


def tampered(store, change):
    """Change the stored answer for Friday, as a hand on the database would."""
    (text,) = store.db.execute(
        "SELECT document FROM explanations WHERE date = '2026-01-30'"
    ).fetchone()
    answer = json.loads(text)
    change(answer)
    store.db.execute(
        "UPDATE explanations SET document = ?, premise = ? WHERE date = '2026-01-30'",
        [json.dumps(answer, ensure_ascii=False), answer["premise"]],
    )
    store.db.conn.commit()
    return build_report(store, "2026-W05", now=NOW)


@pytest.mark.parametrize(
    ("said", "instead"),
    [("-28.5 %", "-38.5 %"), ("(-11.7 sigma)", "(-12.7 sigma)"), ("-10.3 %", "-28.5 %")],
    ids=["change", "sigma", "change of another asset"],
)
def test_a_premise_that_was_tampered_with_is_refused(mine, tmp_path, said, instead):
    def change(answer):
        answer["premise"] = answer["premise"].replace(said, instead)

    refused(tampered(mine, change), mine, "stored sentence")
    with pytest.raises(EvidenceError):
        write_report(mine, "2026-W05", tmp_path / "out", ["html"], NOW)
    assert not (tmp_path / "out").exists()


def test_a_premise_is_that_of_its_day(report, store):
    words = Stored("Silver ETF rose.", day=FRIDAY, part="premise")
    refused(with_bullet(report, words), store, "is not the premise stored for 2026-01-30")
    words = Stored("Silver ETF rose.", day=date(2026, 1, 29), part="premise")
    refused(with_bullet(report, words), store, "not stored")


def test_none_of_these_counts_the_suspects(mine):
    def change(answer):
        answer["none_of_these"] = "not one of 13 narratives has two lines"

    refused(tampered(mine, change), mine, "'13', which no row")


def test_moves_that_differ_from_their_rows_are_refused(mine):
    report = build_report(mine, "2026-W05", now=NOW)
    mine.db.execute("UPDATE moves SET change = -0.4 WHERE asset_id = 'QQQ'")
    mine.db.conn.commit()
    refused(report, mine, "the change of 'QQQ'")


# -- cells ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE prices SET close = close * 1.1 WHERE asset_id = 'BTC'",
        "UPDATE intensity SET stories = stories + 1 WHERE narrative_id = 'recession'",
        "UPDATE suspects SET part_timing = 0.9 WHERE narrative_id = 'tariffs'",
        "UPDATE alignments SET effect = 0.9 WHERE lag = 1",
        "UPDATE documents SET source_id = 'wire-east'",
        "DELETE FROM labels",
    ],
    ids=lambda words: words.split("WHERE", maxsplit=1)[0],
)
def test_a_table_that_is_not_its_rows_is_refused(mine, statement):
    report = build_report(mine, "2026-W05", now=NOW)
    check(report, mine, now=NOW)
    mine.db.execute(statement)
    mine.db.conn.commit()
    refused(report, mine, "store|rows|quoted|says")


def test_prose_of_the_finished_markdown_is_held_to_the_same(report):
    markdown = render_markdown(report)
    for line in ("Silver lost 77.7 % in all.", "It began on 3 March 2025.", "### Then 77 days"):
        with pytest.raises(EvidenceError, match="no checked sentence has"):
            check_markdown(markdown.replace("## In short", f"## In short\n\n{line}"), report)
    check_markdown(f"{markdown}\n\nWilson's 99.9 % is of the method.\n", report)


# -- numbers in texts ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("fell 28.5 % (-11.7 sigma)", [Number("28.5", "%"), Number("-11.7", "σ")]),
        ("+2.0 bp, 0.6 points", [Number("+2.0", "bp"), Number("0.6", "points")]),
        ("the 93rd percentile", [Number("93", "th")]),
        ("4,536 cells", [Number("4536")]),
        ("the 10-year yield", [Number("10")]),
        ("on 30 January 2026, 21:00 UTC", []),
        ("2026-W05 and 2026-01-30", [Number("2026"), Number("05")]),
        ("no number", []),
        ("−0.3\u00a0%", [Number("-0.3", "%")]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_are_read_with_sign_and_unit(text, wanted):
    assert numbers_in(text) == wanted


def test_dates_are_read_apart():
    assert dates_in("30 Jan 2026 to 2 February, 2026-03-04") == [
        (2026, 1, 30), (None, 2, 2), (2026, 3, 4),
    ]  # fmt: skip


def test_longer_names_are_taken_out_first():
    assert without("the S&P 500 ETF rose", ["S&P 500", "S&P 500 ETF"]).split() == ["the", "rose"]


def test_sentences_on_analogs_without_rows_are_left_out():
    statement = (
        "The move over one session is larger than 98 % of those before it. Nearest in shape is A"
        " (cosine 0.78). Nearest large days of any kind: 7 June 2024 (0.93)."
    )
    assert with_rows(statement) == "Nearest in shape is A (cosine 0.78)."


# -- rows ----------------------------------------------------------------------------


def test_only_listed_tables_and_plain_columns_can_be_cited(store):
    with pytest.raises(StoreError, match="no table 'sqlite_master'"):
        cited(store.db, "sqlite_master", ["name"], {})
    with pytest.raises(StoreError, match="no column"):
        cited(store.db, "moves", ["1; DROP TABLE moves"], {})


def test_rows_are_found_by_value_list_range_and_null(store):
    where = {"day": ["2026-01-29", "2026-01-30"], "narrative_id": "tariffs"}
    assert len(cited(store.db, "intensity_latest", ["day"], where)) == 2
    between: Where = {"day": Between("2026-01-29", "2026-01-30"), "narrative_id": "tariffs"}
    assert len(cited(store.db, "intensity_latest", ["day"], between)) == 1
    everything = cited(store.db, "documents", ["id"], {})
    assert len(cited(store.db, "documents", ["id"], {"duplicate_of": None})) < len(everything)


# -- what else reads a report --------------------------------------------------------


def test_json_lists_the_rows_behind_each_sentence(report):
    document = render_json(report)
    by_text = {one["text"]: one["facts"] for one in document["evidence"]}
    facts = by_text[str(report.headline)]
    assert {one["rows"][0]["table"] for one in facts} == {"moves", "intensity_latest"}
    assert any(one["words"] == "28.5 %" for one in facts)
    assert document["review"]["day"] is None or document["review"]["last"]
    assert document["outside"]["stories"] == report.outside.stories


@pytest.mark.parametrize("kind", ["html", "md", "pdf", "json"])
def test_a_published_snapshot_gives_the_same_report(sample_path, store, tmp_path, kind):
    copy = tmp_path / "t.db"
    copy.write_bytes(sample_path.read_bytes())
    with Store.open(copy) as writing:
        publish(writing)
    with Store.open(snapshot_path(copy), read_only=True) as snapshot:
        assert render(snapshot, "2026-W05", kind, now=NOW) == render(
            store, "2026-W05", kind, now=NOW
        )
