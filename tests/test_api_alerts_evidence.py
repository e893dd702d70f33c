"""What an alert says rests on rows that are there, and a replay sees what the nights saw."""

import re

from api.alerts.run import replay
from store import Store
from tests.alert_world import (
    IDS,
    SETTINGS,
    arrivals_of,
    crawled,
    explained,
    keep,
    listed,
    look,
    night,
    planted,
    sessions,
    sided,
)
from tests.sample_world import NARRATIVES


def printed(value):
    """Return the ways in which a stored number may stand in a sentence."""
    if isinstance(value, str) or value is None:
        return set()
    forms = {f"{value:g}", f"{value:,}", f"{value:.1f}", f"{value:.2f}", f"{value:.3f}"}
    forms |= {f"{100 * value:.1f}", f"{100 * value:g}"}
    return forms | {form.lstrip("-") for form in forms}


def test_every_number_of_an_alert_is_among_those_of_its_evidence(tmp_path):
    days = sessions(70)
    planted(tmp_path / "t.db", loud={"tariffs": days[-1:], "dollar-policy": days[-2:]})
    with Store.open(tmp_path / "t.db") as store:
        run = store.runs.begin("align", now=night(days[-1]))
        sided(store, run, "recession", days[-25:-5], 1, 3)
        sided(store, run, "recession", days[-5:], 4, 1)
        crawled(store, arrivals_of(days, quiet=IDS[:2], last=62))
        keep(store, explained(days[-2], leading=True))
        keep(store, explained(days[-1], leading=False))
        look(store, days[-1], sources=IDS)
        found = [(alert, one) for alert in listed(store) for one in alert["findings"]]
    names = [narrative.name for narrative in NARRATIVES] + [f"Desk {n}" for n in range(5)]
    names += ["S&P 500 ETF", "Nasdaq 100 ETF"]
    for alert, one in found:
        text = f"{alert['title']} {one['statement']}"
        # Dates and times are those of the session and of the look.
        text = re.sub(r"\d{1,2} [A-Z][a-z]{2} \d{4}(, \d\d:\d\d UTC)?", "", text)
        for name in names:
            text = text.replace(name, "")
        allowed = {"5", "20"}.union(*(printed(value) for value in one["numbers"].values()))
        allowed |= {"0.001"} if (one["numbers"].get("seen") or 1) < 0.001 else set()
        if alert["title"] != one["title"]:
            allowed = allowed.union(
                *(printed(value) for f in alert["findings"] for value in f["numbers"].values())
            )
        for number in re.findall(r"\d+(?:[.,]\d+)*", text):
            assert number in allowed, (number, text)
        assert one["rows"]
        assert one["path"].startswith("/")
    assert {one["rule"] for _, one in found} == {
        "innovation", "stance_flip", "suspect", "source_quiet",
    }  # fmt: skip


def test_the_rows_that_an_alert_rests_on_exist_and_its_quotes_are_stored_text(tmp_path):
    days = sessions(70)
    planted(tmp_path / "t.db", loud={"tariffs": days[-1:]})
    with Store.open(tmp_path / "t.db") as store:
        look(store, days[-1])
        ((found,),) = (alert["findings"] for alert in listed(store))
        for row in found["rows"]:
            where = " AND ".join(f'"{column}" = ?' for column in row["key"])
            sql = f"SELECT count(*) FROM {row['table']} WHERE {where}"
            assert store.db.execute(sql, list(row["key"].values())).fetchone()[0] >= 1
        assert len(found["quotes"]) == 3
        assert {quote["stance"] for quote in found["quotes"]} == {"favor", "against", "none"}
        for quote in found["quotes"]:
            assert quote["quote"] in store.documents.get(quote["document_id"]).text


def test_a_document_that_its_author_deleted_is_quoted_no_more(tmp_path):
    days = sessions(70)
    planted(tmp_path / "t.db", loud={"tariffs": days[-1:]})
    with Store.open(tmp_path / "t.db") as store:
        look(store, days[-1])
        gone = listed(store)[0]["findings"][0]["quotes"][0]["document_id"]
        store.documents.withdraw([gone], at=night(days[-1]))
        (found,) = listed(store)[0]["findings"]
        assert len(found["quotes"]) == 2
        assert gone not in str(found)
        assert found["numbers"]["stories"] == 8


def test_a_replay_writes_nothing_and_sees_what_the_nights_saw(tmp_path):
    loud = sessions(70)[40:44]
    days = planted(tmp_path / "t.db", loud={"tariffs": loud, "recession": loud[:1]})
    with Store.open(tmp_path / "t.db") as store:
        before = list(store.db.conn.iterdump())
        now = night(days[-1])
        replayed = {
            change.alert.id
            for _, changes in replay(store, SETTINGS, [], days[30], days[50], now=now)
            for change in changes
        }
        assert list(store.db.conn.iterdump()) == before
        for day in days[30:51]:
            look(store, day)
        assert {alert["id"] for alert in listed(store)} == replayed
