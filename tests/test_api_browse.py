"""The Datasette pages on a finished snapshot: what they show, link to, and refuse."""

import asyncio
import json
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from align.catalogue import weights
from api.browse.app import make_datasette
from api.browse.catalogue import load_queries
from api.browse.day import BEFORE, when_of
from store import Store
from store.publish import publish
from tests.sample_store import empty_store, populated_store
from tests.sample_world import HOSTILE_TITLE, MISSING

PAGES = (
    "/",
    "/narrative/fed-policy",
    "/narrative/dollar-policy?asset=GLD&window=20&span=30&day=2026-01-28",
    "/asset/GLD",
    "/asset/GLD?narrative=geopolitics",
    "/day/2026-01-30",
    "/day/2026-01-27",
    "/source/wire-east",
    "/search?q=metals",
    "/search",
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    path = tmp_path_factory.mktemp("browse") / "odd name.db"
    populated_store(path)
    with Store.open(path) as store:
        return publish(store).path


@pytest.fixture(scope="module")
def datasette(snapshot):
    return make_datasette(snapshot)


@pytest.fixture(scope="module")
def get(datasette):
    return lambda path: asyncio.run(datasette.client.get(path))


@pytest.fixture(scope="module")
def document_id(get):
    return get("/search.json?q=nominee").json()["documents"][0]["id"]


class Tags(HTMLParser):
    """The start tags of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def links(self):
        return [attrs["href"] for tag, attrs in self.found if tag == "a" and "href" in attrs]


def words(text):
    """Return what a reader sees, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_and_its_json_holds_the_same(get, path):
    page = get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    bare, _, query = path.partition("?")
    data = get(f"{bare if bare != '/' else '/home'}.json?{query}")
    assert data.status_code == 200
    assert data.json()["ok"] is True


def test_home_says_what_changed_and_what_moved(get):
    shown = words(get("/").text)
    assert "Fri 30 Jan 2026" in shown
    assert "Louder than forecast: Tighter for longer" in shown
    assert "Not distinguishable Tighter for longer , Forced selling" in shown
    assert "Silver ETF -28.5 %" in shown
    assert "2 items failed" in shown
    assert "Wire East (failing, 3 errors in a row" in shown


def test_home_differences_are_differences_of_stored_shares(get):
    data = get("/home.json").json()
    assert data["yesterday"] == "2026-01-29"
    assert data["last_week"] == "2026-01-23"
    for row in data["narratives"]:
        shares = {day: share for day, share, _, _ in row["series"]}
        assert row["since_yesterday"] == pytest.approx(row["share"] - shares["2026-01-29"])
        assert shares[MISSING.isoformat()] is None


def test_home_can_show_another_day(get):
    data = get("/home.json?day=2026-01-27").json()
    assert data["day"] == "2026-01-27"
    assert {point["day"] for point in data["narratives"]} == {"2026-01-27"}
    assert get("/home.json?day=nonsense").json()["day"] == "2026-01-30"


def test_a_session_that_has_only_begun_is_not_the_day_of_home(snapshot):
    with Store.open(snapshot, read_only=True) as store:
        days = ["2026-01-29", "2026-01-30", "2026-02-02"]
        assert store.pages.closed(days) == days[:2]


def test_an_untitled_post_is_listed_by_its_first_words(tmp_path):
    path = tmp_path / "untitled.db"
    empty_store(path)
    with Store.open(path) as store:
        store.db.execute("UPDATE documents SET title = ' '")
        store.db.conn.commit()
    answer = asyncio.run(make_datasette(path).client.get("/search.json?q=quiet")).json()
    assert [row["heading"] for row in answer["documents"]] == ["Quiet."]


def test_the_day_is_answered_in_the_shape_of_the_contract(get):
    explanation = get("/day/2026-01-30.json").json()["explanation"]
    assert list(explanation) == [
        "date",
        "window",
        "moves",
        "premise",
        "verdict",
        "clarity",
        "suspects",
        "analogs",
        "analog_verdict",
        "falsifiers",
        "coverage",
        "unusual",
        "timing",
        "dose",
        "plumbing",
        "blame",
        "none_of_these",
    ]
    for suspect in explanation["suspects"]:
        assert sum(suspect["parts"].values()) == pytest.approx(suspect["score"])


def test_the_day_shows_evidence_for_and_against(get):
    shown = words(get("/day/2026-01-30").text)
    for said in (
        "Silver ETF -28.5 % (-11.7 sigma)",
        "Not distinguishable",
        "Contradicted by Gold ETF",
        "A hawkish nominee means fewer cuts",
        "causal claims 0.12",
        "No past episode is distinguishable",
        "Gold ETF closes above 495. Gold ETF",
        "No more than 1.0 % of the stories carry “Tighter for longer”. Tighter for longer",
        "Unlimited purchases relief, the opposite of Tighter for longer or squeeze",
        "told up to the close by 9 stories",
        "In this order: those that may lead, by score;",
        "14 stories from 4 of 4 sources",
        "quiet narratives, hardly told that day",
        "size among the 250 days before 98th percentile",
        "the move lies between 30 Jan 2026, 14:30 UTC",
        "7 stories, usually 0.8; 19 h before the open",
        "2 stamps on either side of the close: out before it 70 % to 82 %",
        "dose, lag 0: +0.12 σ [-0.10, +0.34], n 89",
        "SOFR minus IORB month-end 3.00 bp",
        "of those that claim a cause (1 of 1 day)",
        "“None of these” does not hold: “Tighter for longer” has two unusual lines.",
    ):
        assert said in shown, said


def test_a_day_is_none_of_several_sessions(get):
    """What is not stored is not said to have been a quiet day."""
    answer = get("/day/2026-01-30?days=5")
    assert answer.status_code == 404
    shown = words(answer.text)
    assert "No explanation of the 5 sessions to 2026-01-30 is stored" in shown
    assert "tapestory explain DB 2026-01-30 --days 5" in shown
    assert "2026-01-27" in shown, "single days are offered"


def test_the_talk_before_a_move_is_counted_over_the_sessions_that_count():
    assert weights()["window"]["before"] == BEFORE


def test_a_quote_says_when_it_came_too_late_or_long_before():
    timing = {"price_from": "2026-01-30T14:30:00Z", "price_to": "2026-01-30T21:00:00Z"}
    stamps = ("2026-01-30T20:00:00Z", "2026-01-30T21:01:00Z", "2025-12-31T16:41:00Z", None)
    quotes = [{"document_id": f"d{n}", "published_at": at} for n, at in enumerate(stamps)]
    assert when_of({"timing": timing}, quotes) == {"d1": "after the close", "d2": "29 days before"}
    assert when_of({"timing": None}, quotes) == {}


def test_only_what_is_not_told_apart_is_named(get):
    """Of all that is possible the verdict names those whose intervals meet."""
    page = get("/day/2026-01-30.json").json()
    possible = [one for one in page["explanation"]["suspects"] if one["status"] == "possible"]
    first = possible[0]
    assert page["rivals"] == [
        one["narrative"] for one in possible if one["high"] >= first["low"]
    ][:3]  # fmt: skip
    shown = words(get("/day/2026-01-30").text)
    named = " , ".join(page["names"][one] for one in page["rivals"])
    assert f"Not distinguishable {named} clarity" in shown


def test_days_lead_to_each_other(get):
    data = get("/day/2026-01-30.json").json()
    assert (data["previous"], data["next"]) == ("2026-01-27", None)
    assert get("/day/latest").headers["location"] == "/day/2026-01-30"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/day/2026-01-29", "No explanation of 2026-01-29 is stored"),
        ("/day/yesterday", "'yesterday' is no day: write it as 2026-01-30"),
        ("/narrative/nothing", "There is no narrative 'nothing'"),
        ("/asset/nothing", "There is no asset 'nothing'"),
        ("/document/nothing", "There is no document 'nothing'"),
        ("/source/nothing", "There is no source 'nothing'"),
        ("/no-such-page", "There is nothing at '/no-such-page'"),
    ],
    ids=lambda value: value.split("/")[1] if value.startswith("/") else "",
)
def test_what_is_not_stored_is_a_404_with_a_sentence(get, path, said):
    page = get(path)
    assert page.status_code == 404
    assert said in words(page.text)
    as_json = get(f"{path}.json")
    assert as_json.status_code == 404
    assert as_json.json()["ok"] is False


