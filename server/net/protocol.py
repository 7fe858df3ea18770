"""HTTP/1.1 with limits: uvicorn's protocol behind a reader that knows where a request ends.

A head is parsed once it is whole, and only if it is within limits: neither its size nor the number
of pieces in which it comes changes what it costs. One request is answered at a time; what a client
sends beyond it stays in the kernel (RFC 9112 section 9.3.2 allows pipelining, nobody must be fast
at it). Deadlines are looked at by the table's one sweep. Times are `loop.time()`.
"""

import asyncio
import re
from enum import Enum, auto
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.net.addresses import limit_key
from server.net.answer import AnswerTransport
from server.net.connections import ConnectionTable, RefusalReason
from server.net.direct import Direct, plain_get
from server.net.outlet import CONNECTION
from server.net.refusals import FULL, MALFORMED, SLOW, TOO_LARGE
from server.net.request_limits import DEFAULT_LIMITS, RequestLimits

PIPELINED_BYTES_MAX = 64 * 1024
"""Kept of later requests while one is answered; a client that sends more is cut off then."""
CHUNK_OVERHEAD_MAX = 8
"""Wire bytes per body byte: chunks of one byte have six."""

_HEAD_END = re.compile(rb"\n\r?\n")


class Phase(Enum):
    """What the connection waits for."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    LINGER = auto()
    UPGRADED = auto()


def http_protocol(
    table: ConnectionTable,
    limits: RequestLimits = DEFAULT_LIMITS,
    direct: Direct | None = None,
) -> type[asyncio.Protocol]:
    """Return the class to give to `uvicorn.Config(http=…)`; `direct` may answer before ASGI."""

    class BoundHttpProtocol(LimitedHttpProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(table, limits, direct, *args, **kwargs)

    return BoundHttpProtocol


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection: head, body, answer, and again."""

    def __init__(
        self,
        table: ConnectionTable,
        limits: RequestLimits,
        direct: Direct | None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.address = ""
        self._table = table
        self._limits = limits
        self._direct = direct
        self._in_direct = False
        self._phase = Phase.HEAD
        self._pending = bytearray()
        self._searched = 0
        self._head_whole = False
        self._message_whole = False
        self._body_left: int | None = 0
        self._wire_bytes = 0
        self._body_bytes = 0
        self._since = 0.0
        self._head_since: float | None = None
        self._blocked_since: float | None = None
        self._linger_left = 0
        self._answering: AnswerTransport | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection if there is room for it."""
        super().connection_made(cast(asyncio.Transport, transport))
        now = self._since = self._head_since = self.loop.time()
        self.address = limit_key(self.client[0] if self.client else "")
        if self._table.arrive(self, len(self.connections), now) is not None:
            self._answer(FULL)
            self._linger()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget everything."""
        self._table.depart(self)
        self._pending.clear()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Take what belongs to the present request; leave the rest for later."""
        if self._phase is Phase.LINGER:
            self._linger_left -= len(data)
            if self._linger_left < 0:
                self.transport.abort()
            return
        if self._phase is Phase.ANSWER:
            self._keep_for_later(data)
            return
        if self._phase is Phase.HEAD and self._head_since is None:
            self._head_since = self.loop.time()
        self._pending += data
        self._advance()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._blocked_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has read."""
        self._blocked_since = None
        super().resume_writing()
        self._advance()

    # Connection

    def give_way(self) -> None:
        """See `Connection`."""
        self.transport.abort()

    def check(self, now: float) -> None:
        """See `Connection`."""
        limits = self._limits
        if self._blocked_since is None and self.transport.is_closing():
            self._blocked_since = now
        if self._blocked_since is not None:
            if now - self._blocked_since > limits.unread_s_max:
                self._cut(RefusalReason.UNREAD)
        elif self._phase is Phase.HEAD:
            self._check_head(now)
        elif self._phase is Phase.BODY and not self.flow.read_paused:
            late_s = now - self._since - limits.body_grace_s
            if self._wire_bytes < late_s * limits.body_bytes_per_s_min:
                self._refuse(RefusalReason.SLOW_BODY, SLOW)
        elif self._phase is Phase.LINGER and now - self._since > limits.linger_s:
            self.transport.abort()

    def _check_head(self, now: float) -> None:
        if self._head_since is None:
            if now - self._since > self._limits.idle_s_max:
                self._table.count(RefusalReason.IDLE)
                self.transport.close()
        elif now - self._head_since > self._limits.head_s_max:
            if self._pending:
                self._refuse(RefusalReason.SLOW_HEAD, SLOW)
            else:
                # Nothing was asked: browsers open connections that they may need.
                self._table.count(RefusalReason.IDLE)
                self.transport.close()

    # One request after the other

    def _advance(self) -> None:
        while self._pending and not self.transport.is_closing():
            if self._phase is Phase.HEAD:
                if self.flow.write_paused or not self._take_head():
                    return
            elif self._phase is Phase.BODY:
                self._take_body()
            else:
                return

    def _take_head(self) -> bool:
        """Parse the head if it is whole and within limits."""
        pending, limits = self._pending, self._limits
        if pending[0] in b"\r\n":
            # Empty lines before a request are skipped (RFC 9112 section 2.2).
            pending[:] = pending.lstrip(b"\r\n")
            self._searched = 0
        end = _HEAD_END.search(pending, max(0, self._searched - 2))
        size = end.end() if end else len(pending)
        if size > limits.head_bytes_max or (
            size > limits.line_bytes_max and pending.find(b"\n", 0, limits.line_bytes_max) < 0
        ):
            self._refuse(RefusalReason.HEAD_TOO_LARGE, TOO_LARGE)
            return False
        self._searched = size
        if end is None:
            return False
        head = bytes(pending[:size])
        del pending[:size]
        if head.count(b"\n") - 2 > limits.fields_max:
            self._refuse(RefusalReason.HEAD_TOO_LARGE, TOO_LARGE)
            return False
        if self._direct is None or not self._answer_directly(head):
            self._parse_head(head)
        return True

    def _answer_directly(self, head: bytes) -> bool:
        target = plain_get(head)
        if target is None or self._direct is None:
            return False
        self._phase, self._in_direct = Phase.ANSWER, True
        taken = self._direct(target, self.reply)
        self._in_direct = False
        if not taken:
            self._phase = Phase.HEAD
        elif self._phase is Phase.ANSWER:
            self._searched, self._head_since = 0, None
            self._table.works(self)
        return taken

    def reply(self, head: bytes, body: bytes) -> None:
        """See `Reply`."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.transport.writelines((head, body))
        if not self._in_direct:
            self._next_request()
            return
        self._phase, self._searched = Phase.HEAD, 0
        self._since = self.loop.time()
        self._head_since = self._since if self._pending else None
        self._table.waits(self)

    def _parse_head(self, head: bytes) -> None:
        self._searched = 0
        self._head_since = None
        self._head_whole = self._message_whole = False
        self._wire_bytes = self._body_bytes = 0
        if not self._feed(head):
            return
        if not self._head_whole:
            self._refuse(RefusalReason.MALFORMED, MALFORMED)
            return
        if self._message_whole:
            self._phase = Phase.ANSWER
            self._table.works(self)
            return
        names = dict(self.headers)
        self._phase = Phase.BODY
        self._since = self.loop.time()
        self._table.waits(self)
        if b"transfer-encoding" in names:
            # Where a chunked body ends only the parser knows: what follows it is not a request.
            self._body_left = None
            self.cycle.keep_alive = False
        else:
            self._body_left = int(names[b"content-length"])

    def _take_body(self) -> None:
        size = len(self._pending) if self._body_left is None else self._body_left
        part = bytes(self._pending[:size])
        del self._pending[:size]
        if self._body_left is not None:
            self._body_left -= len(part)
        self._wire_bytes += len(part)
        if not self._feed(part):
            return
        if self._message_whole:
            if self.cycle.response_complete:
                self._next_request()
            else:
                self._phase = Phase.ANSWER
                self._table.works(self)
        elif self._wire_bytes > self._limits.head_bytes_max + CHUNK_OVERHEAD_MAX * self._body_bytes:
            self._refuse(RefusalReason.MALFORMED, MALFORMED)

    def _feed(self, data: bytes) -> bool:
        """Give the parser a part of a request; return whether it goes on."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self._upgrade()
                return False
            # The client wishes for a protocol that we do not have: it is answered in HTTP/1.1.
            self.cycle.keep_alive = False
            self._phase = Phase.ANSWER
            self._table.works(self)
            return False
        except httptools.HttpParserError:
            self._refuse(RefusalReason.MALFORMED, MALFORMED)
            return False
        return True

    def _next_request(self) -> None:
        self._phase = Phase.HEAD
        self._since = self.loop.time()
        self._head_since = self._since if self._pending else None
        self._table.waits(self)
        self.flow.resume_reading()
        self.transport.resume_reading()
        self._advance()

    def _keep_for_later(self, data: bytes) -> None:
        # Past uvicorn's flow control, which reads on as soon as a route waits for its client's end.
        self.transport.pause_reading()
        cycle = None if self.cycle is None or self.cycle.response_complete else self.cycle
        if cycle is not None and not cycle.keep_alive:
            return
        self._pending += data
        if len(self._pending) > PIPELINED_BYTES_MAX + self._limits.head_bytes_max:
            self._pending.clear()
            if cycle is None:
                self.transport.abort()
            else:
                cycle.keep_alive = False

    def _upgrade(self) -> None:
        if len(self.connections) - len(self._table) >= self._table.websockets_max:
            self._table.refuse(RefusalReason.FULL, self.loop.time())
            self._answer(FULL)
            self._linger()
            return
        self._phase = Phase.UPGRADED
        self._table.depart(self)
        rest = bytes(self._pending)
        self._pending.clear()
        self.handle_websocket_upgrade()
        if rest:
            cast(asyncio.Protocol, self.transport.get_protocol()).data_received(rest)

    # httptools' callbacks

    def on_headers_complete(self) -> None:
        """The head is whole and sound."""
        self._head_whole = True
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self._answering = self.cycle.transport = AnswerTransport(self.transport, self.loop)
            extensions = {CONNECTION: (self._answering, self.flow)}
            cast(dict[str, Any], self.scope)["extensions"] = extensions

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._message_whole = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written: the next request may come."""
        self.server_state.total_requests += 1
        if self._answering:
            self._answering.flush()
        if self.transport.is_closing():
            return
        if self._phase is Phase.ANSWER:
            self._next_request()
        elif self._phase is Phase.BODY:
            # Answered before the body has come: the rest is thrown away if it is not long.
            self.flow.resume_reading()
            if self._body_left is None or self._body_left > self._limits.linger_bytes:
                self._linger()

    # Refusals

    def _refuse(self, reason: RefusalReason, problem: bytes) -> None:
        self._table.count(reason)
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer(problem)
        else:
            if not cycle.response_started:
                self._answer(problem)
            elif self._answering:
                self._answering.flush()
            cycle.disconnected = True
            cycle.message_event.set()
        self._linger()

    def _answer(self, problem: bytes) -> None:
        self.transport.write(problem)

    def _linger(self) -> None:
        self._phase = Phase.LINGER
        self._since = self.loop.time()
        self._linger_left = self._limits.linger_bytes
        self._pending.clear()
        if not self.transport.is_closing():
            self.transport.write_eof()
            self.transport.resume_reading()

    def _cut(self, reason: RefusalReason) -> None:
        self._table.count(reason)
        self.transport.abort()
