"""What follows from a post that a listing no longer has: nothing, unless it is surely deleted."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.listing import Listing, deleted
from crawler.parsed import ParsedFeed
from crawler.shelf import Shelf
from crawler.social import platform_of
from store import Store
from store.records import FeedItem, Source
from tests.platforms.bluesky import AUTHOR, Bluesky
from tests.platforms.mastodon import STATUSES, Mastodon
from tests.server import Answer, LocalServer, serve
from tests.social_world import NIGHT, NOW, night
from tests.stored import known

OWN = "?exclude_reblogs=true&limit=40"
OTHER = "/api/v1/accounts/110/statuses"


def account(server: LocalServer, path: str = STATUSES + OWN) -> Source:
    return Source(id="m", kind="mastodon", url=server.url + path)


def other_account() -> Mastodon:
    """Return an account whose posts lie between those of the first and have other names."""
    there = Mastodon(NOW - timedelta(seconds=30))
    there.write(12)
    for post in there.posts:
        post["uri"] = f"https://m.example/users/ben/statuses/{post['id']}"
        post["url"] = f"https://m.example/@ben/{post['id']}"
    return there


def kept(store: Store, source_id: str = "m") -> int:
    return sum(not key.is_withdrawn for key in known(store, source_id).values())


# -- settings that make a source another listing ------------------------------------


def test_posts_of_the_listing_before_an_edit_are_kept_and_deletions_after_it_are_seen(store):
    there, other = Mastodon(NOW), other_account()
    there.write(10)
    with serve({**there.answers(), OTHER: other._timeline}) as server:
        night(store, account(server), server)
        edited = account(server, OTHER + OWN)
        assert night(store, edited, server, NOW + NIGHT)["new"] == 12
        # From the second night on, all that the new listing has is known.
        for later in (2, 3):
            assert night(store, edited, server, NOW + later * NIGHT)["withdrawn"] == 0
        assert kept(store) == 22
        gone = other.posts.pop(5)
        assert night(store, edited, server, NOW + 3 * NIGHT)["withdrawn"] == 1
    assert known(store, "m")[gone["uri"]].is_withdrawn


def test_posts_that_a_shorter_listing_leaves_out_are_kept(store):
    there = Mastodon(NOW)
    there.write(12)
    hidden = {post["id"] for post in there.posts[3:6]}

    def statuses(handler: object) -> Answer:
        query = parse_qs(urlsplit(handler.path).query)  # type: ignore[attr-defined]
        posts = [
            post
            for post in there.posts
            if not ("exclude_replies" in query and post["id"] in hidden)
        ]
        return Answer(200, json.dumps(posts).encode(), {"Content-Type": "application/json"})

    with serve({STATUSES: statuses}) as server:
        night(store, account(server), server)
        shorter = account(server, f"{STATUSES}{OWN}&exclude_replies=true")
        for later in (1, 2):
            assert night(store, shorter, server, NOW + later * NIGHT)["withdrawn"] == 0
    assert kept(store) == 12


def test_an_edit_back_and_a_run_dated_back_keep_all(store):
    there, other = Mastodon(NOW), other_account()
    there.write(10)
    with serve({**there.answers(), OTHER: other._timeline}) as server:
        first, second = account(server), account(server, OTHER + OWN)
        for source, at in ((first, 0), (second, 1), (first, 2), (second, 1), (second, 3)):
            assert night(store, source, server, NOW + at * NIGHT)["withdrawn"] == 0
    assert kept(store) == 22


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"url": "https://n.example"}, 0),
        ({"handle": "#b"}, 0),
        ({"kind": "lemmy"}, 0),
        ({"weight": 2.0, "name": "N", "token_env": "KEY"}, 10),
    ],
    ids=["url", "handle", "kind", "what makes no other listing"],
)
def test_which_settings_make_another_listing(store, change, seen):
    there = Mastodon(NOW)
    there.write(10)
    with serve(there.answers()) as server:
        night(store, account(server), server)
        store.sources.sync([replace(account(server), **change)])
    span = (NOW - NIGHT, NOW + NIGHT)
    assert len(store.documents.between("m", *span)) == seen


# -- where a listing ends -----------------------------------------------------------


def test_an_old_post_that_is_boosted_does_not_stretch_the_listing(store):
    there = Mastodon(NOW - timedelta(days=5))
    there.write(5)
    there.now = NOW - timedelta(hours=60)
    there.boost("<p>from years ago</p>")
    there.posts[0]["reblog"]["created_at"] = "2020-01-30T21:00:00.000Z"
    there.now = NOW
    there.write(10)
    with serve(there.answers()) as server:
        timeline = account(server, STATUSES)
        assert night(store, timeline, server)["new"] == 16
        there.now = NOW + NIGHT
        there.write(9)
        server.requests.clear()
        # The first page ends with the boost and goes back as far as is read.
        assert night(store, timeline, server, NOW + NIGHT)["new"] == 9
        assert len(server.requests) == 1
    assert kept(store) == 25


def test_a_boost_that_is_taken_back_deletes_no_post(store):
    there = Mastodon(NOW)
    there.write(4)
    there.boost("<p>somebody else's</p>")
    there.posts[0]["reblog"]["created_at"] = (NOW - timedelta(seconds=90)).isoformat()
    there.write(4)
    with serve(there.answers()) as server:
        timeline = account(server, STATUSES)
        night(store, timeline, server)
        del there.posts[4]
        assert night(store, timeline, server, NOW + NIGHT)["withdrawn"] == 0


def test_a_listing_goes_back_to_the_repost_that_it_ends_with(store):
    there = Bluesky(NOW - timedelta(hours=3))
    there.repost(1)
    there.now = NOW
    there.write(5)
    with serve(there.answers()) as server:
        source = Source(id="b", kind="bluesky", url=server.url, handle="quant.example")
        night(store, source, server)
        del there.views[4]
        assert night(store, source, server, NOW + NIGHT)["withdrawn"] == 1
        assert server.hits[AUTHOR] == 2


def test_the_span_of_a_listing_ends_with_its_last_page():
    class Asked:
        span = None

        def between(self, source_id, first, last):
            self.span = (first, last)
            return {}

    old = NOW - timedelta(days=2000)
    items = [
        FeedItem(guid=str(at), url=None, title="", text="", published_at=at)
        for at in (NOW, NOW - NIGHT, old)
    ]
    for oldest_at, end in ((NOW - 2 * NIGHT, NOW - 2 * NIGHT), (None, old)):
        asked = Asked()
        listing = Listing(feed=ParsedFeed(items=items, oldest_at=oldest_at))
        assert deleted(listing, Shelf(documents=asked, source_id="m"), ()) == ()  # type: ignore[arg-type]
        assert asked.span == (end, NOW)


# -- what is a complete listing -----------------------------------------------------

API = "https://m.example/api/v1"
LEMMY = "https://l.example/api/v3/post/list"
REDDIT = "https://www.reddit.com"
XRPC = "https://public.api.bsky.app/xrpc/app.bsky.feed."


@pytest.mark.parametrize(
    ("kind", "url", "handle", "token_env"),
    [
        ("mastodon", "https://m.example", "@ann", None),
        ("mastodon", "https://m.example/@ann", None, "KEY"),
        ("mastodon", f"{API}/accounts/9/statuses?exclude_reblogs=1&exclude_replies=1", None, None),
        ("bluesky", "", "quant.example", None),
        ("bluesky", f"{XRPC}getAuthorFeed?actor=quant.example", None, None),
        ("lemmy", "https://l.example/c/economics", None, None),
        ("lemmy", f"{LEMMY}?community_name=economics&sort=New&limit=50", None, None),
        ("reddit", REDDIT, "gold+silver", None),
        ("reddit", REDDIT, "gold", "KEY"),
        ("reddit", f"{REDDIT}/r/gold/new.rss?limit=25", None, None),
        ("telegram", "", "@goldbugs", None),
    ],
)
def test_what_was_written_in_one_place_is_listed_whole(kind, url, handle, token_env):
    source = Source(id="s", kind=kind, url=url, handle=handle, token_env=token_env)
    platform = platform_of(source)
    assert platform is not None
    assert platform.is_complete


@pytest.mark.parametrize(
    ("kind", "url", "handle", "token_env"),
    [
        ("mastodon", "https://m.example", "#markets", None),
        ("mastodon", "https://m.example/tags/markets", None, None),
        ("mastodon", f"{API}/accounts/9/statuses", None, None),
        ("mastodon", f"{API}/accounts/9/statuses?exclude_reblogs=false", None, None),
        ("mastodon", f"{API}/accounts/9/statuses?exclude_reblogs=true&tagged=gold", None, None),
        ("mastodon", f"{API}/accounts/9/statuses?exclude_reblogs=true&pinned=true", None, None),
        ("mastodon", f"{API}/timelines/home", "@ann", "KEY"),
        ("mastodon", f"{API}/timelines/list/3", None, "KEY"),
        ("bluesky", "", "?gold", "KEY"),
        ("bluesky", f"{XRPC}searchPosts?q=gold", None, "KEY"),
        ("bluesky", f"{XRPC}getFeed?feed=at://x", None, None),
        ("bluesky", f"{XRPC}getListFeed?list=at://x", None, None),
        ("bluesky", f"{XRPC}getTimeline", None, "KEY"),
        ("hackernews", "", "silver", None),
        ("hackernews", "", None, None),
        ("lemmy", "https://l.example/c/economics", None, "KEY"),
        ("lemmy", f"{LEMMY}?community_name=economics", None, None),
        ("lemmy", f"{LEMMY}?community_name=economics&sort=Hot", None, None),
        ("lemmy", f"{LEMMY}?sort=New", None, None),
        ("lemmy", f"{LEMMY}?community_id=3&sort=New&saved_only=true", None, "KEY"),
        ("reddit", REDDIT, "all", "KEY"),
        ("reddit", REDDIT, "gold+popular", None),
        ("reddit", f"{REDDIT}/r/gold/.rss", None, None),
        ("reddit", f"{REDDIT}/new/.rss?feed=SECRET&user=ann", None, None),
        ("reddit", f"{REDDIT}/r/gold/new/.rss?feed=SECRET&user=ann", None, None),
        ("reddit", f"{REDDIT}/user/ann/m/metals/new/.rss", None, None),
        ("reddit", f"{REDDIT}/search.rss?q=gold&sort=new", None, None),
        ("reddit", f"{REDDIT}/search.rss?q=gold", None, "KEY"),
        ("stocktwits", "", "GLD", None),
        ("x", "", "gold", "KEY"),
    ],
)
def test_what_is_chosen_from_several_places_is_not(kind, url, handle, token_env):
    source = Source(id="s", kind=kind, url=url, handle=handle, token_env=token_env)
    platform = platform_of(source)
    assert platform is not None
    assert not platform.is_complete
