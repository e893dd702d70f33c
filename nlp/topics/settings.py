"""What discovery may be told."""

from dataclasses import dataclass, field

from nlp.topics.candidates import Rules
from nlp.topics.consensus import Grouping


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """How topics are looked for and proposed.

    Attributes
    ----------
    window : int
        Days that a run looks at.
    weak : float
        A label below this probability covers no story.
    weekday : int
        The day with which weekly windows end: 1 for Monday to 7 for Sunday.
    fewest : int
        Residual stories of a language below which a window is not looked at: a run sees four
        fifths of them, and fewer than 40 are too few for several groups of eight.
    """

    window: int = 28
    weak: float = 0.5
    weekday: int = 4
    fewest: int = 50
    grouping: Grouping = field(default_factory=Grouping)
    rules: Rules = field(default_factory=Rules)
