"""The JSON of pages and commands is what its schema says, and every field is described."""

import asyncio
import json
import os
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import get_args, get_type_hints
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker

from api import schemas
from api.alerts.run import evaluate
from api.alerts.settings import parse_alerts
from api.browse.app import make_datasette
from api.browse.routes import PAGES
from api.cli import cli
from api.report.facts import Rule
from api.source_status import Trouble
from store import Store
from store.errors import NotFoundError
from store.publish import publish, snapshot_path
from store.records import Narrative, setting, vocabulary
from tests import align_world
from tests.alert_world import night, planted, sessions
from tests.align_store import fill
from tests.align_world import CRASH, NOW
from tests.sample_store import empty_store, populated_store
from tests.sample_topics import fill_topics

OWNERS = {name: schemas.schema(name) for name in schemas.NAMES}
PARTS = {**OWNERS, **schemas.shapes()}
FORMATS = FormatChecker(formats=())
LITERALS = {
    "alert_rule": vocabulary.AlertRule,
    "asset_class": vocabulary.AssetClass,
    "asset_unit": vocabulary.AssetUnit,
    "blame_basis": setting.BlameBasis,
    "cell_status": vocabulary.CellStatus,
    "change_unit": vocabulary.ChangeUnit,
    "confirmation_status": vocabulary.ConfirmationStatus,
    "date_source": vocabulary.DateSource,
    "drift_kind": vocabulary.DriftKind,
    "episode_kind": vocabulary.EpisodeKind,
    "fact_rule": Rule,
    "falsifier_operator": vocabulary.FalsifierOperator,
    "falsifier_score": vocabulary.FalsifierScore,
    "falsifier_statistic": vocabulary.FalsifierStatistic,
    "named_by": vocabulary.NamedBy,
    "outcome": vocabulary.Outcome,
    "passage_part": vocabulary.PassagePart,
    "price_basis": setting.PriceBasis,
    "run_status": vocabulary.RunStatus,
    "source_kind": vocabulary.SourceKind,
    "source_status": vocabulary.SourceStatus,
    "stage": vocabulary.Stage,
    "stance": vocabulary.Stance,
    "suspect_status": vocabulary.SuspectStatus,
    "tagging_outcome": vocabulary.TaggingOutcome,
    "topic_event": vocabulary.TopicEvent,
    "topic_status": vocabulary.TopicStatus,
    "topic_trend": vocabulary.TopicTrend,
    "trouble": Trouble,
    "verdict": vocabulary.Verdict,
}


@FORMATS.checks("date", raises=ValueError)
def is_day(value):
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@FORMATS.checks("date-time", raises=ValueError)
def is_instant(value):
    if not isinstance(value, str):
        return True
    return datetime.fromisoformat(value).strftime("%Y-%m-%dT%H:%M:%SZ") == value


VALIDATORS = {
    name: Draft202012Validator(one, format_checker=FORMATS) for name, one in OWNERS.items()
}


def faults(name, document):
    return [f"{name} {one.json_path}: {one.message[:200]}" for one in
            VALIDATORS[name].iter_errors(document)]  # fmt: skip


class Site:
    """The pages of a snapshot, each answer checked against its schema."""

    def __init__(self, path):
        self.pages = make_datasette(path)
        self.asked = {}

    def get(self, path):
        return asyncio.run(self.pages.client.get(path))

    def ask(self, path, name, status=200):
        answer = self.get(path)
        assert answer.status_code == status, path
        assert f'/schema/{name}.json>; rel="describedby"' in answer.headers["link"]
        found = answer.json()
        assert faults(name, found) == [], path
        self.asked[name] = self.asked.get(name, 0) + 1
        return found

    def rows(self, sql):
        found = asyncio.run(self.pages.get_database("tapestory").execute(sql))
        return [row[0] for row in found.rows]

    def ask_all(self, days=2, documents=60, others=60):
        home = self.ask("/home.json", "home")
        for day in home["open_days"] + home["missing_days"]:
            self.ask(f"/home.json?day={day}", "home")
        sql = "SELECT date FROM explanations WHERE days = 1 ORDER BY date DESC"
        self.ask_each("day", f"{sql} LIMIT {days}")
        self.ask_each("narrative", "SELECT id FROM narratives")
        self.ask_each("narrative", "SELECT id FROM narratives", "?window=20&span=250")
        self.ask_each("asset", f"SELECT id FROM assets LIMIT {others}")
        self.ask_each("document", f"SELECT id FROM documents ORDER BY number LIMIT {documents}")
        self.ask_each("document", "SELECT DISTINCT document_id FROM revisions LIMIT 20")
        self.ask_each("source", f"SELECT id FROM sources LIMIT {others}")
        self.ask_each("alert", "SELECT id FROM alerts")
        self.ask("/topics.json", "topics")
        self.ask_each("topic", "SELECT id FROM topics")
        for query in ("", "?q=metals", "?q=the&order=newest&copies=1", "?q=%E7%BE%8E%E5%85%83"):
            self.ask(f"/search.json{query}", "search")
        self.ask("/alerts.json", "alerts")
        self.ask("/alerts.json?since=2026-01-01", "alerts")
        self.ask("/reports.json", "reports")
        self.ask("/day/1999-01-01.json", "refusal", 404)

    def ask_each(self, name, sql, query=""):
        for id_ in self.rows(sql):
            self.ask(f"/{name}/{quote(id_)}.json{query}", name)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("schemas") / "sample.db"
    populated_store(path)
    with Store.open(path) as store:
        fill_topics(store)
        publish(store)
    return path


