"""Social platforms, one file each, which ends in its ``PLATFORM``.

Nothing here asks a server: a platform says what to ask and reads what came (``shapes.py``),
``crawler/listing.py`` asks.
"""

from collections.abc import Mapping

from crawler.social import (
    bluesky,
    hackernews,
    lemmy,
    mastodon,
    reddit,
    stocktwits,
    telegram,
    x,
)
from crawler.social.shapes import Platform
from store.records import Source

PLATFORMS: Mapping[str, Platform] = {
    "bluesky": bluesky.PLATFORM,
    "hackernews": hackernews.PLATFORM,
    "lemmy": lemmy.PLATFORM,
    "mastodon": mastodon.PLATFORM,
    "reddit": reddit.PLATFORM,
    "stocktwits": stocktwits.PLATFORM,
    "telegram": telegram.PLATFORM,
    "x": x.PLATFORM,
}


def platform_of(source: Source) -> Platform | None:
    """Return how a source is asked; None when it is a plain feed."""
    platform = PLATFORMS.get(source.kind)
    return platform.variant(source) if platform and platform.variant else platform
