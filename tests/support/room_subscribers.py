"""Subscribers of an audience without a connection."""

from rooms.io.audience import (
    Audience,
    Subscriber,
)


class FakeSubscriber(Subscriber):
    """A subscriber that keeps what is written to it."""

    __slots__ = ("closed", "received", "waiting")

    def __init__(self, codec: int = 0) -> None:
        super().__init__()
        self.codec = codec
        self.received: list[bytes] = []
        self.write = self.received.append
        self.waiting = 0
        self.closed = False

    def waiting_bytes(self) -> int:
        return self.waiting

    def close_slow(self) -> None:
        self.closed = True

    def pause(self, audience: Audience, waiting: int = 1) -> None:
        self.paused, self.waiting = True, waiting
        audience.changed(self)

    def resume(self, audience: Audience) -> None:
        self.paused, self.waiting = False, 0
        audience.changed(self)
