import random
from datetime import UTC, datetime, timedelta

import pytest

from crawler.dedupe import Text, find_duplicates

START = datetime(2026, 1, 30, 12, tzinfo=UTC)
WORDS = [f"word{number}" for number in range(3000)]


def words(seed: int, count: int = 120) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def text(name: str, body: str, *, hours: float = 0, language: str | None = "en", **more) -> Text:
    at = START + timedelta(hours=hours)
    return Text(
        id=name,
        title=more.pop("title", name),
        text=body,
        language=language,
        effective_at=at,
        **more,
    )


def edited(tokens: list[str], share: float, seed: int = 9) -> str:
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) if chance.random() < share else token for token in tokens)


@pytest.mark.hostile(42)
def test_an_edited_copy_belongs_to_the_earliest():
    story = words(1)
    rows = [
        text("late", "By our staff. " + edited(story, 0.05), hours=5),
        text("first", " ".join(story)),
        text("other", " ".join(words(2)), hours=1),
    ]
    assert find_duplicates(rows) == {"late": "first"}
    assert find_duplicates(rows[::-1]) == {"late": "first"}


def test_a_summary_inside_the_full_text_is_a_copy_when_its_title_leads_there():
    story = words(1, 400)
    rows = [
        text("full", " ".join(story), title="Silver collapses as margin calls spread"),
        text(
            "part", " ".join(story[:60]), hours=2, title="Silver collapses as margin calls spread"
        ),
    ]
    assert find_duplicates(rows) == {"part": "full"}


@pytest.mark.parametrize(
    "second",
    [
        {"hours": 24 * 8},
        {"language": "de"},
    ],
    ids=["a week later", "another language"],
)
def test_what_is_not_a_copy(second):
    body = " ".join(words(1))
    assert find_duplicates([text("a", body), text("b", body, **second)]) == {}


def test_an_unknown_language_matches_any():
    body = " ".join(words(1))
    assert find_duplicates([text("a", body), text("b", body, hours=1, language=None)]) == {"b": "a"}


def test_short_posts_are_copies_only_when_equal():
    rows = [
        text("a", "Gold falls nine per cent, silver more!", title=""),
        text("b", "gold falls nine per cent  silver more", title="", hours=1),
        text("c", "gold falls eight per cent silver more", title="", hours=2),
        text("d", "Market wrap", title="", hours=3),
        text("e", "Market wrap", title="", hours=4),
    ]
    assert find_duplicates(rows) == {"b": "a"}


@pytest.mark.hostile(42)
def test_two_texts_that_share_boilerplate_are_two_stories():
    shared = " ".join(words(5, 40))
    rows = [text(str(i), " ".join(words(10 + i)) + " " + shared, hours=i) for i in range(4)]
    assert find_duplicates(rows) == {}


def test_chinese_is_compared_by_characters():
    body = (
        "周末一纸关税威胁让欧洲八国从二月一日起面临百分之十的额外税率"
        "避险资金继续涌向黄金白银双双创新高"
    )
    rows = [
        text("a", body, language="zh", title="甲"),
        text("b", body.replace("周末", "周日") + "本报讯", language="zh", title="乙", hours=1),
        text(
            "c",
            "美联储主席提名引发市场猜测长期国债收益率上行美元反弹贵金属大幅回调交易员减仓观望等待非农数据",
            language="zh",
            hours=2,
            title="丙",
        ),
    ]
    assert find_duplicates(rows) == {"b": "a"}


def test_a_story_that_began_before_the_rows_is_over():
    rows = [
        text("second", " ".join(words(1)), hours=24, duplicate_of="first"),
        text("third", edited(words(1), 0.03), hours=48),
        text("fourth", edited(words(1), 0.03, seed=4), hours=72),
    ]
    assert find_duplicates(rows) == {"fourth": "third"}


def test_at_one_instant_the_stated_date_says_which_came_first():
    body = " ".join(words(1))
    rows = [
        text("a-copy", body, published_at=START - timedelta(hours=1)),
        text("b-original", body, published_at=START - timedelta(hours=2)),
    ]
    assert find_duplicates(rows) == {"a-copy": "b-original"}


def test_what_is_marked_already_is_not_returned_again():
    body = " ".join(words(1))
    rows = [text("a", body), text("b", body, hours=1, duplicate_of="a")]
    assert find_duplicates(rows) == {}
