"""The rules for a candidate in words: what a topic must have to be proposed as a narrative."""

# Of the rules that a number of the week is compared with: the name of that number.
RULES = {
    "stories": "stories",
    "sources": "sources",
    "days": "days on which it was told",
    "stability": "stability over bootstrap runs",
    "top_source": "spread over sources",
    "market": "stories on markets",
    "npmi": "words that are used together",
}


def rule_words(name: str) -> str:
    """Word what a rule asks for; one without words of its own by its name."""
    return RULES.get(name, name.replace("_", " "))
