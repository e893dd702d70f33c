"""The pages as a server: the snapshot of today, in as many processes as there are cores."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from api.browse.app import make_datasette
from store import Store
from store.errors import StoreError

_log = logging.getLogger(__name__)

VARIABLE = "TAPESTORY_SNAPSHOT"
"""Names the snapshot to the processes that ``serve`` starts."""
_MOST_PROCESSES = 4


class Current:
    """An ASGI application over a snapshot that is followed: a new one is served once it is there.

    Publishing swaps a new file in by rename; what is open stays as it was, so without this the
    pages would show the day on which the server was started.

    Parameters
    ----------
    snapshot : Path
        Must be there when the application is made.
    """

    def __init__(self, snapshot: Path) -> None:
        self._snapshot = snapshot
        self._stamp = _stamp(snapshot)
        self._app = make_datasette(snapshot).app()
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer from the snapshot that lies there now; requests under way end on theirs."""
        if scope["type"] == "http":
            await self._follow()
        await self._app(scope, receive, send)

    async def _follow(self) -> None:
        try:
            found = _stamp(self._snapshot)
        except OSError:
            return  # it is gone for a moment, or for good: what is open can still be read
        if found == self._stamp:
            return
        async with self._lock:
            if found == self._stamp:
                return
            self._stamp = found
            try:
                made = await asyncio.to_thread(_made, self._snapshot)
            except StoreError as error:
                _log.warning("the new snapshot is not served: %s", error)
            else:
                self._app = made.app()


def from_environment() -> Current:
    """Return the application over the snapshot that ``TAPESTORY_SNAPSHOT`` names."""
    return Current(Path(os.environ[VARIABLE]))


def serve(snapshot: Path, *, port: int, processes: int | None = None) -> None:
    """Serve a snapshot on loopback until a signal ends it.

    Parameters
    ----------
    processes : int, optional
        Default: one for each core, at most 4. They share nothing but the file, which none
        writes.
    """
    import uvicorn

    count = processes or min(_MOST_PROCESSES, os.cpu_count() or 1)
    os.environ[VARIABLE] = str(snapshot.resolve())
    uvicorn.run(
        f"{__name__}:from_environment",
        factory=True,
        host="127.0.0.1",
        port=port,
        workers=count,
        log_level="warning",
    )


def _made(snapshot: Path) -> Any:
    Store.open(snapshot, read_only=True).close()  # Datasette opens it when it is first asked
    return make_datasette(snapshot)


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
