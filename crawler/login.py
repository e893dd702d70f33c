"""Secrets exchanged for tokens, where a platform wants a login; each once in a run."""

import asyncio
from collections.abc import Hashable

from crawler.decide import judge
from crawler.errors import LoginError, SourceError
from crawler.fetch import Client, fetch
from crawler.listing import request_of
from crawler.social.shapes import Platform, Question
from store.records import Source, SourceState


class Logins:
    """The tokens of one run. They live in memory alone."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tokens: dict[Hashable, asyncio.Task[str]] = {}

    async def token(self, source: Source, platform: Platform, secret: str | None) -> str | None:
        """Return what identifies us at a platform: the secret itself, or the token it buys.

        Raises
        ------
        LoginError
            When the platform refuses the secret or cannot be reached.
        SourceError
            When the secret has not the form that the platform wants.
        """
        question = platform.login(source, secret) if platform.login and secret else None
        if question is None or platform.token is None:
            return secret
        # Two sources with two secrets get two tokens.
        key = (question.url, question.body, *sorted(question.secret_headers.items()))
        if key not in self._tokens:
            self._tokens[key] = asyncio.create_task(self._ask(source, platform, question))
        return await self._tokens[key]

    async def _ask(self, source: Source, platform: Platform, question: Question) -> str:
        fetched = await fetch(self._client, request_of(self._client, question))
        outcome = judge(SourceState(source_id=source.id, url=question.url), fetched)
        if outcome != "ok":
            said = fetched.error or f"answered {fetched.status}"
            raise LoginError(f"the login for {source.token_env}: {said}", outcome, fetched)
        if platform.token is None:
            raise SourceError(f"kind {source.kind!r} has no login")
        try:
            return platform.token(fetched.body)
        except SourceError as error:
            raise LoginError(str(error), "client_error", fetched) from error
