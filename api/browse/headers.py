"""Response headers that keep crawled text harmless."""

from collections.abc import Awaitable, Callable
from typing import Any

PAGE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Policy of our pages: no script at all, nothing from another host."""
_TABLE_POLICY = (
    # Datasette's own pages need their inline scripts; other hosts stay shut out.
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_DEFAULTS = {
    b"content-security-policy": _TABLE_POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
}

App = Callable[..., Awaitable[None]]


def with_headers(app: App) -> App:
    """Wrap an ASGI application: add each default header that a response does not set."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                missing = [item for item in _DEFAULTS.items() if item[0] not in present]
                message = {**message, "headers": [*message.get("headers", []), *missing]}
            await send(message)

        await app(scope, receive, sending)

    return wrapped
