"""The rules for a candidate in words: what a topic must have to be proposed as a narrative."""

# By the name that a week's ``lacks`` gives it, and in that order (`nlp.topics.candidates`).
RULES = {
    "stories": "stories",
    "sources": "sources",
    "days": "days on which it was told",
    "top_source": "spread over sources",
    "stability": "stability over bootstrap runs",
    "market": "talk of markets",
    "rise": "a late rise",
}
VALUES = {**{name: name for name in RULES}, "rise": "pvalue"}
"""The column of ``topic_weeks`` that a rule looks at."""


def rule_words(name: str) -> str:
    """Word what a rule asks for; one without words of its own by its name."""
    return RULES.get(name, name.replace("_", " "))
