"""Whether the addresses offered as ICE candidates reach our UDP port: a STUN request to each."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

from media.errors import Unresolvable
from media.io.webrtc.candidates import Candidates, Resolve, resolve
from media.io.webrtc.udp import open_socket
from media.wire import stun

TRIES = 3
ANSWER_TIMEOUT_S = 0.7


async def unreachable(
    configured: Sequence[str], port: int, *, resolve: Resolve = resolve
) -> dict[str, str]:
    """Return each address, and why it does not serve: "" if it does.

    The server that runs answers; where none does, we answer ourselves.
    """
    found: dict[str, str] = {}
    async with _responder(port):
        for each in configured:
            try:
                candidates = await Candidates.open([each], resolve=resolve)
            except Unresolvable:
                found[each] = "it is no address, nor a name that resolves here"
                continue
            await candidates.close()
            for address in candidates.addresses():
                found[address] = "" if await answers(address, port) else "no STUN answer by UDP"
    return found


async def answers(address: str, port: int) -> bool:
    """Whether a STUN request to a UDP port is answered."""
    loop = asyncio.get_running_loop()
    transaction_id = secrets.token_bytes(stun.TRANSACTION_ID_BYTES)
    try:
        transport, asker = await loop.create_datagram_endpoint(
            lambda: _Asker(transaction_id), remote_addr=(address, port)
        )
    except OSError:
        return False
    try:
        for _ in range(TRIES):
            transport.sendto(stun.reachability_request(transaction_id))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    await asker.answered.wait()
                    return True
        return False
    finally:
        transport.close()


class _Asker(asyncio.DatagramProtocol):
    def __init__(self, transaction_id: bytes) -> None:
        self.answered = asyncio.Event()
        self._transaction_id = transaction_id

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if stun.is_bad_request_answer(data, self._transaction_id):
            self.answered.set()


@contextlib.asynccontextmanager
async def _responder(port: int) -> AsyncIterator[None]:
    try:
        sock = open_socket(port)
    except OSError:  # the server runs
        yield
        return
    loop = asyncio.get_running_loop()

    def answer() -> None:
        with contextlib.suppress(BlockingIOError):
            datagram, address = sock.recvfrom(stun.MESSAGE_BYTES_MAX)
            if reply := stun.bad_request(datagram):
                sock.sendto(reply, address)

    loop.add_reader(sock, answer)
    try:
        yield
    finally:
        loop.remove_reader(sock)
        sock.close()
