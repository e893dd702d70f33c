"""Nothing is written through the pages: every method but those that read is refused."""

from typing import Any

from api.browse.headers import App

_READING = ("GET", "HEAD")
_REFUSAL = b"This is a read-only snapshot: only GET and HEAD are answered.\n"


def reading_only(app: App) -> App:
    """Wrap an ASGI application: answer 405 to what is not a request to read.

    The snapshot is opened as immutable, so nothing could be written anyway; but Datasette
    answers some of these requests with a 500 and a traceback in the log.
    """

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in _READING:
            await app(scope, receive, send)
            return
        headers = [
            (b"allow", b", ".join(method.encode() for method in _READING)),
            (b"content-type", b"text/plain; charset=utf-8"),
        ]
        await send({"type": "http.response.start", "status": 405, "headers": headers})
        await send({"type": "http.response.body", "body": _REFUSAL})

    return wrapped
