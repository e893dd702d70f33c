"""What a test asks of a database: every document of a source."""

from store import Store
from store.documents import StoredKey


def known(store: Store, source_id: str) -> dict[str, StoredKey]:
    """Return the documents of a source by entry key."""
    keys = store.db.execute("SELECT entry_key FROM documents WHERE source_id = ?", [source_id])
    return store.documents.known(source_id, keys=[key for (key,) in keys])
