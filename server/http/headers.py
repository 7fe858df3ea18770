"""Headers that every answer has: types are not guessed, and what the API says is not kept."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_NOT_KEPT = (b"cache-control", b"no-store")


class SafeHeaders:
    """ASGI middleware: `X-Content-Type-Options` everywhere, `Cache-Control: no-store` in the API.

    A route that sets one of them keeps its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                if b"x-content-type-options" not in names:
                    headers.append(_NO_SNIFFING)
                if scope["path"].startswith(("/api/", "/live/")) and b"cache-control" not in names:
                    headers.append(_NOT_KEPT)
            await send(message)

        await self._app(scope, receive, send_with_headers)
