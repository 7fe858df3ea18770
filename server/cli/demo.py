"""`linli demo`: the demo shop, live at once.

The server runs in this process. The host and the neighbours are processes of their own that know
the public endpoints only; they end with this one.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import structlog
import typer
from rich.console import Console

from server.access.policy import Principal, Role
from server.access.tokens import HOST_TTL_S
from server.cli.console import run
from server.ops.children import child
from server.ops.secrets import demo_password, demo_password_path
from server.ops.shop_file import ShopFile, read_shop
from server.settings import Settings

if TYPE_CHECKING:
    from server.app import Program

DEMO_TOML = Path(__file__).parents[1] / "demo.toml"
ROOM = "demo"
# The demo talks to itself: a proxy of the environment is for the world outside.
NO_PROXY = {"NO_PROXY": "*", "no_proxy": "*"}
# How long each product stays on the table.
PIN_S = 300.0
# How many households are in the first group when somebody looks.
OPENING = 25
RETRY_S = 2.0
REQUEST_TIMEOUT_S = 10.0

log = structlog.get_logger()


def demo(
    host: Annotated[
        bool, typer.Option("--host/--no-host", help="Start the demo's own host.")
    ] = True,
    neighbours: Annotated[
        bool, typer.Option("--neighbours/--no-neighbours", help="Let demo neighbours chat and buy.")
    ] = True,
    history: Annotated[
        bool, typer.Option("--history", help="Simulate a year for the head office's key figures.")
    ] = False,
) -> None:
    """Run the server with the demo shop, live at once, and print the addresses."""
    run(run_demo(Settings(), DEMO_TOML, host=host, neighbours=neighbours, history=history))


async def run_demo(
    settings: Settings, shop: Path, *, host: bool, neighbours: bool, history: bool = False
) -> None:
    """Serve the shop in the file `shop` until SIGINT or SIGTERM."""
    # Not above: other commands start faster without the server.
    from server.ops.maintenance import load_shop
    from server.run import serve

    plan = read_shop(shop)
    known = demo_password_path(settings).exists()
    password = demo_password(settings)
    # Terminals are kept and shown to others: once is enough.
    how = f"in {demo_password_path(settings)}" if known else password
    base_url = settings.local_url

    async with contextlib.AsyncExitStack() as stack:

        async def ready(program: "Program") -> None:
            token = program.services.access.issue(
                Principal("demo:host", frozenset({Role.HOST}), room_id=ROOM, standby=True),
                HOST_TTL_S,
            )
            if host:
                to = f"{base_url}/live/{ROOM}/whip"
                await stack.enter_async_context(
                    child(["publish", "--to", to], {"LINLI_PUBLISH_TOKEN": token, **NO_PROXY})
                )
                director = asyncio.create_task(direct(base_url, token, plan), name="director")
                stack.push_async_callback(_cancelled, director)
            if neighbours:
                await stack.enter_async_context(
                    child(
                        ["neighbours", "--to", base_url, "--room", ROOM, "--opening", f"{OPENING}"],
                        NO_PROXY,
                    )
                )
            if history:
                seed = ["lake", "seed", "--year", "--brand", plan.brand.id]
                await stack.enter_async_context(child(seed))
            if office := _first(plan, Role.HQ):
                # Not above: see there.
                from server.ops.demo_presale import keep_presale

                commerce, opens = program.services.commerce, f"staff-{office}"
                kept = keep_presale(commerce, plan.brand.id, opens)
                presale = asyncio.create_task(kept, name="demo presale")
                stack.push_async_callback(_cancelled, presale)
            print_addresses(
                settings.port,
                plan.staff[0].username,
                how,
                host=host,
                office=_first(plan, Role.HQ),
                leader=_first(plan, Role.LEADER),
            )

        await load_shop(settings, plan, password)
        # Host and neighbours leave first: without a server they would log errors.
        await serve(settings, ready, stack.aclose)


def _first(plan: ShopFile, role: Role) -> str:
    """Return who logs in with a role, empty when nobody does."""
    return next((person.username for person in plan.staff if role in person.roles), "")


async def direct(base_url: str, token: str, plan: ShopFile) -> None:
    """Put one group-buy product after the other on the table, as a host would.

    What is on presale stays in the bag below them.
    """
    # Not above: see `run_demo`.
    from server.ops.demo_presale import PRODUCT

    products = [product.id for product in plan.products if product.group]
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=base_url, headers=headers, timeout=REQUEST_TIMEOUT_S, trust_env=False
    ) as client:
        shown: Sequence[str] = ()
        turn = 0
        while True:
            product = products[turn % len(products)]
            try:
                if not shown:
                    await _show(client, PRODUCT, ())
                await _show(client, product, shown)
            except httpx.HTTPError as error:
                log.warning("the demo's host could not pin", why=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            shown = (product,)
            turn += 1
            await asyncio.sleep(PIN_S)


async def _show(client: httpx.AsyncClient, product: str, shown: Sequence[str]) -> None:
    pin = await client.put(f"/api/rooms/{ROOM}/pins/{product}", json={})
    pin.raise_for_status()
    for other in shown:
        if other != product:
            (await client.delete(f"/api/rooms/{ROOM}/pins/{other}")).raise_for_status()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def print_addresses(
    port: int, username: str, password: str, *, host: bool, office: str = "", leader: str = ""
) -> None:
    """Print the addresses and the log-in: `password` or where it is."""
    base = f"http://localhost:{port}"
    console = Console(soft_wrap=True, highlight=False)
    console.print("\n[bold green]邻里 Linli[/] is running.\n")
    for what, address, how in (
        ("观看 watch   ", f"{base}/r/{ROOM}", "as a neighbour; narrow the window like a phone"),
        ("开播 go live ", f"{base}/host", f"log in as {username}, password {password}"),
        ("门店 store   ", f"{base}/store", "the same log-in"),
        ("团长 leader  ", f"{base}/leader", f"log in as {leader}, the same password"),
        ("总部 HQ      ", f"{base}/hq", f"log in as {office}, the same password"),
        ("全部 lives   ", f"{base}/", ""),
    ):
        if (address == f"{base}/hq" and not office) or (address == f"{base}/leader" and not leader):
            continue
        console.print(f"  {what} [bold]{address:<34}[/] [dim]{how}[/]")
    if not host:
        console.print(
            f"\nNobody is live yet. Publish with [bold]linli publish --to {base}/live/{ROOM}/whip "
            f"--token $(linli token --role host --room {ROOM})[/]"
        )
    console.print("\n[dim]Ctrl-C ends it; the data stays.[/]\n")
