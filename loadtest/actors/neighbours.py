"""`linli demo`'s neighbours: a few simulated guests who chat, like and join groups.

They use public endpoints only, with accounts of their own, so counters and orders are real.
Their number, rate of actions and orders are bounded.
"""

import asyncio
import contextlib
import random
import re
import signal
from collections.abc import Coroutine, Sequence
from typing import Literal

import structlog
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from loadtest.actors.buyer import GuestAccount, RoomSocket, RoomView, Shopfront, join_room
from loadtest.errors import LoadError, NoAnswer, TryLater, first_of

ACTIONS_PER_MINUTE = 18.0
NEIGHBOURS_MAX = 24
# Between two joins, so that they do not all come at once.
JOIN_INTERVAL_S = 2.0
RETRY_S = 3.0
# Each neighbour takes part in this many groups at most.
ORDERS_EACH_MAX = 3
HEARTS_MAX = 8
EXIT_REFUSED = 2
# Shares of actions; the rest are orders.
CHAT_PERCENT, LIKE_PERCENT = 45, 35

Language = Literal["zh", "en"]

_BUILDINGS = range(1, 13)
_NAMES = (
    "晨光",
    "小满",
    "听雨",
    "青柠",
    "阿团",
    "拾光",
    "木木",
    "豆包",
    "南风",
    "小圆",
    "橙子",
    "云朵",
)
_LINES_ZH = (
    "{name}今天新鲜吗?",
    "上次买的{name}很好吃",
    "{name}几点能取?",
    "还差几个人成团呀?",
    "我家孩子就爱吃这个",
    "{name}一份够三口人吃吗?",
    "店就在楼下,真方便",
    "大家一起拼呀",
    "老板好,第一次来",
    "包装能再简单点吗?",
)
_LINES_EN = (
    "Is the {name} fresh today?",
    "Had the {name} last week, lovely",
    "When can I pick it up?",
    "How many more for the group?",
    "Is one {name} enough for three?",
    "The shop is right downstairs, so handy",
    "Hello from building 7",
    "Could you show it closer, please?",
)

_SPECIFICS = re.compile(r"[,,((]|\s+\d|\s约")

log = structlog.get_logger()


def nickname(number: int) -> str:
    """Return the neutral nickname of neighbour `number`: a building and a word."""
    name = _NAMES[number % len(_NAMES)]
    return f"{_BUILDINGS[number * 5 % len(_BUILDINGS)]}栋{name}"


def line_about(names: Sequence[dict[str, str]], language: Language, rng: random.Random) -> str:
    """Return a chat line, about one of the pinned products `names` if there is one."""
    line = rng.choice(_LINES_ZH if language == "zh" else _LINES_EN)
    if "{name}" not in line:
        return line
    if not names:
        return "来了来了" if language == "zh" else "Just got here"
    name = spoken_name(rng.choice(names)[language])
    return line.format(name=name if language == "zh" else name.lower())


def spoken_name(name: str) -> str:
    """Return a product's name without weight, number and anything in brackets.

    >>> spoken_name("有机菠菜 300 克"), spoken_name("Fresh bass, about 600 g")
    ('有机菠菜', 'Fresh bass')
    """
    return _SPECIFICS.split(name, maxsplit=1)[0].strip() or name


class Neighbour:
    """One simulated viewer: stays in the room and acts when called."""

    def __init__(
        self,
        shop: Shopfront,
        room_id: str,
        guest: GuestAccount,
        rng: random.Random,
        language: Language = "zh",
    ) -> None:
        self._shop = shop
        self._room_id = room_id
        self._guest = guest
        self._rng = rng
        self._language = language
        self._view = RoomView()
        self._socket: RoomSocket | None = None
        self._bought: set[str] = set()

    async def stay(self) -> None:
        """Stay in the room; reconnect after every loss."""
        while True:
            with contextlib.suppress(ConnectionClosed, InvalidHandshake, OSError):
                async with join_room(
                    self._shop.base_url, self._room_id, self._guest.token
                ) as socket:
                    self._socket = socket
                    async for message in socket.messages():
                        self._view.apply(message)
            self._socket = None
            await asyncio.sleep(RETRY_S * self._rng.uniform(1, 3))

    async def act(self) -> None:
        """Chat, like or order once, if the live is on."""
        if self._socket is None or not self._view.live:
            return
        dice = self._rng.randrange(100)
        with contextlib.suppress(ConnectionClosed):
            if dice < CHAT_PERCENT:
                names = list(self._view.products.values())
                await self._socket.chat(line_about(names, self._language, self._rng))
            elif dice < CHAT_PERCENT + LIKE_PERCENT:
                await self._socket.like(self._rng.randint(1, HEARTS_MAX))
            else:
                await self._buy()

    async def _buy(self) -> None:
        """Join the own estate's group of a pinned product, each group once."""
        for product_id in self._view.products:
            group_id = self._view.group_of(product_id, self._guest.estate_id)
            if group_id is None or group_id in self._bought:
                continue
            if len(self._bought) >= ORDERS_EACH_MAX:
                return
            self._bought.add(group_id)
            # Sold out, joined already, too fast: not an error here.
            with contextlib.suppress(LoadError):
                await self._shop.order(self._guest, self._room_id, product_id, group_id)
            return


async def neighbours(
    base_url: str,
    room_id: str,
    *,
    per_minute: float = ACTIONS_PER_MINUTE,
    limit: int = NEIGHBOURS_MAX,
    language: Language = "zh",
    rng: random.Random | None = None,
) -> None:
    """Let up to `limit` neighbours act, together `per_minute` times a minute, until cancelled.

    They all chat in the language of the brand: nobody's chat is translated.
    """
    rng = rng or random.Random()
    shop = Shopfront(base_url)
    present: list[Neighbour] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_arrive(tasks, shop, room_id, present, limit, language, rng))
            while True:
                await asyncio.sleep(rng.expovariate(per_minute / 60))
                if present:
                    tasks.create_task(rng.choice(present).act())
    finally:
        await shop.close()


async def _arrive(
    tasks: asyncio.TaskGroup,
    shop: Shopfront,
    room_id: str,
    present: list[Neighbour],
    limit: int,
    language: Language,
    rng: random.Random,
) -> None:
    estates: list[str] = []
    while len(present) < limit:
        try:
            estates = estates or await shop.estates(room_id)
            estate = estates[len(present) % len(estates)]
            guest = await shop.become_guest(nickname(len(present)), estate)
        except (NoAnswer, TryLater) as error:
            log.info("a neighbour cannot join yet", why=str(error))
            await asyncio.sleep(RETRY_S)
            continue
        neighbour = Neighbour(shop, room_id, guest, rng, language)
        present.append(neighbour)
        tasks.create_task(neighbour.stay())
        await asyncio.sleep(JOIN_INTERVAL_S * rng.uniform(0.5, 1.5))


def neighbours_command(
    base_url: str,
    room_id: str,
    *,
    per_minute: float = ACTIONS_PER_MINUTE,
    limit: int = NEIGHBOURS_MAX,
    language: Language = "zh",
) -> int:
    """Run `linli neighbours` until SIGINT or SIGTERM; return the exit code."""
    try:
        acting = neighbours(
            base_url, room_id, per_minute=per_minute, limit=limit, language=language
        )
        asyncio.run(_until_signal(acting))
    except ExceptionGroup as group:
        failure = first_of(group)
        if failure is None:
            raise
        log.error("neighbours stopped", why=str(failure))
        return EXIT_REFUSED
    return 0


async def _until_signal(acting: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(acting)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
