"""A worker with one room in memory, as a program: prints its port, ends with its input.

With each line `change` of input the room's poll gets a vote, and its flash sale sells a unit; with
each line `purchase` a household has bought.
"""

import asyncio
import sys

from rooms.messages import Purchase
from server.bridge.channels.activities import Poll, PollChanged
from server.bridge.channels.flash import Flash, FlashChanged
from server.net.addresses import Proxies
from tests.support.room_hubs import memory_hub, serving

CONNECTIONS_MAX = 6_000
FAR_MS = 1 << 42
UNITS = 500


async def main() -> None:
    """Serve until the input ends."""
    proxies = Proxies.parse(["127.0.0.1"])
    async with (
        memory_hub() as hub,
        serving(hub, trust_proxy=proxies, connections_max=CONNECTIONS_MAX) as server,
    ):
        print(server.port, flush=True)
        changes, bought = 0, 0
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line == "purchase\n":
                bought += 1
                purchase = Purchase("group", "李*", "tea")
                hub.publish_purchase("room:demo", f"order-{bought}", purchase)
                continue
            changes += 1
            poll = Poll("poll-1", "今晚吃什么?", ("饺子", "面条"), (changes, 7), FAR_MS)
            sale = Flash("sale-1", "tea", 700, 990, UNITS, UNITS - changes, 1, 0, FAR_MS)
            await hub.announce("room:demo", PollChanged(poll=poll))
            await hub.announce("room:demo", FlashChanged(flash=sale))


if __name__ == "__main__":
    asyncio.run(main())
