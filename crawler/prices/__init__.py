"""Prices, one file per provider: ``request`` gives the address, ``parse`` gives the values.

All pure. ``publication.py`` decides for every value the instant that it describes and the
instant from which it was public; ``guess.py`` describes assets that nobody listed.
"""
