"""Social platforms, one file each, which ends in its ``PLATFORM``.

Nothing here asks a server: a platform says what to ask and reads what came (``shapes.py``),
``crawler/listing.py`` asks.
"""

from collections.abc import Mapping

from crawler.social import bluesky, hackernews, mastodon, reddit, stocktwits, telegram, x
from crawler.social.shapes import Platform

PLATFORMS: Mapping[str, Platform] = {
    "bluesky": bluesky.PLATFORM,
    "hackernews": hackernews.PLATFORM,
    "mastodon": mastodon.PLATFORM,
    "reddit": reddit.PLATFORM,
    "stocktwits": stocktwits.PLATFORM,
    "telegram": telegram.PLATFORM,
    "x": x.PLATFORM,
}