def test_a_missing_day_names_those_that_are_stored_and_how_to_get_it(get):
    page = get("/day/2026-01-29").text
    assert {"/day/2026-01-27", "/day/2026-01-30"} <= set(Tags(page).links())
    assert "tapestory explain DB 2026-01-29" in words(page)


def test_the_narrative_page_labels_its_scan_as_exploratory(get):
    shown = words(get("/narrative/dollar-policy").text)
    assert "Exploratory; not re-tested yet." in shown
    assert "one of 2,016 cells tested" in shown
    assert "Dollar index 1 session before -0.52 -0.81 to -0.23 44 0.040 exploratory" in shown


def test_a_narrative_is_drawn_over_the_price_that_was_chosen(get):
    assert "Intensity over Gold ETF" in words(get("/narrative/dollar-policy?asset=GLD").text)
    assert get("/narrative/dollar-policy.json?asset=nothing").json()["asset"]["id"] == "DXY"


def test_the_window_of_the_stories_can_be_one_day(get):
    data = get("/narrative/fed-policy.json?day=2026-01-30&window=1").json()
    assert data["window_days"] == ["2026-01-30"]
    assert data["stories"]
    assert all(story["effective_at"] >= "2026-01-29T21:00:00Z" for story in data["stories"])
    assert len(data["stories"]) == data["point"]["stories"]


