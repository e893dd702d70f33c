"""A planted set of copies, drawn from a seed: what is a copy of what is known beforehand."""

import random
from datetime import UTC, datetime, timedelta

from crawler.dedupe import Text

START = datetime(2026, 1, 30, 12, tzinfo=UTC)
_WORDS = [f"word{number}" for number in range(8_000)]
_HEADERS = [
    "By our markets desk. All times are local.",
    "This story first appeared elsewhere and is carried by arrangement.",
    "LONDON, Jan 30 - Updates with comment and closing prices.",
]


def body(chance: random.Random, words: int) -> list[str]:
    return chance.choices(_WORDS, k=words)


def edited(tokens: list[str], share: float, chance: random.Random) -> list[str]:
    """Return the words with a share of them replaced, dropped or followed by another."""
    found: list[str] = []
    for token in tokens:
        if chance.random() >= share:
            found.append(token)
            continue
        new = chance.choice(_WORDS)
        found += chance.choice([[new], [], [token, new]])
    return found


def document(name: str, text: str, *, hours: float = 0, **more: str | None) -> Text:
    return Text(
        id=name,
        title=more.get("title") or f"headline of {name}",
        text=text,
        language=more.get("language", "en"),
        effective_at=START + timedelta(hours=hours),
        source_id=more.get("source_id") or "",
    )


def planted(
    originals: int, copies: int, seed: int = 1, share: float = 0.05
) -> tuple[list[Text], dict[str, str]]:
    """Return documents of about 400 words in no order, and which are copies of which."""
    chance = random.Random(seed)
    rows, truth = [], {}
    for number in range(originals):
        tokens = body(chance, chance.randint(350, 450))
        rows.append(document(f"o{number:05d}", " ".join(tokens), hours=number % 48))
        if number < copies:
            text = " ".join([chance.choice(_HEADERS), *edited(tokens, share, chance)])
            name = f"c{number:05d}"
            rows.append(document(name, text, hours=number % 48 + chance.uniform(1, 96)))
            truth[name] = f"o{number:05d}"
    chance.shuffle(rows)
    return rows, truth
