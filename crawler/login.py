"""What is asked before a timeline: a token for a secret, the number of a name. Once in a run."""

import asyncio
from collections.abc import Callable, Hashable

from crawler.decide import judge
from crawler.errors import FeedParseError, LoginError, SourceError
from crawler.fetch import Client, fetch
from crawler.listing import request_of
from crawler.social.shapes import Platform, Question
from crawler.urls import redact
from store.records import Source, SourceState


class Logins:
    """The tokens and numbers of one run. They live in memory alone."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answers: dict[Hashable, asyncio.Task[str]] = {}

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
        what = f"the login for {source.token_env}"
        return await self._once(source, question, platform.token, what)

    async def found(self, source: Source, platform: Platform, token: str | None) -> str | None:
        """Return what a platform has to be asked before the timeline, None where nothing has.

        Raises
        ------
        LoginError
            When the platform does not know it or cannot be reached.
        SourceError
            When the settings do not say what to ask.
        """
        question = platform.lookup(source, token) if platform.lookup else None
        if question is None or platform.found is None:
            return None
        what = f"the look-up of {source.handle or redact(source.url)}"
        return await self._once(source, question, platform.found, what)

    async def _once(
        self, source: Source, question: Question, read: Callable[[bytes], str], what: str
    ) -> str:
        # Two sources with two tokens may be told different things.
        key = (question.url, question.body, *sorted(question.secret_headers.items()))
        if key not in self._answers:
            self._answers[key] = asyncio.create_task(self._ask(source, question, read, what))
        return await self._answers[key]

    async def _ask(
        self, source: Source, question: Question, read: Callable[[bytes], str], what: str
    ) -> str:
        fetched = await fetch(self._client, request_of(self._client, question))
        outcome = judge(SourceState(source_id=source.id, url=question.url), fetched)
        if outcome != "ok":
            said = fetched.error or f"answered {fetched.status}"
            raise LoginError(f"{what}: {said}", outcome, fetched)
        try:
            return read(fetched.body)
        except (FeedParseError, SourceError) as error:
            raise LoginError(f"{what}: {error}", "client_error", fetched) from error
