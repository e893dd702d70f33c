import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from crawler.feeds import MAX_ENTRIES
from crawler.identity import MAX_GUID, Entry, keys_to_look_up, match_entries
from store.records import FeedItem, PageWait


@dataclass(frozen=True)
class Key:
    document_id: str
    source_id: str
    canonical_url: str | None
    content_hash: str
    title: str
    revisions: int = 0
    published_at: datetime | None = None
    engagement: Mapping[str, int] = field(default_factory=dict)
    is_withdrawn: bool = False
    url: str | None = None
    text_length: int = 0
    is_partial: bool = False
    wait: PageWait | None = None


def item(guid: str | None, url: str | None = None, title: str = "t", text: str = "x") -> FeedItem:
    return FeedItem(guid=guid, url=url, title=title, text=text)


def store(entries: list[Entry]) -> dict[str, Key]:
    """Return what the store would know after these entries."""
    return {
        entry.key: Key(
            entry.document_id, "s", entry.canonical_url, entry.content_hash, entry.item.title
        )
        for entry in entries
    }


def numbered(prefix: str, count: int = 10) -> list[FeedItem]:
    return [item(f"{prefix}{i}", f"https://a.example/{i}", f"title {i}") for i in range(count)]


def test_the_same_feed_gives_the_same_ids():
    first = match_entries("s", numbered("g"), {})
    again = match_entries("s", list(reversed(numbered("g"))), store(first))
    assert {entry.document_id for entry in first} == {entry.document_id for entry in again}
    assert all(entry.known and not entry.is_changed for entry in again)
    assert first[0].document_id != match_entries("other", numbered("g"), {})[0].document_id


def test_a_changed_text_is_a_change_of_the_same_document():
    known = store(match_entries("s", numbered("g"), {}))
    items = [replace(numbered("g")[0], text="corrected")]
    (entry,) = match_entries("s", items, known)
    assert entry.is_changed


def test_without_a_guid_the_address_is_the_key_then_the_words():
    (by_url,) = match_entries("s", [item(None, "https://a.example/x?utm_source=f")], {})
    assert by_url.key == "https://a.example/x"
    first, second = match_entries("s", [item(None, None, "a"), item(None, None, "b")], {})
    assert first.document_id != second.document_id


@pytest.mark.hostile(34)
def test_a_guid_used_twice_is_no_id_and_stays_stable():
    alone = [item("g", "https://a.example/1", "one")]
    known = store(match_entries("s", alone, {}))
    both = match_entries("s", [item("g", "https://a.example/2", "two"), *alone], known)
    assert [bool(entry.known) for entry in both] == [False, True]
    assert len({entry.document_id for entry in both}) == 2


def test_three_items_with_one_guid_and_no_address_are_three():
    items = [item("g", None, "a"), item("g", None, "b"), item("g", None, "b")]
    assert len({entry.document_id for entry in match_entries("s", items, {})}) == 3


@pytest.mark.hostile(34)
def test_a_guid_of_a_megabyte_makes_a_short_key():
    (entry,) = match_entries("s", [item("x" * 1_000_000)], {})
    assert len(entry.key) < 100


@pytest.mark.hostile(34)
def test_a_feed_that_renumbers_itself_inserts_nothing():
    known = store(match_entries("s", numbered("old"), {}))
    retitled = [replace(new, title=f"{new.title}!") for new in numbered("new")]
    assert all(entry.known for entry in match_entries("s", retitled, known))


def test_a_new_item_at_a_known_address_is_new_when_the_feed_did_not_renumber():
    known = store(match_entries("s", numbered("g"), {}))
    items = [item("fresh", "https://a.example/0", "another story"), *numbered("g")[1:]]
    assert match_entries("s", items, known)[0].known is None


def test_items_that_share_one_address_are_not_merged():
    items = [item(f"g{i}", "https://a.example/", f"title {i}") for i in range(5)]
    known = store(match_entries("s", items[:3], {}))
    entries = match_entries("s", items, known)
    assert [bool(entry.known) for entry in entries] == [True, True, True, False, False]


def test_what_is_looked_up_is_all_that_matching_asks_for():
    """Matching against only the keys of a feed is matching against all that a source has."""
    page = "https://b.example/2"
    items = [
        item("1"), item("2", url=page + "?utm_source=x"), item("3", title="twice"),
        item("3", title="twice"), item("3", title="twice"), item(None, url="https://b.example/4"),
        item(None, text="no guid and no address"), item("g" * 600),
    ]  # fmt: skip
    known = store(match_entries("s", items, {}))
    known |= store(match_entries("s", numbered("old", 50), {}))
    known["moved"] = Key("moved", "s", page, "another", "t")
    del known["2"]
    keys, urls = keys_to_look_up(items)
    few = {key: value for key, value in known.items() if key in keys or value.canonical_url in urls}
    assert len(few) == len(items)
    found = match_entries("s", items, few)
    assert found == match_entries("s", items, known)
    assert found[1].document_id == "moved"
    assert all(entry.known for entry in found)


def crowded_feed(chance: random.Random) -> list[FeedItem]:
    """Return items that share guids, links, titles and texts, and that imitate made-up keys."""
    guids = [None, "g", "g", "g #2", "g #3", "g t", "g #2 #2", "x" * (MAX_GUID - 2)]
    titles = ["t", "#2", "t #2", "https://a.example/1"]
    links = [None, "https://a.example/1", "https://a.example/2"]
    return [
        item(
            chance.choice(guids),
            chance.choice(links),
            chance.choice(titles),
            chance.choice(["x", "y", str(number)]),
        )
        for number in range(chance.randrange(1, 14))
    ]


def test_the_keys_of_any_feed_are_among_those_looked_up():
    chance = random.Random(7)
    numbered_again = 0
    for _ in range(1000):
        first, later = crowded_feed(chance), crowded_feed(chance)
        known = store(match_entries("s", first, {}))
        keys, urls = keys_to_look_up(later)
        few = {k: value for k, value in known.items() if k in keys or value.canonical_url in urls}
        found = match_entries("s", later, few)
        made = {entry.key for entry in found}
        assert made <= keys
        assert [(entry.key, entry.known) for entry in found] == [
            (entry.key, entry.known) for entry in match_entries("s", later, known)
        ]
        numbered_again += any(key.endswith(("#2 #2", "#3 #2")) for key in made)
    assert numbered_again > 30


@pytest.mark.parametrize(
    "items",
    [
        [item("g", f"https://a.example/{n}", f"title {n}") for n in range(MAX_ENTRIES)],
        [item("g", f"https://a.example/{n}") for n in range(MAX_ENTRIES)],
        [item("g", None, "t", str(n)) for n in range(MAX_ENTRIES)],
        [item(None, "https://a.example/", f"title {n}") for n in range(MAX_ENTRIES)],
        [item(f"g{n}", "https://a.example/") for n in range(MAX_ENTRIES)],
        [item("g"), *(item(f"g #{n}", None, "t", str(n)) for n in range(1, MAX_ENTRIES))],
    ],
    ids=[
        "one guid",
        "one guid, one title",
        "one guid, no link",
        "one link",
        "own guids",
        "numbers",
    ],
)
@pytest.mark.hostile(34)
def test_a_feed_that_shares_its_ids_asks_for_a_few_keys_an_entry(items):
    keys, _ = keys_to_look_up(items)
    assert {entry.key for entry in match_entries("s", items, {})} <= keys
    assert len(keys) <= 10 * len(items)
