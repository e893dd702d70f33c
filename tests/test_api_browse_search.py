"""Search: words of a person, never operators of the index; scripts without spaces; order."""

from dataclasses import replace

import pytest

from api.browse.search import collect, hits
from store import Store
from store.page_search import match_of, words_of
from tests.sample_store import _document, populated_store
from tests.sample_world import NOW, SOURCES, sessions


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    path = tmp_path_factory.mktemp("search") / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        run = store.runs.begin("crawl", now=NOW)
        plain = _document(90, sessions()[-1], SOURCES[0].id, "央行维持利率不变", "", None)
        texts = (
            ("央行维持利率不变", "美联储维持利率不变，市场担心通胀。100%_sure"),
            ("Near miss", "A NEAR miss AND a NOT so near one; title:gold, col:umn, gold* -silver"),
        )
        documents = [
            replace(plain, id=f"{k:016x}", entry_key=f"k{k}", guid=None, title=title, text=text)
            for k, (title, text) in enumerate(texts)
        ]
        store.documents.add(documents, run.id)
        run.finish(now=NOW)
        yield store.pages


def found(pages, text, **query):
    return collect(pages, "", {"q": text, **query})


@pytest.mark.parametrize(
    "text",
    [
        "gold AND", "OR", "NOT gold", "NEAR(gold, 2)", "gold*", "title:gold", "-gold", "^gold",
        '"', '""', '"gold', "(", ")", "gold)", "{title}", "col : gold", "'", "; DROP TABLE labels",
        "\\", "%", "_", "a" * 5000, "\x00gold\x00", "gold\n\tnear", "🙂", "<script>",
    ],
)  # fmt: skip
@pytest.mark.hostile(37)
def test_operators_and_broken_syntax_are_only_text(pages, text):
    answer = found(pages, text)
    assert answer["total"] >= 0
    assert all(part for row in answer["documents"] for part, _ in row["snippet"])


def test_operators_are_searched_for_as_words(pages):
    assert [row["title"] for row in found(pages, "NEAR AND NOT")["documents"]] == ["Near miss"]
    assert found(pages, "gold OR nothingatall")["total"] == 0


def test_all_words_must_occur_and_phrases_stand_together(pages):
    assert found(pages, "metals nominee")["total"] > 0
    assert found(pages, '"metals nominee"')["total"] == 0
    assert found(pages, '"metals fell"')["total"] > 0


def test_words_are_found_by_their_stem(pages):
    assert found(pages, "dollars")["total"] == found(pages, "dollar")["total"] > 0


@pytest.mark.parametrize("text", ["通胀", "利率", "美联储 通胀", "通胀 100%_sure"])
def test_chinese_is_found_as_it_is_written(pages, text):
    answer = found(pages, text)
    assert answer["method"] == "like"
    assert [row["title"] for row in answer["documents"]] == ["央行维持利率不变"]


def test_wildcards_of_like_are_text(pages):
    assert found(pages, "通%")["total"] == 0
    assert found(pages, "通_")["total"] == 0


def test_copies_are_listed_only_when_asked_for(pages):
    without, with_copies = found(pages, "nominee"), found(pages, "nominee", copies="1")
    assert with_copies["total"] > without["total"]
    assert all(row["duplicate_of"] is None for row in without["documents"])


def test_more_hits_than_are_looked_at_are_more_than_what_is_counted(pages, monkeypatch):
    assert not found(pages, "tape")["more"]
    monkeypatch.setattr("store.page_search.MOST", 7)
    answer = found(pages, "tape")
    assert answer["more"]
    assert 0 < answer["total"] <= 8
    assert len(answer["documents"]) == answer["total"]


def test_newest_first_is_in_order_of_time(pages):
    times = [row["effective_at"] for row in found(pages, "tape", order="newest")["documents"]]
    assert times == sorted(times, reverse=True)


def test_pages_follow_each_other_without_gap_or_repeat(pages):
    first = found(pages, "tape", order="newest")
    seen = [
        row["id"]
        for number in range(1, first["pages"] + 1)
        for row in found(pages, "tape", order="newest", page=str(number))["documents"]
    ]
    assert first["total"] > 20
    assert len(seen) == len(set(seen)) == first["total"]


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999", "²", ""])
def test_an_odd_page_number_is_the_nearest_page_or_the_first(pages, page):
    assert 1 <= found(pages, "tape", page=page)["page"] <= 50


def test_snippets_mark_the_hits():
    assert hits("a \x01hit\x02 b", ["hit"]) == [["a ", False], ["hit", True], [" b", False]]
    assert hits("市场担心通胀。", ["通胀"]) == [
        ["市场担心", False],
        ["通胀", True],
        ["。", False],
    ]


def test_words_and_phrases_are_told_apart():
    assert words_of('gold "weak dollar" - "') == ["gold", "weak dollar"]
    assert match_of(['say "hi"', "NOT"]) == '"say ""hi""" "NOT"'
