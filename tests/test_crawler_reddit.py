"""Reddit by its feed and by its API, against a server that pages and logs in as Reddit does."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from html import escape

import pytest

from crawler.errors import FeedParseError, SourceError
from crawler.hosts import Hosts
from crawler.social import reddit
from store.records import Source
from tests.server import Answer, Behaviour, Handler, LocalServer, serve
from tests.social_world import (
    NIGHT,
    NOW,
    RECORDED,
    as_json,
    asked_for,
    needs_recorded,
    night,
    stored,
    written,
)
from tests.stored import known

SECRETS = {"REDDIT_KEY": "client:CANARY"}
NEW = "/r/gold+silver/new"
SITE = "https://www.reddit.com"


def post(number: int, at: datetime, **changes: object) -> dict[str, object]:
    return {
        "name": f"t3_{number}",
        "title": f"title {number}",
        "selftext": f"*text* {number}",
        "selftext_html": f"<!-- SC_OFF --><div><p><em>text</em> {number}</p></div><!-- SC_ON -->",
        "author": "ann",
        "permalink": f"/r/gold/comments/{number}/title/",
        "created_utc": at.timestamp(),
        "score": 5,
        "num_comments": 2,
        "removed_by_category": None,
        **changes,
    }


class Reddit:
    """Subreddits with a post every hour, a hundred on a page, behind a login."""

    def __init__(self, posts: int) -> None:
        self.posts = [post(999 - hour, NOW - timedelta(hours=hour)) for hour in range(posts)]
        self.logins: list[tuple[str, bytes]] = []

    def login(self, handler: Handler) -> Answer:
        self.logins.append((handler.headers["Authorization"], handler.body))
        return as_json({"access_token": "TOKEN-CANARY", "expires_in": 3600})

    def new(self, handler: Handler) -> Answer:
        if handler.headers["Authorization"] != "Bearer TOKEN-CANARY":
            return Answer(403, b"<html>blocked</html>", {"Content-Type": "text/html"})
        names = [str(each["name"]) for each in self.posts]
        after = asked_for(handler).get("after")
        first = names.index(after) + 1 if after else 0
        page = self.posts[first : first + 100]
        rest = len(self.posts) > first + 100
        children = [{"kind": "t3", "data": each} for each in page]
        following = page[-1]["name"] if rest else None
        return as_json({"kind": "Listing", "data": {"children": children, "after": following}})

    def feed(self, handler: Handler) -> Answer:
        del handler
        return Answer(body=atom(self.posts[:25]), headers={"Content-Type": "application/atom+xml"})

    def answers(self) -> dict[str, Answer | Behaviour]:
        return {reddit._LOGIN: self.login, NEW: self.new, f"{NEW}/.rss": self.feed}


def atom(posts: list[dict[str, object]]) -> bytes:
    entries = ""
    for each in posts:
        byline = (
            ' &#32; submitted by &#32; <a href="https://www.reddit.com/user/ann"> /u/ann </a>'
            ' &#32; to &#32; <a href="https://www.reddit.com/r/gold/"> r/gold </a> <br/>'
            ' <span><a href="x">[link]</a></span> &#32; <span><a href="y">[comments]</a></span>'
        )
        stated = datetime.fromtimestamp(float(str(each["created_utc"])), UTC).isoformat()
        entries += (
            f"<entry><author><name>/u/ann</name></author><id>{each['name']}</id>"
            f'<content type="html">{escape(str(each["selftext_html"]) + byline)}</content>'
            f'<link href="{SITE}{each["permalink"]}"/><updated>{stated}</updated>'
            f"<published>{stated}</published><title>{each['title']}</title></entry>"
        )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>{entries}</feed>'.encode()


def keyed(server: LocalServer, **changes: object) -> Source:
    given = {"url": f"{server.url}/r/gold+silver", "token_env": "REDDIT_KEY"} | changes
    return Source(id="r", kind="reddit", **given)  # type: ignore[arg-type]


def test_a_key_buys_a_token_and_pages_are_read_to_the_end(store):
    with serve((site := Reddit(150)).answers()) as server:
        counts = night(store, keyed(server), server, secrets=SECRETS)
        assert (counts["new"], counts["failures"]) == (150, 0)
        basic = f"Basic {b64encode(b'client:CANARY').decode()}"
        assert site.logins == [(basic, b"grant_type=client_credentials")]
        assert [path for path, _ in server.requests[1:]] == [
            f"{NEW}?limit=100&raw_json=1",
            f"{NEW}?limit=100&raw_json=1&after=t3_900",
        ]
    stored = known(store, "r")["t3_999"]
    assert stored.engagement == {"likes": 5, "replies": 2}
    assert stored.published_at == NOW
    assert "CANARY" not in written(store)
    assert str(store.documents.get(stored.document_id).author).startswith("~")
    assert "/u/ann" not in written(store)


def test_edits_removals_and_deletions_are_followed(store):
    with serve((site := Reddit(8)).answers()) as server:
        night(store, keyed(server), server, secrets=SECRETS)
        site.posts[1] |= {"selftext_html": "<p>corrected</p>"}
        site.posts[2] |= {"selftext": "[removed]", "selftext_html": "<p>[removed]</p>"}
        site.posts[3] |= {"removed_by_category": "deleted", "author": "[deleted]"}
        del site.posts[4]
        counts = night(store, keyed(server), server, NOW + NIGHT, SECRETS)
        assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 1, 3)
    assert stored(store, "r")["t3_998"] == "title 998|corrected"
    assert [stored(store, "r")[f"t3_{number}"] for number in (997, 996, 995)] == ["|"] * 3


def test_a_subreddit_that_is_closed_falls_out_of_the_list_and_stays_stored(store):
    site = Reddit(12)
    for each in site.posts[::3]:
        each["permalink"] = str(each["permalink"]).replace("/gold/", "/Silver/")
    with serve(site.answers()) as server:
        night(store, keyed(server), server, secrets=SECRETS)
        site.posts = [each for each in site.posts if "/gold/" in str(each["permalink"])]
        del site.posts[3]
        counts = night(store, keyed(server), server, NOW + NIGHT, SECRETS)
        assert counts["withdrawn"] == 1
    assert "title 999|text 999" in stored(store, "r").values()


def test_without_a_key_it_is_a_feed_and_a_key_later_changes_no_post(store):
    with serve((site := Reddit(8)).answers()) as server:
        counts = night(store, keyed(server, token_env=None), server)
        assert (counts["new"], server.requests[0][0]) == (8, f"{NEW}/.rss?limit=100")
        before = stored(store, "r")
        assert before["t3_999"] == "title 999|text 999"
        counts = night(store, keyed(server), server, NOW + NIGHT, SECRETS)
        assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 0, 0)
        del site.posts[4]
        counts = night(store, keyed(server, token_env=None), server, NOW + 2 * NIGHT)
        assert counts["withdrawn"] == 1


def test_a_feed_that_is_not_in_order_of_time_deletes_nothing(store):
    with serve((site := Reddit(8)).answers()) as server:
        server.answers["/r/gold/.rss"] = site.feed
        source = keyed(server, url=f"{server.url}/r/gold/.rss", token_env=None)
        night(store, source, server)
        del site.posts[4]
        assert night(store, source, server, NOW + NIGHT)["withdrawn"] == 0


def test_a_key_that_is_not_there_is_said_once_and_nothing_is_asked(store):
    with serve(Reddit(8).answers()) as server:
        assert night(store, keyed(server), server)["failures"] == 1
        assert night(store, keyed(server), server, NOW + NIGHT)["failures"] == 0
        assert server.requests == []
        assert night(store, keyed(server), server, NOW + 2 * NIGHT, SECRETS)["new"] == 8
    assert [row["kind"] for row in store.runs.failures()] == ["needs_key"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, b"{}"),
        as_json({"error": "invalid_grant"}),
        Answer(200, b"<html>challenge</html>", {"Content-Type": "text/html"}),
        as_json([]),
    ],
    ids=["401", "refused", "html", "odd"],
)
def test_a_login_that_fails_is_said_and_the_timeline_not_asked(store, answer):
    with serve({reddit._LOGIN: answer}) as server:
        assert night(store, keyed(server), server, secrets=SECRETS)["failures"] == 1
        assert [path for path, _ in server.requests] == [reddit._LOGIN]
    assert "CANARY" not in written(store)


@pytest.mark.parametrize("secret", ["CANARY", ":CANARY", "CANARY:", "clé:CANARY"])
def test_a_secret_of_another_form_is_said_without_it(secret):
    source = Source(id="r", kind="reddit", url=f"{SITE}/r/gold", token_env="REDDIT_KEY")
    with pytest.raises(SourceError, match="REDDIT_KEY") as caught:
        reddit.login(source, secret)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "handle", "token", "expected"),
    [
        (f"{SITE}/r/A+B/new/.rss", None, None, f"{SITE}/r/A+B/new/.rss"),
        (f"{SITE}/.rss?feed=SECRET", None, None, f"{SITE}/.rss?feed=SECRET"),
        (f"{SITE}/r/A", None, None, f"{SITE}/r/A/new/.rss?limit=100"),
        (SITE, "r/A+B", None, f"{SITE}/r/A+B/new/.rss?limit=100"),
        (f"{SITE}/r/A+B/new/.rss", None, "T", f"{reddit._API}/r/A+B/new?limit=100&raw_json=1"),
        (SITE, "A", "T", f"{reddit._API}/r/A/new?limit=100&raw_json=1"),
    ],
)
def test_what_is_asked(url, handle, token, expected):
    source = Source(id="r", kind="reddit", url=url, handle=handle)
    assert reddit.request(source, token).url == expected


@pytest.mark.parametrize(
    ("url", "handle"),
    [(SITE, None), (SITE, "A/../me"), (f"{SITE}/search.rss?q=gold", None), (SITE, "A?x=")],
)
def test_no_subreddit_is_no_source(url, handle):
    with pytest.raises(SourceError):
        reddit.request(Source(id="r", kind="reddit", url=url, handle=handle), "T")


def test_fields_that_are_missing_or_odd_are_left_out():
    odd = {"name": 3, "title": [], "created_utc": 1e300, "score": "5", "permalink": "//evil"}
    children = [{"kind": "t3", "data": odd}, {"kind": "t3"}, {"kind": "more"}, 7]
    body = json.dumps({"kind": "Listing", "data": {"children": children}}).encode()
    feed = reddit.parse(body, f"{SITE}/r/A/new")
    assert (len(feed.items), feed.more) == (2, {})
    for item in feed.items:
        assert (item.guid, item.url, item.title, item.published_at) == (None, None, "", None)


def test_what_a_closed_account_leaves_behind_has_no_author():
    left = post(1, NOW, author="[deleted]")
    body = json.dumps({"kind": "Listing", "data": {"children": [{"kind": "t3", "data": left}]}})
    (item,) = reddit.parse(body.encode(), f"{SITE}/r/A/new").items
    assert (item.text, item.author) == ("text 1", None)


@pytest.mark.parametrize(
    ("path", "is_ranked"),
    [("/r/A+B/new/.rss", False), ("/r/A/new.rss", False), ("/r/A/new", False), ("/r/A/.rss", True)],
)
def test_only_new_posts_come_in_the_order_of_time(path, is_ranked):
    assert reddit.parse(atom([post(1, NOW)]), SITE + path).is_ranked is is_ranked


@pytest.mark.parametrize("body", [b"", b"<html>whoa there, pardner!</html>", b'{"error": 403}'])
def test_another_answer_is_refused(body):
    with pytest.raises(FeedParseError):
        reddit.parse(body, f"{SITE}/r/A/new")


def test_only_those_without_a_key_wait_a_minute():
    hosts = Hosts(2.0, 4)
    assert hosts.interval("oauth.reddit.com") == 2.0
    assert hosts.interval("www.reddit.com") == 70.0
    assert Hosts(0.0, 4).interval("oauth.reddit.com") == 0.6


@needs_recorded
@pytest.mark.parametrize(
    ("name", "posts", "more", "with_text"),
    [
        ("TestSubredditListings.test_new", 100, {"after": "t3_48f6io"}, 1),
        ("TestSubredditListings.test_hot", 102, {"after": "t3_48dlnt"}, 2),
        ("TestSubredditListings.test_top", 100, {"after": "t3_3i6z8w"}, 38),
        ("TestSubreddit.test_search", 6, {}, 6),
        ("TestSubredditListings.test_comments", 0, {"after": "t1_d4y8a9e"}, 0),
    ],
)
def test_recorded_listings(name, posts, more, with_text):
    tape = json.loads((RECORDED / "reddit" / f"{name}.json").read_text())
    login, listing = tape["interactions"]
    assert reddit.token(login["response"]["body"]["string"].encode()) == "<ACCESS_TOKEN>"
    feed = reddit.parse(listing["response"]["body"]["string"].encode(), listing["request"]["uri"])
    assert (len(feed.items), dict(feed.more)) == (posts, more)
    assert sum(bool(item.text) for item in feed.items) == with_text
    for item in feed.items:
        assert item.guid
        assert item.url
        assert item.published_at is not None
        assert {"likes", "replies"} == set(item.engagement)
    assert feed.is_ranked is (not name.endswith("new"))
