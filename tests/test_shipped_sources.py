"""The shipped list: as broad as promised, each entry usable, with a weight class and terms."""

import tomllib
from collections import Counter
from urllib.parse import urlsplit

import pytest

from api.config import default_sources_text, parse_settings
from crawler.social import bluesky, hackernews, mastodon
from crawler.urls import http_url, redact

ENTRIES = tomllib.loads(default_sources_text())["source"]
GROUPS = [line for line in default_sources_text().splitlines() if line.startswith("# == ")]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("none")
    return parse_settings("", origin="shipped", base_dir=folder).sources


def test_the_list_is_as_broad_as_promised(sources):
    assert len(sources) >= 70
    kinds = Counter(source.kind for source in sources)
    assert set(kinds) >= {"feed", "youtube", "reddit", "mastodon", "bluesky", "hackernews", "lemmy"}
    assert {source.language for source in sources} >= {"en", "zh"}
    assert len(GROUPS) >= 8


def test_every_entry_says_what_a_reader_asks():
    for entry in ENTRIES:
        assert entry["name"], entry
        assert entry["terms"], entry["id"]
        assert entry["weight"] in {1.0, 0.7, 0.4}, entry["id"]


def test_social_and_video_weigh_least_and_news_feeds_do_not(sources):
    for source in sources:
        assert (source.weight == 0.4) == (source.kind != "feed"), source.id


def test_every_address_is_one_that_is_asked_without_a_key(sources):
    questions = {"mastodon": mastodon, "bluesky": bluesky, "hackernews": hackernews}
    asked = []
    for source in sources:
        assert source.kind != "import", source.id
        assert source.token_env is None, source.id
        module = questions.get(source.kind)
        url = module.request(source).url if module else source.url
        assert http_url(url) == url, source.id
        assert redact(url) == url, source.id
        assert urlsplit(url).scheme == "https"
        asked.append(url)
    assert len(set(asked)) == len(asked)


def test_a_kind_that_is_a_feed_in_all_but_name_is_told_from_its_address(sources):
    for source in sources:
        host = urlsplit(source.url).hostname
        if source.kind == "youtube":
            assert source.url.startswith("https://www.youtube.com/feeds/videos.xml?channel_id=UC")
            assert len(source.url.rpartition("=")[2]) == 24
        if host == "www.reddit.com":
            assert source.kind == "reddit"
            assert "/.rss" in source.url
