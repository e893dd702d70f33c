"""Closed vocabularies: the SQL ``CHECK`` constraints are built from these literals."""

from datetime import date
from typing import Literal

# A session date; the alias lets a record have a field called ``date`` and still use the type.
SessionDate = date

Stance = Literal["favor", "against", "none"]
SourceKind = Literal[
    "feed",
    "page",
    "mastodon",
    "bluesky",
    "reddit",
    "hackernews",
    "telegram",
    "youtube",
    "lemmy",
    "stocktwits",
    "x",
    "rsshub",
    "gdelt",
    "import",
]
SourceStatus = Literal["active", "paused", "gone", "failing", "needs_key"]
DateSource = Literal["feed", "html", "url", "seen", "import"]
Outcome = Literal[
    "ok",
    "not_modified",
    "unchanged",
    "gone",
    "rate_limited",
    "server_error",
    "client_error",
    "challenge",
    "not_a_feed",
    "decode",
    "too_large",
    "deadline",
    "ssrf_blocked",
    "bad_scheme",
    "redirect_loop",
    "robots_denied",
    "robots_unreachable",
    "connect",
    "poison",
    "bad_304",
]
AssetClass = Literal[
    "equity", "rates", "fx", "metal", "energy", "crypto", "volatility", "funding", "credit"
]
AssetUnit = Literal["price", "yield_pct", "spread_bp", "index", "level"]
ChangeUnit = Literal["return", "bp", "points"]
Correction = Literal["ok", "clipped"]
CellStatus = Literal["exploratory", "confirmed", "not confirmed"]
EpisodeKind = Literal["shock", "relief", "control"]
NamedBy = Literal["scan", "settings"]
ConfirmationStatus = Literal["open", "confirmed", "not confirmed"]
SuspectStatus = Literal["leading", "possible", "contradicted", "follower", "quiet"]
FalsifierStatistic = Literal["any close", "mean"]
FalsifierOperator = Literal["<", "<=", ">", ">="]
FalsifierScore = Literal["hit", "miss", "open"]
Verdict = Literal["suspects", "not distinguishable", "no adequate suspect"]
RunStatus = Literal["running", "done", "failed", "interrupted", "crashed"]
Stage = Literal[
    "crawl", "prices", "import", "tag", "discover", "align", "alerts", "publish", "nightly"
]
TopicStatus = Literal["background", "watched", "candidate", "accepted", "dismissed", "merged"]
TopicTrend = Literal["emerging", "growing", "steady", "fading", "quiet"]
TopicEvent = Literal["child", "split", "merge"]
DriftKind = Literal["word", "entity", "outlet"]
AlertRule = Literal["innovation", "stance_flip", "suspect", "source_quiet"]
DeliveryState = Literal["waiting", "sent", "superseded", "given up"]
TaggingOutcome = Literal["tagged", "untagged", "failed"]
PassagePart = Literal["title", "text"]
