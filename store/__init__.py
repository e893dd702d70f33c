"""The floor of Tapestory: schema, records and queries, in one SQLite file.

``Store`` is the only handle; records and errors are in ``store.records`` and
``store.errors``. Nothing here computes, crawls or labels, and no other folder speaks SQL.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.database import Store

__all__ = ["Store"]


def __getattr__(name: str) -> object:
    # `import store.records` runs this file: the database machinery loads only when asked for.
    if name == "Store":
        from store.database import Store

        return Store
    raise AttributeError(f"module 'store' has no attribute {name!r}")
