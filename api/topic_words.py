"""The rules for a candidate in words: what a topic must have to be proposed as a narrative."""

# Of the rules that a number of the week is compared with: the name of that number.
RULES = {
    "stories": "enough stories",
    "sources": "enough sources",
    "days": "told on enough days",
    "stability": "the same group in most bootstrap runs",
    "top_source": "no one source tells most of it",
    "market": "enough of its stories are on markets",
    "npmi": "words that are used together",
}


def rule_words(name: str) -> str:
    """Word a rule for a candidate; one without words of its own by its name."""
    return RULES.get(name, name.replace("_", " "))
