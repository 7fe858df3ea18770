"""What viewers of each profile do besides watching. Every action has a due time of its own.

Think times run from one due time to the next, whatever the server's answers took: a slow server
does not lower the load (no coordinated omission).
"""

import asyncio
import time
import uuid
from typing import Any

from loadtest.runner.orders import Account, Till
from loadtest.runner.room import PinDue, Room
from loadtest.runner.viewer import Viewer
from loadtest.scenario.model import Profile, ViewerKind

LINES = (
    "今天的草莓很新鲜",
    "多少钱一份？",
    "Is it still there tomorrow?",
    "拼单还差几个人",
    "孩子爱吃",
)
NEEDS_ACCOUNT = (ViewerKind.CHATTER, ViewerKind.BUYER, ViewerKind.INVITER)


class ThinkingViewer(Viewer):
    """Does `act` after each think time."""

    def __init__(self, room: Room, number: int, seed: int, profile: Profile, token: str) -> None:
        super().__init__(room, number, seed, token)
        self.profile = profile
        self._act_due = 0.0

    def on_joined(self) -> None:
        """Begin to think."""
        self._act_due = asyncio.get_running_loop().time()
        self.think()

    def think(self) -> None:
        """Plan the next action."""
        self._act_due += self.profile.think_s.draw(self.rng)
        self.after(self._act_due - asyncio.get_running_loop().time(), self._acts)

    def act(self, due_ns: int) -> bool:
        """Do what was due; return whether there is more to come."""
        raise NotImplementedError

    def _acts(self) -> None:
        if self.act(int(self._act_due * 1e9)):
            self.think()


class Chatter(ThinkingViewer):
    """Says something."""

    def act(self, due_ns: int) -> bool:
        """Send a line that carries its due time."""
        if self.is_in:
            text = self.room.decoder.marked(self.rng.choice(LINES), due_ns)
            self.send({"t": "chat", "cid": uuid.uuid4().hex[:16], "text": text})
            self.room.recorder.counts["chat.sent"] += 1
        return True

    def on_private(self, message: dict[str, Any]) -> None:
        """Count what was accepted."""
        self.room.recorder.counts["chat.accepted"] += message["t"] == "ack"


class SlowReader(ThinkingViewer):
    """Stops reading from its socket for a while."""

    times_delivery = False

    def act(self, due_ns: int) -> bool:
        """Stop reading."""
        connection = self.connection
        if connection and connection.transport and connection.transport.is_reading():
            connection.transport.pause_reading()
            self.after(self.profile.pause_s.draw(self.rng), self._resume, connection.transport)
        return True

    @staticmethod
    def _resume(transport: asyncio.Transport) -> None:
        if not transport.is_closing():
            transport.resume_reading()


class Flapper(ThinkingViewer):
    """Loses its connection like a phone that changes from one network to another."""

    def act(self, due_ns: int) -> bool:
        """Lose the connection without a close."""
        self.reconnect(self.rng.uniform(0.5, 1.0))
        return True


class Buyer(ThinkingViewer):
    """Orders pinned products, each at most once, and taps once in every flash sale."""

    def __init__(
        self,
        room: Room,
        number: int,
        seed: int,
        profile: Profile,
        till: Till,
        account: Account,
    ) -> None:
        super().__init__(room, number, seed, profile, account.token)
        self._till = till
        self._account = account
        self._orders_left = profile.orders
        self._due_of: dict[str, int] = {}
        self._shown: dict[str, int] = {}

    def act(self, due_ns: int) -> bool:
        """Tap on a pinned product that was not tapped on yet."""
        if self._orders_left <= 0:
            return False
        tapped = {tap.product_id for tap in self._account.taps}
        flashes = {pin.product_id for pin in self.room.pins if pin.flash_s is not None}
        choice = [one for one in self.room.pinned if one not in tapped | flashes]
        if choice and self.is_in:
            self._orders_left -= 1
            self.room.spawn(self.tap(self.rng.choice(choice), due_ns))
        return self._orders_left > 0

    def flash(self, pin: PinDue) -> None:
        """Tap once at a random moment of a flash sale; called when it is due."""
        delay_s = self.rng.uniform(0.0, pin.flash_s or 0.0)
        due_ns = pin.due_ns + int(delay_s * 1e9)
        late_s = asyncio.get_running_loop().time() - pin.due_ns / 1e9
        self.after(max(0.0, delay_s - late_s), self._flash_tap, pin.product_id, due_ns)

    def on_private(self, message: dict[str, Any]) -> None:
        """Note when an order of this buyer's is shown."""
        if message["t"] != "you" or message["event"].get("k") != "order":
            return
        order_id = str(message["event"]["order"]["id"])
        now_ns = time.monotonic_ns()
        if (due_ns := self._due_of.pop(order_id, None)) is not None:
            self.room.recorder.delay("tap.shown", due_ns, now_ns)
        else:
            self._shown.setdefault(order_id, now_ns)

    async def tap(self, product_id: str, due_ns: int) -> None:
        """Order."""
        order = await self._till.tap(self._account, product_id, due_ns)
        if order is None:
            return
        order_id = str(order["id"])
        if (shown_ns := self._shown.pop(order_id, None)) is not None:
            self.room.recorder.delay("tap.shown", due_ns, shown_ns)
        else:
            self._due_of[order_id] = due_ns
        self.on_order(order)

    def on_order(self, order: dict[str, Any]) -> None:
        """An order was confirmed."""

    def _flash_tap(self, product_id: str, due_ns: int) -> None:
        self.room.spawn(self.tap(product_id, due_ns))


class Inviter(Buyer):
    """Joins its estate's group and brings a neighbour, who joins by the group's id."""

    def __init__(
        self,
        room: Room,
        number: int,
        seed: int,
        profile: Profile,
        till: Till,
        account: Account,
        neighbour: Account,
    ) -> None:
        super().__init__(room, number, seed, profile, till, account)
        self._neighbour = neighbour

    def on_order(self, order: dict[str, Any]) -> None:
        """Send the neighbour after a think time."""
        group_id, product_id = order.get("group_id"), str(order["product_id"])
        if group_id:
            self.after(self.profile.think_s.draw(self.rng), self._invite, product_id, group_id)

    def _invite(self, product_id: str, group_id: str) -> None:
        due_ns = time.monotonic_ns()
        self.room.spawn(self._join(product_id, group_id, due_ns))

    async def _join(self, product_id: str, group_id: str, due_ns: int) -> None:
        await self._till.tap(self._neighbour, product_id, due_ns, group_id)
