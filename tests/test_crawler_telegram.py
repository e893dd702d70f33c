"""Telegram's previews, against a server that shows channels as t.me does."""

from datetime import datetime, timedelta
from html import escape

import pytest

from crawler.errors import FeedParseError, SourceError
from crawler.social import telegram
from store.records import Source
from tests.server import Answer, Handler, LocalServer, redirect, serve
from tests.social_world import NIGHT, NOW, asked_for, night, stored
from tests.stored import known

HTML = {"Content-Type": "text/html; charset=utf-8"}
PATH = "/s/goldbugs"


def bubble(number: int, at: datetime, inner: str, *, views: str = "1.2K", kind: str = "") -> str:
    return (
        '<div class="tgme_widget_message_wrap js-widget_message_wrap">'
        f'<div class="tgme_widget_message {kind} js-widget_message"'
        f' data-post="goldbugs/{number}"><div class="tgme_widget_message_bubble">'
        '<div class="tgme_widget_message_author accent_color"><a href="/goldbugs"'
        ' class="tgme_widget_message_owner_name"><span dir="auto">Gold Bugs</span></a></div>'
        f'{inner}<div class="tgme_widget_message_footer"><span class="tgme_widget_message_views">'
        f'{views}</span><span class="tgme_widget_message_meta">edited <a'
        f' class="tgme_widget_message_date" href="https://t.me/goldbugs/{number}"><time'
        f' datetime="{at.isoformat()}" class="time">21:00</time></a></span></div></div></div></div>'
    )


def words(text: str) -> str:
    return f'<div class="tgme_widget_message_text js-message_text" dir="auto">{text}</div>'


def page(*bubbles: str) -> bytes:
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><main>'
        '<section class="tgme_channel_history js-message_history">'
        f"{''.join(bubbles)}</section></main></body></html>"
    ).encode()


class Channel:
    """A channel with a post every hour, twenty on a page, the oldest at the top."""

    def __init__(self, posts: int) -> None:
        first = NOW - timedelta(hours=posts - 1)
        self.posts = {
            number: bubble(number, first + timedelta(hours=number - 1), words(f"post {number}"))
            for number in range(1, posts + 1)
        }

    def __call__(self, handler: Handler) -> Answer:
        before = int(asked_for(handler).get("before", 10**9))
        numbers = [number for number in sorted(self.posts) if number < before][-20:]
        return Answer(body=page(*(self.posts[number] for number in numbers)), headers=HTML)


def source(server: LocalServer, **changes: object) -> Source:
    given = {"url": server.url, "handle": "@goldbugs"} | changes
    return Source(id="t", kind="telegram", **given)  # type: ignore[arg-type]


def test_pages_are_read_backwards_to_the_first_post(store):
    with serve({PATH: Channel(45)}) as server:
        counts = night(store, source(server), server)
        assert (counts["new"], counts["failures"]) == (45, 0)
        assert [path for path, _ in server.requests] == [
            PATH,
            f"{PATH}?before=26",
            f"{PATH}?before=6",
        ]
    kept = known(store, "t")["goldbugs/45"]
    assert (kept.published_at, kept.engagement) == (NOW, {"views": 1200})
    document = store.documents.get(kept.document_id)
    assert document.url == "https://t.me/goldbugs/45"
    assert str(document.author).startswith("~")


def test_edits_and_deletions_are_followed(store):
    with serve({PATH: (channel := Channel(30))}) as server:
        night(store, source(server), server)
        channel.posts[28] = channel.posts[28].replace("post 28", "corrected")
        channel.posts[29] = channel.posts[29].replace("1.2K", "3.45M")
        del channel.posts[27]
        counts = night(store, source(server), server, NOW + NIGHT)
        assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 1, 1)
    assert stored(store, "t")["goldbugs/28"] == "|corrected"
    assert stored(store, "t")["goldbugs/27"] == "|"
    assert known(store, "t")["goldbugs/29"].engagement == {"views": 3_450_000}


@pytest.mark.parametrize("status", [301, 302])
def test_a_channel_without_a_preview_is_said_to_have_none(store, status):
    front = Answer(body=b"<html><div class='tgme_page'>Gold Bugs</div></html>", headers=HTML)
    with serve({PATH: redirect("/goldbugs", status), "/goldbugs": front}) as server:
        assert night(store, source(server), server)["failures"] == 1
        # What follows does not take the front page for the channel.
        server.answers[PATH] = Channel(3)
        assert night(store, source(server), server, NOW + NIGHT)["new"] == 3
    (row,) = store.runs.failures()
    assert (row["kind"], "no public preview" in row["message"]) == ("not_a_feed", True)


