"""Mastodon, by its answers and against a server that behaves as it does."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from crawler.errors import FeedParseError, SourceError
from crawler.run import crawl
from crawler.social import mastodon
from store import Store
from store.records import Source, StageReport
from tests.platforms.mastodon import LOOKUP, STATUSES, TAG, Mastodon
from tests.server import Answer, LocalServer, serve
from tests.stored import known

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)
TOKEN = "sesame-4711"


def account(server: LocalServer, name: str = "a", handle: str = "@ann", **more: str) -> Source:
    return Source(id=name, kind="mastodon", url=server.url, handle=handle, **more)  # type: ignore[arg-type]


def night(
    store: Store, server: LocalServer, *sources: Source, now: datetime = NOW, **secrets: str
) -> StageReport:
    server.requests.clear()
    return crawl(
        store, sources, now=now, settings=server.settings(), only_due=False, secrets=secrets
    )


def asked(server: LocalServer) -> list[str]:
    return [path for path, _ in server.requests]


def stored(store: Store, source: str = "a") -> list[str]:
    keys = known(store, source).values()
    return sorted(store.documents.get(key.document_id).text for key in keys)


def failures(store: Store) -> list[tuple[str, str, str]]:
    return [(row["kind"], row["message"], row["advice"]) for row in store.runs.failures(limit=9)]


def test_an_account_is_looked_up_and_read_without_its_boosts(store):
    there = Mastodon(NOW)
    there.write(50)
    there.boost("<p>somebody else's</p>")
    with serve(there.answers()) as server:
        assert night(store, server, account(server)).counts["new"] == 50
        oldest_of_page = there.posts[40]["id"]
        assert asked(server) == [
            f"{LOOKUP}?acct=ann",
            f"{STATUSES}?limit=40&exclude_reblogs=true",
            f"{STATUSES}?limit=40&exclude_reblogs=true&max_id={oldest_of_page}",
        ]
    assert not any("somebody" in text for text in stored(store))


def test_a_boost_of_ones_own_post_is_that_post(store):
    there = Mastodon(NOW)
    there.write(3)
    there.posts.insert(0, {**there.posts[1], "id": "2000", "reblog": there.posts[1]})
    with serve(there.answers()) as server:
        source = Source(id="a", kind="mastodon", url=f"{server.url}{STATUSES}")
        assert night(store, server, source).counts["new"] == 3
        there.write(1)
        assert night(store, server, source, now=NOW + NIGHT).counts["new"] == 1
    assert len(known(store, "a")) == 4


def test_two_sources_of_one_account_look_it_up_once(store):
    there = Mastodon(NOW)
    there.write(3)
    with serve(there.answers()) as server:
        night(store, server, account(server), account(server, "b"))
        assert server.hits == {LOOKUP: 1, STATUSES: 2}


def test_an_account_that_is_not_there_is_named(store):
    with serve(Mastodon(NOW).answers()) as server:
        report = night(store, server, account(server, handle="@nobody"))
        assert report.failures == 1
        assert asked(server) == [f"{LOOKUP}?acct=nobody"]
    ((kind, message, _),) = failures(store)
    assert (kind, message) == ("client_error", "the look-up of @nobody: answered 404")


def test_a_look_up_that_is_answered_with_a_page_is_named(store):
    page = Answer(200, b"<html>challenge</html>", {"Content-Type": "text/html"})
    with serve({LOOKUP: page}) as server:
        assert night(store, server, account(server)).failures == 1
    ((kind, message, _),) = failures(store)
    assert kind == "client_error"
    assert message.startswith("the look-up of @ann: ")


def test_an_edit_is_a_revision_and_a_deletion_is_kept(store):
    there = Mastodon(NOW)
    there.write(6)
    with serve(there.answers()) as server:
        night(store, server, account(server))
        there.edit(2, "<p>post, corrected</p>")
        del there.posts[3]
        there.posts[1]["favourites_count"] = 7
        counts = night(store, server, account(server), now=NOW + NIGHT).counts
    assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 1, 1)
    assert "post, corrected" in stored(store)
    assert "" in stored(store)
    liked = known(store, "a")[there.posts[1]["uri"]]
    assert liked.engagement == {"replies": 0, "boosts": 0, "likes": 7}


def test_a_closed_timeline_asks_for_a_key_once(store):
    there = Mastodon(NOW, keys={TOKEN})
    there.write(3)
    with serve(there.answers()) as server:
        tag = account(server, handle="#markets")
        assert night(store, server, tag).failures == 1
        assert store.sources.states()["a"].status == "needs_key"
        ((kind, message, advice),) = failures(store)
        assert kind == "needs_key"
        assert "only to those with a key" in message
        assert "token_env" in advice
        assert night(store, server, tag, now=NOW + NIGHT).failures == 0
        assert asked(server) == [f"{TAG}?limit=40"]
        opened = account(server, handle="#markets", token_env="MASTODON_TOKEN")
        report = night(store, server, opened, now=NOW + 2 * NIGHT, MASTODON_TOKEN=TOKEN)
        assert report.counts["new"] == 3
        assert store.sources.states()["a"].status == "active"


def test_a_key_that_is_refused_is_named_and_not_shown(store):
    with serve(Mastodon(NOW, keys={TOKEN}).answers()) as server:
        source = account(server, handle="#markets", token_env="MASTODON_TOKEN")
        night(store, server, source, MASTODON_TOKEN="stale-0815")
    ((kind, message, advice),) = failures(store)
    assert kind == "needs_key"
    assert "refuses the key in MASTODON_TOKEN" in message
    assert "stale" not in message + advice


def test_without_its_key_a_source_is_not_asked(store):
    with serve(Mastodon(NOW).answers()) as server:
        source = account(server, handle="#markets", token_env="MASTODON_TOKEN")
        assert night(store, server, source).failures == 1
        assert night(store, server, source, now=NOW + NIGHT).failures == 0
        assert not server.hits
    assert [kind for kind, _, _ in failures(store)] == ["needs_key"]


def test_a_used_up_allowance_ends_the_nights_questions_to_that_host(store):
    there = Mastodon(NOW, allowance=1)
    there.write(60)
    with serve(there.answers()) as server:
        tag = account(server, handle="#markets")
        report = night(store, server, tag)
        assert asked(server) == [f"{TAG}?limit=40"]
        assert (report.counts["new"], report.failures) == (40, 1)
        ((kind, message, _),) = failures(store)
        assert kind == "rate_limited"
        assert "2026-01-30 21:05" in message
        there.allowance = 300
        assert night(store, server, tag, now=NOW + timedelta(hours=2)).counts["new"] == 20


def test_too_many_requests_pause_the_source(store):
    with serve(Mastodon(NOW, allowance=0).answers()) as server:
        night(store, server, account(server, handle="#markets"))
        state = store.sources.states()["a"]
        assert state.status == "paused"
        assert state.next_due_at is not None
        assert state.next_due_at > NOW
        assert night(store, server, account(server, handle="#markets")).counts["asked"] == 0


# -- one answer ---------------------------------------------------------------------


def parsed(*posts: dict[str, object], url: str = f"https://m.example{TAG}?limit=40"):
    return mastodon.parse(json.dumps(posts).encode(), url)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"content": "<p>Gold</p><p>up<br>now</p>"}, ("", "Gold\n\nup\n\nnow")),
        ({"spoiler_text": "uspol", "content": "<p>x</p>"}, ("uspol", "x")),
        (
            {
                "content": '<p class="quote-inline">RE: <a href="https://o.example/2">o</a></p>'
                "<p>No, silver.</p>"
            },
            ("", "No, silver."),
        ),
        ({"content": "", "poll": {"options": [{"title": "yes"}]}}, ("", "")),
    ],
    ids=["paragraphs", "content warning", "quote", "poll"],
)
def test_the_words_of_a_post(changes, expected):
    there = Mastodon(NOW)
    there.write(1, **changes)
    (item,) = parsed(*there.posts).items
    assert (item.title, item.text) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("de", "de"), ("zh-TW", "zh"), ("ckb", "ckb"), (None, None), ("english", None), (7, None)],
)
def test_languages(tag, expected):
    there = Mastodon(NOW)
    there.write(1, language=tag)
    assert parsed(*there.posts).items[0].language == expected


def test_what_is_not_public_is_left_out():
    there = Mastodon(NOW)
    for visibility in ("private", "direct", "unlisted", "public"):
        there.write(1, visibility=visibility)
    assert len(parsed(*there.posts).items) == 2


@pytest.mark.parametrize(
    ("count", "limit", "has_more"), [(40, 40, True), (19, 40, False), (5, 5, True), (1, 5, False)]
)
def test_a_page_that_is_half_full_is_not_the_last(count, limit, has_more):
    there = Mastodon(NOW)
    there.write(count)
    more = parsed(*there.posts, url=f"https://m.example{TAG}?limit={limit}").more
    assert more == ({"max_id": there.posts[-1]["id"]} if has_more else {})


@pytest.mark.parametrize(
    ("url", "handle", "expected"),
    [
        ("https://m.example", "@ann", "acct=ann"),
        ("https://m.example", "@ann@o.example", "acct=ann@o.example"),
        ("https://m.example/@ann", None, "acct=ann"),
        ("https://m.example/@ann/with_replies", None, "acct=ann"),
    ],
)
def test_accounts_to_look_up(url, handle, expected):
    question = mastodon.lookup(Source(id="a", kind="mastodon", url=url, handle=handle), TOKEN)
    assert question is not None
    assert question.url == f"https://m.example{LOOKUP}?{expected}"
    assert question.secret_headers == {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("url", "handle"),
    [
        ("https://m.example", "#gold"),
        ("https://m.example/tags/gold", None),
        ("https://m.example/api/v1/accounts/7/statuses", "@ann"),
    ],
)
def test_nothing_to_look_up(url, handle):
    source = Source(id="a", kind="mastodon", url=url, handle=handle)
    assert mastodon.lookup(source) is None


@pytest.mark.parametrize("body", [b"{}", b'{"id": "../../x"}', b'{"id": 7}', b"<html>"])
def test_an_answer_that_is_no_account(body):
    with pytest.raises((FeedParseError, SourceError)):
        mastodon.found(body)
