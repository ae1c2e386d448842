"""Who may talk to the page: this machine, under its own name, with the token that was printed.

A page of a stranger, open in the same browser, can send requests to any port of this machine, and
by a name that it lets point here (DNS rebinding) it could read the answers. Against that stand the
names that are allowed in Host, a cookie that no other site's request carries, and Origin on writes.
"""

from __future__ import annotations

import hmac
import http.cookies
import urllib.parse
from collections.abc import Mapping
from typing import Any

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")
MAX_BODY = 1 << 16  # bytes of a request
_READING = ("GET", "HEAD")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Lets a request through to `app`, or answers why not; adds headers to every answer."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"{name}:{port}" for name in NAMES}
        self._cookie = f"backlabel-{port}"  # browsers keep one jar for all ports of a name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is nothing else here
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        answer = self._refusal(scope)
        await (answer or self._app)(scope, receive, sending)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = _headers(scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("This page is served to this machine alone.", 421)
        shown = urllib.parse.parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if shown and scope["method"] in _READING:
            return self._enter(scope, shown)
        if not self._is_ours(_cookie(headers, self._cookie)):
            return PlainTextResponse(
                "Open the address that `backlabel review` printed: it carries a token.", 403
            )
        if scope["method"] not in _READING:
            return _refused_write(headers, host)
        return None

    def _enter(self, scope: Scope, token: str) -> Response:
        """The token goes from the address, where it would stay in history, into a cookie."""
        if not self._is_ours(token):
            return PlainTextResponse("This token is of another run of `backlabel review`.", 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
        return answer

    def _is_ours(self, token: str) -> bool:
        return hmac.compare_digest(token.encode("latin-1", "replace"), self._token.encode())


def _refused_write(headers: Mapping[str, str], host: str) -> Response | None:
    if headers.get("origin") != f"http://{host}":
        return PlainTextResponse("Decisions are taken from this page alone.", 403)
    if headers.get("content-type", "").split(";")[0].strip() != "application/json":
        return PlainTextResponse("JSON is expected.", 415)
    size = headers.get("content-length", "")
    if not size.isdecimal() or int(size) > MAX_BODY:
        return PlainTextResponse(f"At most {MAX_BODY} bytes are taken.", 413)
    return None


def _headers(scope: Any) -> dict[str, str]:
    """By name; of one that stands twice nothing is believed."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        found[key] = "" if key in found else value.decode("latin-1")
    return found


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        jar = http.cookies.SimpleCookie(headers.get("cookie", ""))
    except http.cookies.CookieError:
        return ""
    return jar[name].value if name in jar else ""