def test_an_empty_channel_is_no_failure(store):
    with serve({PATH: Answer(body=page(), headers=HTML)}) as server:
        counts = night(store, source(server), server)
    assert (counts["new"], counts["failures"]) == (0, 0)


def only(inner: str, **changes: str):
    (item,) = telegram.parse(page(bubble(7, NOW, inner, **changes)), f"https://t.me{PATH}").items
    return item


def test_lines_entities_and_emoji_of_a_text():
    emoji = '<i class="emoji"><b>👍</b></i>'
    item = only(words(f'Gold<br/>up 3% &amp; <b>more</b><br><br><a href="x">silver</a> {emoji}'))
    assert item.text == "Gold\nup 3% & more\n\nsilver 👍"


def test_what_a_post_answers_and_links_to_is_not_its_text():
    reply = (
        '<a class="tgme_widget_message_reply" href="https://t.me/goldbugs/1"><div'
        ' class="tgme_widget_message_text js-message_reply_text">another one wrote</div></a>'
    )
    preview = '<div class="link_preview_description">of a page</div>'
    assert only(reply + words("mine") + preview).text == "mine"


def test_the_author_of_a_forwarded_post_is_who_wrote_it():
    forwarded = (
        '<div class="tgme_widget_message_forwarded_from">Forwarded from <a'
        ' class="tgme_widget_message_forwarded_from_name" href="x"><span>Ann</span></a></div>'
    )
    signed = '<span class="tgme_widget_message_from_author">Bob</span>'
    assert only(forwarded + words("hers")).author == "Ann"
    assert only(words("his") + signed).author == "Bob"
    assert only(words("its own")).author == "goldbugs"


def test_posts_without_words_keep_their_place_and_have_no_text():
    video = '<time class="message_video_duration js-message_video_duration">0:31</time>'
    item = only(f'<a class="tgme_widget_message_photo_wrap" href="x"></a>{video}')
    assert (item.text, item.published_at, item.guid) == ("", NOW, "goldbugs/7")
    assert only(words("Gold Bugs pinned «a post»"), kind="service_message").text == ""
    assert only('<div class="tgme_widget_message_poll_question">Up or down?</div>').text == (
        "Up or down?"
    )


@pytest.mark.parametrize(
    ("shown", "count"),
    [("7", 7), ("1.2K", 1200), ("12.34M", 12_340_000), ("1B", 10**9), ("", None), ("many", None)],
)
def test_rounded_counts(shown, count):
    assert telegram._count(shown) == count


def test_parts_that_are_missing_or_odd_are_left_out():
    bare = '<div class="tgme_widget_message" data-post="goldbugs/3"></div>'
    odd = '<div class="tgme_widget_message" data-post="../evil"></div>'
    feed = telegram.parse(page(bare, odd, '<div class="tgme_widget_message">'), "https://t.me/s/x")
    (item,) = feed.items
    assert (item.guid, item.text, item.published_at, item.engagement) == (
        "goldbugs/3",
        "",
        None,
        {},
    )
    assert feed.more == {"before": "3"}


@pytest.mark.parametrize(
    "body", [b"", b"\0", b"<html>challenge</html>", b"{}", escape("<div").encode(), b"<" * 10_000]
)
def test_another_page_is_refused(body):
    with pytest.raises(FeedParseError):
        telegram.parse(body, "https://t.me/s/goldbugs")


@pytest.mark.parametrize(
    ("url", "handle"),
    [
        ("https://t.me/s/goldbugs", None),
        ("https://t.me/goldbugs/123", None),
        ("https://t.me", "@goldbugs"),
        ("https://telegram.me/s/goldbugs?before=9", None),
    ],
)
def test_what_is_asked(url, handle):
    found = telegram.request(Source(id="t", kind="telegram", url=url, handle=handle))
    assert found.url == "https://t.me/s/goldbugs"


@pytest.mark.parametrize("handle", [None, "@", "+invite", "a/../b", "123"])
def test_no_channel_is_no_source(handle):
    with pytest.raises(SourceError):
        telegram.request(Source(id="t", kind="telegram", url="https://t.me", handle=handle))
