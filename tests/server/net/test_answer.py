"""How an answer is cut into writes, with a transport that keeps them apart."""

import asyncio
from collections.abc import Iterable

from server.net.answer import AnswerTransport

Data = bytes | bytearray | memoryview


class Writes(asyncio.Transport):
    """A transport that keeps each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Data) -> None:
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def test_head_and_body_leave_in_one_write_and_later_parts_in_their_own() -> None:
    writes = Writes()
    answer = AnswerTransport(writes, asyncio.get_running_loop())
    for part in (b"head;", b"body;", b"more;"):
        answer.write(part)
    await asyncio.sleep(0)
    assert writes.writes == [b"head;body;", b"more;"]


async def test_head_of_a_stream_leaves_in_the_next_round_of_the_loop() -> None:
    writes = Writes()
    answer = AnswerTransport(writes, asyncio.get_running_loop())
    answer.write(b"head;")
    assert writes.writes == []
    await asyncio.sleep(0)
    answer.write(b"first;")
    assert writes.writes == [b"head;", b"first;"]


async def test_closing_writes_the_head_and_a_closed_transport_gets_nothing() -> None:
    writes = Writes()
    answer = AnswerTransport(writes, asyncio.get_running_loop())
    answer.write(b"head;")
    answer.close()
    assert (writes.writes, answer.is_closing()) == ([b"head;"], True)
    late = AnswerTransport(writes, asyncio.get_running_loop())
    late.write(b"too late;")
    await asyncio.sleep(0)
    assert writes.writes == [b"head;"]