def test_copies_are_collapsed_and_counted(get):
    stories = get("/narrative/fed-policy.json?window=1").json()["stories"]
    assert stories[0]["reach"] == 2
    copies = get(f"/document/{stories[0]['id']}.json").json()["copies"]
    assert [copy["duplicate_of"] for copy in copies] == [None, stories[0]["id"]]


def test_passages_are_marked_in_the_text(get, document_id):
    page = get(f"/document/{document_id}").text
    data = get(f"/document/{document_id}.json").json()
    assert "".join(part["text"] for part in data["text"]) == data["document"]["text"]
    marks = [attrs for tag, attrs in Tags(page).found if tag == "mark"]
    assert {"class": "favor", "id": "p0"} in marks
    assert "claims a cause" in words(page)


def test_quotes_lead_to_the_passage(get):
    links = Tags(get("/day/2026-01-30").text).links()
    quoted = [link for link in links if re.fullmatch(r"/document/[0-9a-f]{16}#p\d+", link)]
    assert quoted
    page, _, anchor = quoted[0].partition("#")
    assert f'id="{anchor}"' in get(page).text


def test_a_source_shows_its_health_and_failures(get):
    shown = words(get("/source/wire-east").text)
    assert "failing 3 errors in a row" in shown
    assert "the server of 'wire-east' answered 503" in shown
    assert "wait: it is asked again tomorrow" in shown
    assert "13 of 56" in shown


def test_a_source_shows_its_lag_and_its_share_by_day(get):
    data = get("/source/wire-east.json").json()
    # Every document of the sample is met twenty minutes after its publication.
    assert data["lag"]["n"] == 13 + data["share"]["copies"]
    assert data["lag"]["median"] == pytest.approx(1 / 3, abs=1e-3)
    assert data["lag"]["p90"] == pytest.approx(1 / 3, abs=1e-3)
    assert sum(day["stories"] for day in data["by_day"]) == data["share"]["stories"]
    assert sum(day["all_stories"] for day in data["by_day"]) == data["share"]["all_stories"]
    assert "median of" in words(get("/source/wire-east").text)