@pytest.fixture(scope="module")
def alerted(tmp_path_factory):
    path = tmp_path_factory.mktemp("schemas") / "alerts.db"
    days = sessions(70)
    planted(path, loud={"tariffs": [days[50], days[52], days[-2]], "recession": [days[-1]]})
    with Store.open(path) as store:
        for day in days[48:]:
            evaluate(store, parse_alerts({}, ""), [], now=night(day))
        publish(store)
    return path


def run(*words):
    found = CliRunner().invoke(cli, [str(word) for word in words])
    assert found.exit_code == 0, found.output
    return found.stdout


# -- the schemas themselves ----------------------------------------------------------


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_one_needs_no_other_and_is_not_changed_by_its_reader(name):
    one = schemas.schema(name)
    Draft202012Validator.check_schema(one)
    references = set(schemas.references(one))
    assert references == {f"#/$defs/{key}" for key in one.get("$defs", {})}
    one.clear()
    assert schemas.schema(name) == OWNERS[name]


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(NotFoundError, match=r"no schema '\.\./shapes': there are home, "):
        schemas.schema("../shapes")


def test_every_field_is_described_and_every_description_is_used():
    used = set()
    for owner, part in _own_parts().items():
        for path, field in schemas.fields_of(part):
            used.add(schemas.used(owner, path))
            assert field["description"].endswith("."), (owner, path)
    assert set(schemas.meanings()) == used


def _own_parts():
    """Return each document and each shape once, by name; no two share one."""
    found = dict(schemas.shapes())
    for name, one in OWNERS.items():
        local = {key: part for key, part in one.get("$defs", {}).items() if key not in found}
        assert name not in found
        found |= {name: one, **local}
    return found


def test_every_object_is_closed_but_for_those_that_others_build_on():
    built_on = set()
    for part in _own_parts().values():
        built_on |= {one["$ref"].rpartition("/")[2] for one in _everything(part, "allOf")}
    for owner, part in _own_parts().items():
        for one in _everything(part, None):
            if "properties" in one and not (one is part and owner in built_on):
                closed = {one.get("additionalProperties"), one.get("unevaluatedProperties")}
                assert False in closed, owner
                assert set(one["required"]) == set(one["properties"]), owner
            if one.get("$ref", "").rpartition("/")[2] in built_on:
                assert one.get("unevaluatedProperties") is False, owner


