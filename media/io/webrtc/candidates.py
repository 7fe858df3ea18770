"""The addresses that a worker offers as ICE candidates: those configured, or its own.

A configured name is resolved at the start, A and AAAA, and again every RESOLVE_EVERY_S, since the
address behind a name may change; what cannot be resolved any more keeps its addresses.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

import ifaddr
import structlog

from media.errors import Unresolvable
from media.wire.address import ip_of

RESOLVE_EVERY_S = 60.0
RESOLVE_TIMEOUT_S = 10.0
LOOPBACK = ("127.0.0.1", "::1")

log = structlog.get_logger()

Resolve = Callable[[str], Awaitable[Sequence[str]]]


async def resolve(name: str) -> Sequence[str]:
    """Return the addresses of a name.

    Raises:
        OSError, UnicodeError: It has none, or nobody can say now.
    """
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Candidates:
    """Open with `open`, close with `close`; `addresses` may change from one call to the next."""

    def __init__(self, configured: Sequence[str], *, ipv6: bool, resolve: Resolve) -> None:
        """`ipv6`: whether our socket has both families."""
        self._configured = tuple(configured)
        self._ipv6 = ipv6
        self._resolve = resolve
        self._resolved: dict[str, tuple[str, ...]] = {}
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, configured: Sequence[str], *, ipv6: bool = True, resolve: Resolve = resolve
    ) -> "Candidates":
        """Resolve what is a name, and keep it resolved.

        Raises:
            Unresolvable: Something configured is neither an address nor a name that resolves.
        """
        candidates = cls(configured, ipv6=ipv6, resolve=resolve)
        names = candidates._names()
        for name in names:
            candidates._resolved[name] = await candidates._look_up(name)
        if names:
            candidates._task = asyncio.create_task(candidates._keep(), name="resolve candidates")
        return candidates

    async def close(self) -> None:
        """Resolve no more; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def addresses(self) -> list[str]:
        """Return the addresses to offer now; without any configured all of this machine's."""
        if not self._configured:
            return [*local_addresses(ipv6=self._ipv6)]
        given = [self._resolved.get(name, (name,)) for name in self._configured]
        return list(dict.fromkeys(address for each in given for address in each))

    def _names(self) -> list[str]:
        return [name for name in dict.fromkeys(self._configured) if not is_address(name)]

    async def _look_up(self, name: str) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await self._resolve(name)
        except (OSError, UnicodeError):  # a timeout is an OSError
            raise Unresolvable(name) from None
        usable = tuple(address for address in found if self._ipv6 or ip_of(address).version == 4)
        if not usable:
            raise Unresolvable(name)
        return usable

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RESOLVE_EVERY_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Resolve every name again."""
        for name in self._names():
            try:
                found = await self._look_up(name)
            except Unresolvable:
                log.warning("a candidate's name does not resolve now", name=name)
                continue
            if set(found) != set(self._resolved[name]):
                log.info("a candidate's name has other addresses", name=name, addresses=found)
                self._resolved[name] = found


def is_address(text: str) -> bool:
    """Whether it is an IP address, not a name."""
    try:
        ip_of(text)
    except ValueError:
        return False
    return True


def local_addresses(*, ipv6: bool) -> list[str]:
    """Return this machine's addresses, those of loopback last.

    Link-local ones are left out: without a scope, which is the peer's own matter, they say nothing.
    """
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            text = each.ip if isinstance(each.ip, str) else each.ip[0]
            ip = ip_of(text)
            if ip.version == 4 or (ipv6 and not ip.is_link_local):
                found.append(str(ip))
    remote = [address for address in found if not ip_of(address).is_loopback]
    remote.sort(key=lambda address: ip_of(address).version)
    loopback = [address for address in LOOPBACK if address in found or address == LOOPBACK[0]]
    return [*dict.fromkeys(remote), *loopback]