def test_quiet_suspects_keep_their_passages(get):
    day = get("/day/2026-01-30.json").json()["explanation"]
    quiet = [one for one in day["suspects"] if one["status"] == "quiet" and one["quotes"]]
    page = get("/day/2026-01-30").text
    assert quiet
    for suspect in quiet:
        assert f'id="s-{suspect["narrative"]}"' in page
        for said in suspect["quotes"]:
            assert f"/document/{said['document_id']}" in page


def test_every_link_of_every_page_answers(get, document_id):
    asked: set[str] = set()
    for path in (*PAGES, f"/document/{document_id}"):
        for link in Tags(get(path).text).links():
            parts = urlsplit(link)
            if not parts.netloc and parts.path:
                asked.add(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    by_kind: dict[str, list[str]] = {}
    for link in sorted(asked):
        by_kind.setdefault("/".join(link.split("?")[0].split("/")[:3]), []).append(link)
    for links in by_kind.values():
        for link in links[:2]:
            assert get(link).status_code in (200, 302), link


@pytest.mark.parametrize("name", sorted(load_queries()))
def test_every_canned_query_runs(get, name):
    answer = get(f"/tapestory/{name}.json?narrative=fed-policy&stance=&since=&_shape=array")
    assert answer.status_code == 200, answer.text
    if name not in {"unsure_labels", "surprises", "topics_now", "drift_now"}:
        assert answer.json()


def test_tables_come_as_csv_and_json(get):
    answer = get("/tapestory/alignments.csv?narrative_id=fed-policy&_size=3")
    assert answer.text.startswith("narrative_id,asset_id,lag")
    assert len(get("/tapestory/failures.json?_shape=array").json()) == 2


def test_the_name_is_tapestory_whatever_the_file_is_called(datasette, snapshot):
    assert snapshot.stem != "tapestory"
    assert [name for name in datasette.databases if name != "_internal"] == ["tapestory"]
    assert not datasette.databases["tapestory"].is_mutable


def test_the_snapshot_cannot_be_downloaded_or_written(get):
    assert get("/tapestory.db").status_code in (403, 404)
    assert get("/tapestory.json?sql=delete+from+documents").status_code == 400


def test_an_address_of_four_segments_is_a_404_where_rich_is_installed(get):
    # Without the startup hook Datasette 0.65 asks rich to print an exception outside an
    # `except` block and answers 500 ("Value for 'trace' required").
    from datasette import handle_exception

    pytest.importorskip("rich")
    for path in ("/a/b/c/d", "/a/b/c/d.json", "/a/b/c/d/e"):
        assert get(path).status_code == 404, path
    assert handle_exception.rich is None


def test_pages_work_below_a_base_url(snapshot):
    datasette = make_datasette(snapshot, base_url="/desk/")
    page = asyncio.run(datasette.client.get("/day/2026-01-30"))
    assert page.status_code == 200
    inward = [link for link in Tags(page.text).links() if link.startswith("/")]
    assert inward
    assert all(link.startswith("/desk/") for link in inward)


def test_a_database_without_labels_says_what_to_run(tmp_path):
    path = tmp_path / "bare.db"
    empty_store(path)
    datasette = make_datasette(path)
    shown = words(asyncio.run(datasette.client.get("/")).text)
    assert "Nothing is labelled yet" in shown
    assert "tapestory align DB" in shown
    for address in ("/source/desk-notes", "/search?q=quiet", "/day/2026-01-30", "/day/latest"):
        assert asyncio.run(datasette.client.get(address)).status_code in (200, 404)


def test_the_json_of_a_page_is_plain(get):
    assert "_record" not in get("/day/2026-01-30.json").json()
    assert HOSTILE_TITLE in {
        row["title"] for row in get("/search.json?q=friends").json()["documents"]
    }
    assert json.loads(get("/home.json").text)["ok"] is True