def _everything(part, key):
    """Yield every schema within one; with a key, what stands under that key of each."""
    if isinstance(part, dict):
        if key is None:
            yield part
        for name, value in part.items():
            if name == "$defs":
                continue
            if name == key:
                yield from value
            elif not (key is None and name == "allOf"):
                yield from _everything(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from _everything(value, key)


def test_the_vocabularies_are_those_of_the_code():
    words = {key: part["enum"] for key, part in schemas.shapes().items() if "enum" in part}
    assert words == {key: list(get_args(literal)) for key, literal in LITERALS.items()}
    origins = schemas.shapes()["narrative_line"]["properties"]["origin"]["enum"]
    assert tuple(origins) == get_args(get_type_hints(Narrative)["origin"])


def test_every_page_has_a_schema():
    assert {page.name for page in PAGES} < set(schemas.NAMES)


# -- what is given out ----------------------------------------------------------------


def test_every_page_of_the_sample_is_what_its_schema_says(sample):
    site = Site(snapshot_path(sample))
    site.ask_all()
    assert set(site.asked) >= {page.name for page in PAGES} - {"alert"}
    site.ask("/report/2026-W05.json", "report")
    site.ask("/report/2031-W05.json", "refusal", 404)


def test_an_empty_store_answers_by_the_same_schemas(tmp_path):
    empty_store(tmp_path / "empty.db")
    with Store.open(tmp_path / "empty.db") as store:
        publish(store)
    site = Site(snapshot_path(tmp_path / "empty.db"))
    site.ask_all()
    assert site.asked["home"] == 1


def test_alerts_are_what_their_schema_says(alerted):
    site = Site(snapshot_path(alerted))
    site.ask_all(documents=5)
    assert site.asked["alert"] == 3
    listed = json.loads(run("alerts", alerted, "--json"))
    assert len(listed) == 3
    assert faults("alert_list", listed) == []


def test_commands_print_what_their_schemas_say(sample, tmp_path):
    assert faults("status", json.loads(run("status", sample, "--json"))) == []
    run("report", sample, "--week", "2026-W05", "--out", tmp_path, "--format", "json")
    (written,) = tmp_path.glob("*.json")
    assert faults("report", json.loads(written.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("is_labelled", [True, False])
def test_an_explanation_is_what_its_schema_says(tmp_path, is_labelled):
    said = align_world.talk(sessions=60, sources=4, per_day=4, causal=[("fed-policy", CRASH)])
    prices = align_world.prices({("GLD", CRASH): -4.0, ("SLV", CRASH): -5.0}, sessions=320)
    with Store.open(tmp_path / "a.db", create=True) as store:
        fill(store, said.stories, said.labels if is_labelled else None, prices, now=NOW)
    for days in (1, 3):
        words = ("explain", tmp_path / "a.db", CRASH, "--days", days, "--json", "--as-of", NOW)
        explained = json.loads(run(*words))
        assert faults("explain", explained) == []
        assert bool([one for one in explained["suspects"] if one["quotes"]]) == is_labelled


# -- the tests can fail ---------------------------------------------------------------


def _changed(document, path, value):
    """Return a copy of a document with one value set."""
    found = json.loads(json.dumps(document))
    *way, last = path
    part = found
    for step in way:
        part = part[step]
    part[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["extra"], 1),
        (["explanation", "suspects", 0, "extra"], 1),
        (["explanation", "suspects", 0, "narrative_id"], "a"),
        (["explanation", "suspects", 0, "quotes"], None),
        (["explanation", "suspects", 0, "score"], 1.01),
        (["explanation", "suspects", 0, "status"], "guilty"),
        (["explanation", "moves", 0, "sigma"], "2"),
        (["explanation", "moves", 0, "as_of"], "2026-01-30 21:00"),
        (["explanation", "window", "start"], "30.1.2026"),
        (["intensity", 0, "stories"], None),
        (["intensity", 0, "extra"], None),
        (["told", "fed-policy"], 1.5),
        (["ok"], False),
    ],
)
def test_an_extra_key_or_a_wrong_value_is_found(sample, path, value):
    page = Site(snapshot_path(sample)).ask("/day/2026-01-30.json", "day")
    assert len(faults("day", _changed(page, path, value))) >= 1


def test_a_missing_key_is_found(sample):
    page = Site(snapshot_path(sample)).ask("/home.json", "home")
    for key in page:
        assert faults("home", {name: value for name, value in page.items() if name != key}), key


# -- where a schema can be had ---------------------------------------------------------


def test_the_pages_serve_the_schemas(sample):
    site = Site(snapshot_path(sample))
    link = site.get("/day/2026-01-30.json").headers["link"]
    answer = site.get(link.partition("<")[2].partition(">")[0])
    assert answer.headers["content-type"].partition(";")[0] == "application/schema+json"
    assert answer.json() == OWNERS["day"]
    assert "link" not in site.get("/day/2026-01-30").headers
    refused = site.ask("/-/tapestory/schema/shapes.json", "refusal", 404)
    assert "there are home, " in refused["error"]


def test_the_command_lists_and_prints_the_schemas():
    assert run("schema").split() == list(schemas.NAMES)
    assert json.loads(run("schema", "day")) == OWNERS["day"]
    found = CliRunner().invoke(cli, ["schema", "nothing"])
    assert found.exit_code == 1
    assert "no schema 'nothing': there are home, " in found.stderr


# -- a real store -----------------------------------------------------------------------


@pytest.mark.benchmark
def test_all_days_and_narratives_of_a_real_store(tmp_path):
    """``TAPESTORY_REAL`` names a working database; a copy of it is published and asked."""
    named = os.environ.get("TAPESTORY_REAL")
    if not named:
        pytest.skip("TAPESTORY_REAL names no database")
    path = Path(shutil.copy(named, tmp_path / "real.db"))
    with Store.open(path) as store:
        publish(store)
        weeks = Site(snapshot_path(path)).ask("/reports.json", "reports")["weeks"]
    site = Site(snapshot_path(path))
    site.ask_all(days=100_000, documents=500, others=500)
    for week in weeks[:3]:
        site.ask(f"/report/{week['week']}.json", "report")
    assert faults("status", json.loads(run("status", path, "--json"))) == []
    print(f"\nanswers that are what their schema says: {site.asked}")
