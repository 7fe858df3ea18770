"""Asks all other workers of this node at once, e.g. for their figures."""

import asyncio
import time
from pathlib import Path

import httpx
import structlog

from server.worker import NODE_DIGITS, Worker, socket_path
from server.workers.owners import PeerAddress
from server.workers.peers import Peers
from server.workers.signing import HEADER, Passed, Signer

ANSWER_S_MAX = 2.0

log = structlog.get_logger()


class Siblings:
    """The other workers of a node."""

    def __init__(self, worker: Worker, data_dir: Path, signer: Signer, peers: Peers) -> None:
        self._worker = worker
        self._data_dir = data_dir
        self._signer = signer
        self._peers = peers

    async def ask(self, target: str) -> list[str]:
        """Return what they answer to a GET of `target`; those are left out that do not in time."""
        numbers = [each for each in range(self._worker.count) if each != self._worker.number]
        answers = await asyncio.gather(*(self._ask(number, target) for number in numbers))
        return [answer for answer in answers if answer is not None]

    async def _ask(self, number: int, target: str) -> str | None:
        address = PeerAddress(uds=str(socket_path(self._data_dir, number)))
        worker_id = f"{self._worker.id[:NODE_DIGITS]}{number:02x}"
        passed = Passed(time.time_ns() // 1_000_000, worker_id, 1, "")
        signature = self._signer.sign(passed, "GET", target.encode(), b"")
        headers = [(b"host", b"worker"), (HEADER, signature)]
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                answer = await self._peers.send(address, "GET", target.encode(), headers, b"")
                try:
                    await answer.aread()
                finally:
                    await answer.aclose()
        except (httpx.TransportError, TimeoutError) as error:
            log.warning("worker not reached", worker=worker_id, why=type(error).__name__)
            return None
        return answer.text if answer.status_code == 200 else None
