"""Discovered topics and drift in the weekly report: only what its rows bear out, as of the week."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from api import schemas
from api.errors import EvidenceError
from api.report import build_report, check, render, render_html, render_json, render_markdown
from api.report.facts import Name, Rows, fact, say, sentences_of
from api.report.pdf import pdf_values
from api.report.topics import status_then
from store import Store
from store.errors import SchemaError
from store.publish import publish, snapshot_path
from store.records import Topic
from store.topic_weeks import TopicWeeks
from tests.report_topics import NOW, built, paper, write
from tests.sample_topics import DAYS, HOSTILE_LABEL, TOPICS

NEW, ACCEPTED, WATCHED, FADING, _, HOSTILE = (topic.id for topic, _ in TOPICS)
TYPST = '#eval("1+1") #image("/etc/passwd") *bold* $x^2$ <label> [x](javascript:alert(1)) = A | b'


@pytest.fixture(scope="module")
def shared(topics_path):
    with Store.open(topics_path, read_only=True) as store:
        yield store


@pytest.fixture(scope="module")
def report(shared):
    return build_report(shared, "2026-W05", now=NOW)


@pytest.fixture
def own(topics_path, tmp_path):
    copy = tmp_path / "own.db"
    copy.write_bytes(topics_path.read_bytes())
    with Store.open(copy) as store:
        yield store


def ids(group):
    return [line.id for line in group.shown]


# -- what is said --------------------------------------------------------------------


def test_a_proposal_comes_with_figures_quotes_and_the_command(own):
    made = built(own)
    (line,) = made.topics.proposed.shown
    assert line.id == NEW
    assert "19 stories from 2 sources on 6 days" in line.said
    assert "(10.9 % of all stories then); stability 0.81" in line.said
    assert line.accept == f"To follow it as a narrative: tapestory topics accept DB {NEW}"
    assert len({quote.source for quote in line.quotes}) == len(line.quotes) == 2
    for quote in line.quotes:
        stored = own.documents.get(quote.document_id)
        assert quote.quote in (stored.title, stored.text)
        assert quote.published_at == stored.published_at
    assert "1 topic was proposed as a narrative this week." in made.leads.topics


def test_the_short_list_names_it(report):
    (bullet,) = [one for one in report.summary if "topic" in one]
    assert bullet == (
        "New topic proposed as a narrative: “private credit fund redemptions gates” (19 stories"
        " from 2 sources; 10.9 % of all stories of the last seven days)."
    )


def test_each_topic_stands_in_one_place(report):
    groups = (report.topics.proposed, report.topics.emerging, report.topics.growing,
              report.topics.fading, report.topics.weak)  # fmt: skip
    shown = [id_ for group in groups for id_ in ids(group)]
    assert len(shown) == len(set(shown))
    assert (report.topics.emerging.topics, ids(report.topics.emerging)) == (2, [WATCHED])
    assert ids(report.topics.growing) == [ACCEPTED]
    assert ids(report.topics.fading) == [FADING]
    assert report.topics.weak.topics == 1
    assert "lacks stories and sources" in report.topics.emerging.shown[0].said
    assert "accepted as a narrative on 25 Jan 2026" in report.topics.growing.shown[0].said


def test_a_weak_signal_says_what_it_lacks(own):
    write(own, "UPDATE topic_weeks SET trend = 'steady', lacks = '[\"top_source\"]'"
          " WHERE topic_id = ? AND day = '2026-01-31'", WATCHED)  # fmt: skip
    (line,) = built(own).topics.weak.shown
    assert line.id == WATCHED
    assert line.said == (
        "“cocoa harvest blight futures”: 12 stories, 9 in the weeks before, from 4 sources; lacks a"
        " spread over sources."
    )


def test_at_most_five_are_shown_and_all_are_counted(own):
    more = [replace(TOPICS[2][0], id=f"t-2026W05-{10 + n}") for n in range(7)]
    with own.transaction():
        run = own.runs.begin("discover", now=NOW)
        own.topics.save(more, run_id=run.id)
        for topic in more:
            own.db.execute(
                "INSERT INTO topic_weeks SELECT ?, day, stories, sources, days, reassigned, recent,"
                " before, share, top_source, market, stability, npmi, popularity, pvalue, trend,"
                " lacks, run_id FROM topic_weeks WHERE topic_id = ?",
                [topic.id, WATCHED],
            )
        run.finish(now=NOW)
    made = built(own)
    assert (made.topics.emerging.topics, len(made.topics.emerging.shown)) == (9, 5)
    assert "9 topics are emerging" in " ".join(made.leads.topics)
    assert (made.topics.weak.topics, len(made.topics.weak.shown)) == (8, 3)


def test_merges_and_how_sure_it_is(report):
    assert report.topics.turns == [f"“{HOSTILE_LABEL}” became part of “chip export rules”."]
    (sure,) = report.topics.sure
    assert "33 % of the stories lie outside of every group" in sure
    assert "agree at 0.84" in sure
    assert "98 % of the grouped stories of the run before kept their topic" in sure


def test_a_split_is_said(own):
    write(own, "UPDATE topic_changes SET kind = 'split' WHERE kind = 'child'")
    (said,) = built(own).topics.turns
    assert said.endswith("; “cocoa harvest blight futures” was split from “chip export rules”.")


def test_each_language_has_its_run(own):
    write(
        own,
        "INSERT INTO discoveries SELECT day, 'zh', start, stories, 20, 8, 2, 10, 0, NULL, NULL,"
        " NULL, NULL, model, seed, run_id FROM discoveries WHERE day = '2026-01-31'",
    )
    made = built(own)
    assert [run.language for run in made.topics.runs] == ["en", "zh"]
    assert "language zh: of 20 stories" in made.leads.topics[0]
    assert "60 % of the stories" in made.topics.sure[1]


# -- as of the week --------------------------------------------------------------------


def test_a_week_without_a_run_says_so(own):
    write(own, "DELETE FROM discoveries WHERE day = '2026-01-24'")
    made = built(own, "2026-W04")
    assert made.topics.runs == []
    assert "discovery was not run on a day of this week" in made.leads.topics[0].lower()
    assert not ids(made.topics.proposed)
    assert "was not run on a day of this week" in render_html(made)
    assert "was not run on a day of this week" in paper(made)


def test_a_week_in_which_nothing_was_proposed_says_so(shared):
    made = built(shared, "2026-W03")
    assert "None was proposed as a narrative this week." in made.leads.topics
    assert not [one for one in made.summary if "topic" in one]


def test_a_later_run_changes_nothing_but_names(own):
    before = built(own, "2026-W04")
    later = replace(TOPICS[2][0], status="merged", proposed_on=date(2026, 1, 31), parent_id=FADING)
    with own.transaction():
        run = own.runs.begin("discover", now=NOW)
        own.topics.save([later], run_id=run.id)
        run.finish(now=NOW)
    write(own, "INSERT INTO topic_changes SELECT day, kind, ?, other_id, cosine, stories, run_id"
          " FROM topic_changes WHERE kind = 'merge'", WATCHED)  # fmt: skip
    write(own, "UPDATE topic_weeks SET recent = 99 WHERE day = '2026-01-31'")
    after = built(own, "2026-W04")
    assert after.topics == before.topics
    assert ids(built(own).topics.emerging) == []


def test_a_decision_counts_from_the_day_on_which_it_was_made(own):
    write(own, "UPDATE topics SET decided_at = '2026-01-26T08:00:00Z' WHERE id = ?", ACCEPTED)
    (then,) = built(own, "2026-W04").topics.proposed.shown
    assert (then.status, then.accept is None) == ("candidate", False)
    assert "accepted" not in then.said
    (now,) = built(own).topics.growing.shown
    assert now.status == "accepted"
    write(own, "UPDATE topics SET status = 'dismissed' WHERE id = ?", ACCEPTED)
    assert ids(built(own, "2026-W04").topics.proposed) == [ACCEPTED]
    assert ids(built(own).topics.growing) == []


@pytest.mark.parametrize(
    ("changes", "merged_on", "wanted"),
    [
        ({"status": "watched"}, None, "watched"),
        ({"status": "background"}, None, "background"),
        ({"status": "candidate", "proposed_on": date(2026, 1, 24)}, None, "candidate"),
        ({"status": "candidate", "proposed_on": date(2026, 1, 31)}, None, "watched"),
        ({"status": "merged"}, date(2026, 1, 24), "merged"),
        ({"status": "merged"}, date(2026, 1, 31), "watched"),
        ({"status": "accepted", "decided_at": datetime(2026, 1, 26, tzinfo=UTC)}, None, "watched"),
        ({"status": "accepted", "decided_at": datetime(2026, 1, 25, tzinfo=UTC)}, None, "accepted"),
        ({"status": "merged", "decided_at": datetime(2026, 1, 25, tzinfo=UTC)},
         date(2026, 1, 31), "dismissed"),
        ({"status": "dismissed", "found_on": date(2026, 1, 17),
          "decided_at": datetime(2026, 1, 26, tzinfo=UTC)}, None, "background"),
    ],
)  # fmt: skip
def test_the_status_is_that_of_the_weeks_end(changes, merged_on, wanted):
    plain = {"proposed_on": None, "decided_at": None, "found_on": date(2026, 1, 24)}
    topic: Topic = replace(TOPICS[0][0], **(plain | changes))
    assert wanted == status_then(
        topic,
        day=date(2026, 1, 24),
        known_by=datetime(2026, 1, 26, tzinfo=UTC),
        merged_on=merged_on,
        first=DAYS[0],
    )


def test_a_story_that_came_to_the_topic_later_is_not_quoted(own):
    write(own, "UPDATE topic_documents SET joined_on = '2026-02-07' WHERE topic_id = ?", NEW)
    assert built(own).topics.proposed.shown[0].quotes == []
    write(own, "UPDATE topic_documents SET joined_on = '2026-01-17'")
    every = [topic.id for topic, _ in TOPICS]
    found = {row["document_id"] for row in TopicWeeks(own.db).quotes(every, DAYS[0], DAYS[1])}
    assert found
    until = "effective_at < '2026-01-25' AND effective_at >= '2026-01-17'"
    known = {row["id"] for row in own.db.query(f"SELECT id FROM documents WHERE {until}")}
    assert found <= known


def test_a_withdrawn_story_is_not_quoted(own):
    (line,) = built(own).topics.proposed.shown
    gone = line.quotes[0].document_id
    write(own, "UPDATE documents SET withdrawn_at = '2026-01-31T00:00:00Z' WHERE id = ?", gone)
    assert gone not in [one.document_id for one in built(own).topics.proposed.shown[0].quotes]


# -- the gate --------------------------------------------------------------------------


def week_row(column, topic_id=NEW):
    return Rows(
        table="topic_weeks", column=column, where={"topic_id": topic_id, "day": "2026-01-31"}
    )


def bullet(stories=19, *, topic=NEW, words="private credit fund redemptions gates"):
    return say(
        "“{topic}” was told in {stories}",
        topic=Name(kind="topic", id=topic, words=words),
        stories=fact(stories, "stories", "row", week_row("stories")),
    )


def gate(report, store, sentence):
    check(replace(report, summary=[*report.summary, sentence]), store, now=NOW)


def test_a_faithful_bullet_passes(report, shared):
    gate(report, shared, bullet())


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        (bullet(20), "says '20 stories' where"),
        (bullet(topic=WATCHED, words="cocoa harvest blight futures"), "rows are not about"),
        (bullet(words="private credit collapse"), "not its stored name"),
        (say("19 stories tell of a new topic"), "a number without a fact"),
        (say("run {id}", id=fact(f"{NEW}9", "text", "row",
                                 Rows(table="topics", column="id", where={"id": NEW}))),
         "says 't-"),
        (say("it lacks {x}", x=fact('["days"]', "lacking", "row", week_row("lacks", WATCHED))),
         "says 'days' where"),
        (say("{x} lie outside", x=fact(0.1, "percent", "rest", *(
            Rows(table="discoveries", column=column, where={"day": "2026-01-31"})
            for column in ("core", "residual")))), "where the rest of"),
        (say("“{w}” rose", w=fact("bonds", "text", "row", Rows(
            table="drift_terms", column="term",
            where={"day": "2026-01-31", "kind": "word", "term": "bonds"}))), "not there"),
    ],
    ids=["count", "id", "words", "no fact", "command", "rule", "rest", "term"],
)  # fmt: skip
def test_an_unfaithful_bullet_is_refused(report, shared, sentence, why):
    with pytest.raises(EvidenceError, match=why):
        gate(report, shared, sentence)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE topic_weeks SET recent = recent + 1",
        "UPDATE topics SET label = 'another'",
        "UPDATE topics SET words = '[[\"other\", 0.5]]'",
        "UPDATE discoveries SET core = core - 1",
        "UPDATE topic_changes SET other_id = topic_id",
        "UPDATE narrative_drift SET pvalue = 0.001 WHERE pvalue IS NOT NULL",
        "UPDATE topics SET status = 'dismissed'",
        "UPDATE topic_documents SET topic_id = 't-2026W02-05'",
    ],
)
def test_rows_that_changed_are_seen(own, sql):
    made = build_report(own, "2026-W05", now=NOW)
    check(made, own, now=NOW)
    write(own, sql)
    with pytest.raises(EvidenceError):
        check(made, own, now=NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"quote": "The moon moved it."}, "is not what|does not stand"),
     ({"document_id": "0" * 16}, "is not what|not in")],
)  # fmt: skip
def test_a_quote_stands_in_a_story_of_the_topic(report, shared, changes, why):
    line = report.topics.proposed.shown[0]
    line = replace(line, quotes=[replace(line.quotes[0], **changes)])
    group = replace(report.topics.proposed, shown=[line])
    made = replace(report, topics=replace(report.topics, proposed=group))
    with pytest.raises(EvidenceError, match=why):
        check(made, shared, now=NOW)


# -- how it is rendered ------------------------------------------------------------------


@pytest.mark.hostile(36)
@pytest.mark.parametrize("label", [HOSTILE_LABEL, TYPST, "](javascript:alert(1)) <img src=x> `a`"])
def test_a_hostile_label_is_text(own, label):
    words = json.dumps([[label, 0.9]])
    write(own, "UPDATE topics SET label = ?, words = ? WHERE id = ?", label, words, NEW)
    write(own, "UPDATE drift_terms SET term = ? WHERE term = 'yields'", label)
    write(own, "UPDATE narrative_drift SET pvalue = 0.001 WHERE pvalue IS NOT NULL")
    write(own, "UPDATE drift_terms SET pvalue_adj = 0.01")
    made = built(own)
    html, markdown = render_html(made), render_markdown(made)
    assert not re.search(r"<(b|img|label)[ >]", html.split("</header>")[1].replace("<b>", ""))
    assert "javascript:" not in re.sub(r">[^<]*<", "><", html)
    assert not re.search(r"(?<!\\)\]\(javascript", markdown)
    assert "<img" not in markdown
    assert "<b onmouseover" not in markdown
    assert pdf_values(made)["topics"]["proposed"][0]["label"] == " ".join(label.split())
    assert "".join(label.split())[:12] in paper(made).replace(" ", "")
    assert render_json(made)["topics"]["proposed"]["shown"][0]["label"] == label


@pytest.mark.parametrize("kind", ["html", "md", "pdf", "json"])
def test_every_format_says_it_and_is_the_same_twice(topics_path, shared, tmp_path, kind):
    once = render(shared, "2026-W05", kind, now=NOW)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert render(shared, "2026-W05", kind, now=later) == once
    copy = tmp_path / "t.db"
    copy.write_bytes(topics_path.read_bytes())
    with Store.open(copy) as writing:
        publish(writing)
    with Store.open(snapshot_path(copy), read_only=True) as snapshot:
        assert render(snapshot, "2026-W05", kind, now=NOW) == once
    if kind != "pdf":
        text = once.decode()
        assert text.index("How the telling moved") if kind != "json" else '"drift": {' in text
        assert f"topics accept DB {NEW}" in text.replace("\\-", "-")


def test_the_sections_stand_in_their_order(report):
    heads = re.findall(r"^## (.+)$", render_markdown(report), flags=re.MULTILINE)
    assert heads.index("Who disagrees") + 1 == heads.index("How the telling moved")
    assert heads.index("New stories") + 1 == heads.index("Outside the list")


def test_json_is_what_its_schema_says(report):
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads(json.dumps(render_json(report)))
    jsonschema.Draft202012Validator(schemas.schema("report")).validate(document)
    assert document["topics"]["runs"][0]["day"] == "2026-01-31"


def test_no_sentence_is_left_unchecked(report):
    said = set(map(str, sentences_of(report)))
    groups = [getattr(report.topics, name) for name in ("emerging", "growing", "fading", "weak")]
    for line in (line for group in groups for line in group.shown):
        assert str(line.said) in said
        assert line.said.removesuffix(".") in render_html(report)


# -- without topics ------------------------------------------------------------------------


def test_a_store_without_topics_still_has_a_report(sample_path):
    with Store.open(sample_path, read_only=True) as store:
        made = built(store)
    assert made.topics.runs == []
    assert "tapestory discover" in made.leads.topics[0]
    assert "tapestory discover" in made.leads.drift[0]


def test_a_snapshot_from_before_there_were_topics_says_what_to_do(sample_path, tmp_path):
    old = tmp_path / "old.site.db"
    old.write_bytes(snapshot_path(sample_path).read_bytes())
    with Store.open(old) as store:
        for table in ("drift_terms", "narrative_drift", "topic_changes", "topic_weeks"):
            store.db.execute(f"DROP TABLE {table}")
        store.db.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm023%'")
        store.db.conn.commit()
    with pytest.raises(SchemaError, match="older"):
        Store.open(old, read_only=True)
