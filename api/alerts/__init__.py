"""Alerts: what of the night a person should be told, once, with its evidence.

``rules`` and ``settings`` say what is asked for, ``findings`` what one session holds, ``fold``
which story a finding belongs to, ``run`` ties them to the store, ``deliver`` sends. A story
that goes on is one alert, rewritten in place; it is told again only when it escalates.
Nothing here says that a narrative moved a price.
"""
