"""The verb ``check``: a text in, verdicts with their figures out."""

import json
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from api.cli import cli
from store import Store
from tests.align_store import bars_of
from tests.worlds.claims import LAST, assets, prices

NOW = datetime(2026, 2, 1, tzinfo=UTC)
TEXT = "Gold plummeted. Gold demand fell.\n黄金可能上涨10%。"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("check") / "t.db"
    table = prices({("IDX_GOLD", LAST): -0.1})
    rows = table[table["date"] >= "2024-01-01"].to_dict("records")
    with Store.open(path, create=True) as store:
        run = store.runs.begin("prices", now=NOW)
        with store.transaction():
            store.assets.sync(assets())
            store.prices.add(bars_of(rows), run.id)
            run.finish(now=NOW)
    return path


def check(*words, **options):
    return CliRunner().invoke(cli, ["check", *map(str, words)], **options)


def test_a_text_becomes_a_table(database, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text(TEXT, encoding="utf-8")
    result = check(database, file, "--date", "2026-01-30")
    assert result.exit_code == 0
    first, verdict, *_ = result.stdout.splitlines()
    assert first.strip() == "1. “Gold plummeted”"
    assert "2026-01-30  supported: Gold fell 10.0 % on 30 January 2026" in verdict
    assert "demand, which no stored series gives" in result.stdout


def test_json_has_a_line_per_claim_and_day_with_the_rows_behind_it(database):
    days = ("--date", "2026-01-29", "--date", "2026-01-30:2")
    result = check(database, "--json", *days, input="Gold plummeted.")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["date"], line["sessions"]) for line in lines] == [
        ("2026-01-29", 1),
        ("2026-01-30", 2),
    ]
    assert [line["verdict"] for line in lines] == ["contradicted", "supported"]
    figure = lines[1]["figures"][0]
    assert (figure["asset"], figure["date"], figure["unit"]) == ("IDX_GOLD", "2026-01-30", "return")
    assert figure["known_at"] == "2026-01-30T21:00:00Z"
    with Store.open(database, read_only=True) as store:
        assert date(2026, 1, 30) in store.prices.latest("IDX_GOLD")


def test_without_a_date_it_is_the_last_day_known(database):
    (line,) = check(database, "--json", input="Gold plummeted.").stdout.splitlines()
    assert json.loads(line)["date"] == "2026-01-30"
    before = check(database, "--json", "--as-of", "2026-01-29T23:00:00Z", input="Gold plummeted.")
    found = json.loads(before.stdout)
    assert (found["date"], found["verdict"]) == ("2026-01-29", "contradicted")


def test_a_text_without_claims_says_so_on_stderr(database):
    result = check(database, input="Nothing of the kind.")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no statement" in result.stderr


def test_what_is_beyond_the_limits_of_a_text_is_told(database, monkeypatch):
    monkeypatch.setattr("nlp.claims.MAX_CLAIMS", 2)
    monkeypatch.setattr("nlp.claims.MAX_CHARS", 40)
    result = check(database, input="Gold fell. Silver fell. Stocks fell. Oil rose. Copper rose.")
    assert result.exit_code == 0
    assert "only the first 40 of 59 characters" in result.stderr
    assert "more than the 2 statements" in result.stderr


def test_an_empty_file_holds_no_statement(database, tmp_path):
    (tmp_path / "empty.txt").touch()
    result = check(database, tmp_path / "empty.txt")
    assert (result.exit_code, result.stdout) == (0, "")


@pytest.mark.parametrize("time", ["soon", "0001-01-01T00:00:00+14:00"])
def test_a_bad_as_of_is_usage(database, time):
    result = check(database, "--as-of", time, input="Gold fell.")
    assert result.exit_code == 2
    assert "is no ISO time" in result.stderr


@pytest.mark.parametrize(
    "day", ["yesterday", "2026-01-30:0", "2026-01-30:999", "2026-01-30:x", "9999-12-31"]
)
def test_a_bad_date_is_usage(database, day):
    assert check(database, "--date", day, input="Gold fell.").exit_code == 2


def test_a_file_that_is_missing_or_no_utf_8_is_usage(database, tmp_path):
    assert check(database, tmp_path / "none.txt").exit_code == 2
    (tmp_path / "x.txt").write_bytes(b"Gold \xff fell")
    result = check(database, tmp_path / "x.txt")
    assert result.exit_code == 2
    assert "not UTF-8 at byte 5" in result.stderr


def test_a_store_without_prices_is_exit_1_and_says_what_to_do(tmp_path):
    Store.open(tmp_path / "e.db", create=True).close()
    result = check(tmp_path / "e.db", input="Gold fell.")
    assert result.exit_code == 1
    assert "tapestory prices" in result.stderr
