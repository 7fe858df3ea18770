"""Networks that let no media of WebRTC through, and a live to miss in them."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.running import Running
from tests.support.waiting import wait_until

# Nothing passes but what a TURN server relays, whatever the page asks for, until the network opens.
CLOSED_NETWORK = """
  const Open = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Open {
    constructor(configuration) {
      super(window.networkIsOpen ? configuration : {...configuration, iceTransportPolicy: 'relay'})
    }
  }
"""


@asynccontextmanager
async def published(linli: Running, *options: str) -> AsyncIterator[None]:
    """A live in the room, from generated video; `options` are those of `linli publish`."""
    host = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "publish", *options),
        *("--to", linli.whip, "--token", await linli.host_token()),
        env=linli.env,
    )
    try:
        await wait_until(lambda: linli.is_in("live"), what="the live")
        yield
    finally:
        host.terminate()
        await host.wait()
