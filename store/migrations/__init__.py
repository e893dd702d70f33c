"""The schema, as numbered migrations that are only ever appended.

Tables are ``STRICT``; vocabularies are ``CHECK`` constraints built from the literals of
``store.records``. ``documents.number`` exists for full-text search alone: an external-content
FTS5 table needs an integer key that ``VACUUM`` does not renumber.
"""

# Each file adds its own when it is read, in this order.
from store.migrations import first, since  # isort: split

from store.migrations import aligned  # isort: split

from store.migrations import alerts, pages  # isort: split

from store.migrations import topics
from store.migrations.frame import migrations

__all__ = ["alerts", "aligned", "first", "migrations", "pages", "since", "topics"]
