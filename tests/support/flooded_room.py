"""A worker with one room in memory, as a program: prints its port, ends with its input."""

import asyncio
import sys

from server.net.addresses import Proxies
from tests.support.room_hubs import memory_hub, serving


async def main() -> None:
    """Serve until the input ends."""
    proxies = Proxies.parse(["127.0.0.1"])
    async with (
        memory_hub() as hub,
        serving(hub, trust_proxy=proxies, connections_max=5_000) as server,
    ):
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
