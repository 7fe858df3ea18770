"""Listeners of a bus that keep what they get."""

from rooms.events import Event
from rooms.log import Batch


class RecordingListener:
    """A listener that keeps all that it gets."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, tuple[Event, ...]]] = []
        self.batches: list[tuple[str, Batch]] = []
        self.private: list[tuple[str, bytes]] = []
        self.restored = 0

    def on_events(self, channel: str, epoch: str, events: tuple[Event, ...]) -> None:
        self.events.append((channel, epoch, events))

    def on_batch(self, channel: str, batch: Batch) -> None:
        self.batches.append((channel, batch))

    def on_private(self, user_id: str, message: bytes) -> None:
        self.private.append((user_id, message))

    def on_restored(self) -> None:
        self.restored += 1
