"""`linli payments`: a payment provider on this machine, to try paying by hand."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Annotated

import typer
import uvicorn

from server.cli.console import out, run
from server.errors import OperatorError
from server.settings import Settings

PORT = 8490

payments_app = typer.Typer(help="A payment provider on this machine.", no_args_is_help=True)


@payments_app.callback()
def payments() -> None:
    """A payment provider on this machine."""


@payments_app.command("sandbox")
def payments_sandbox(
    port: Annotated[int, typer.Option(help="TCP port.")] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    url: Annotated[
        str, typer.Option(help="Base URL of the pay pages, where phones are to scan them.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of the faults.")] = 0,
    errors: Annotated[float, typer.Option(min=0, max=1, help="Calls that get a 5xx.")] = 0.0,
    mute: Annotated[
        float, typer.Option(min=0, max=1, help="Calls that are done and get a 5xx.")
    ] = 0.0,
    lost: Annotated[float, typer.Option(min=0, max=1, help="Webhooks that never come.")] = 0.0,
    twice: Annotated[float, typer.Option(min=0, max=1, help="Webhooks that come twice.")] = 0.0,
    failing: Annotated[float, typer.Option(min=0, max=1, help="Refunds that fail.")] = 0.0,
    delay: Annotated[
        float, typer.Option(min=0, max=3_600, help="Seconds that a webhook takes at most.")
    ] = 0.0,
) -> None:
    """Play WeChat Pay, Alipay and Stripe: their API, signed webhooks, and pages to pay on."""
    from server.sandbox.app import Sandbox
    from server.sandbox.faults import Faults
    from server.sandbox.keys import FOLDER, keys_in

    settings = Settings()
    base = (url or f"http://127.0.0.1:{port}").rstrip("/")
    folder = settings.data_dir / FOLDER
    try:
        keys = keys_in(folder, f"http://127.0.0.1:{port}")
    except (OSError, ValueError) as error:
        raise OperatorError(f"{folder}: {error}") from None
    faults = Faults(seed, errors, mute, lost, twice, failing, delay)
    hook = f"http://127.0.0.1:{settings.port}/hooks/payments/stripe"
    sandbox = Sandbox(keys, base, faults=faults, webhook_url=hook)
    out.print(f"Trades: {base}/", highlight=False, soft_wrap=True)
    for name in ("wechat", "alipay", "stripe"):
        out.print(f"LINLI_PAYMENTS={folder / name}.toml", highlight=False, soft_wrap=True)
    config = uvicorn.Config(sandbox.app, host=host, port=port, log_level="warning", lifespan="off")
    run(_serve(uvicorn.Server(config), sandbox.run()))


async def _serve(server: uvicorn.Server, notices: Coroutine[None, None, None]) -> None:
    sending = asyncio.ensure_future(notices)
    try:
        await server.serve()
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
