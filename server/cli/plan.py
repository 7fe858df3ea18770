"""`linli plan`: how many machines an evening takes."""

import json
import re
import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from server.cli.console import out
from server.errors import OperatorError
from server.ops.capacity import DatabaseLoad, Demand, Plan
from server.ops.capacity import plan as plan_for

_UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


def plan(
    viewers: Annotated[int, typer.Option(help="Viewers of all lives together.", min=1)],
    lives: Annotated[int, typer.Option(help="Lives at a time.", min=1)] = 1,
    bitrate: Annotated[str, typer.Option(help="Video of one viewer, bit/s.")] = "1.4M",
    cores: Annotated[int, typer.Option(help="Cores of a node.", min=1)] = 8,
    link: Annotated[str, typer.Option(help="Network link of a node, bit/s.")] = "10G",
    chat: Annotated[float, typer.Option(help="Chat lines a second in a room.", min=0)] = 1.0,
    orders: Annotated[
        float | None,
        typer.Option(help="Orders a second. Default: 2 % of the viewers in a minute.", min=0),
    ] = None,
    arrival_s: Annotated[
        float, typer.Option("--arrival-s", help="All viewers come within, s.", min=1)
    ] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Print how many nodes of which size, ports, bandwidth and databases an evening takes."""
    found = plan_for(
        Demand(
            viewers=viewers,
            lives=lives,
            bitrate_bps=bits_per_s("--bitrate", bitrate),
            cores=cores,
            link_bps=bits_per_s("--link", link),
            chat_per_s=chat,
            orders_per_s=orders,
            arrival_s=arrival_s,
        )
    )
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
    else:
        _show(found)
    if found.problems:
        sys.exit(1)


def bits_per_s(option: str, text: str) -> float:
    """Read `1.4M`, `900k`, `10G` or a number.

    Raises:
        OperatorError: It is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", text.strip())
    if match is None or not float(match[1]):
        raise OperatorError(f"{option}: {text!r} is no bitrate, such as 1.4M or 900k.")
    return float(match[1]) * _UNITS[match[2]]


def _show(found: Plan) -> None:
    node, demand = found.node, found.demand
    table = Table("what", "how much", box=None)
    rows = {
        "nodes": f"{found.nodes:,}, one of them spare (bound by {found.bound_by})",
        "one node": f"{node.cores} cores, {node.memory_gib:g} GiB, {node.workers} × `linli serve`",
        "viewers of a node": f"{node.viewers:,}, {_bits(node.out_bps)} out",
        "ports of a node": f"UDP {_range(node.ice_ports)} open to the world, "
        f"UDP {_range(node.hop_ports)} to the other nodes, "
        f"TCP 443 to its proxy, TCP {_range(node.rtmp_ports)} for encoders; "
        f"TCP {_range(node.http_ports)} behind the proxy",
        "open files of a worker": f"LimitNOFILE={node.files}",
        "bandwidth": f"{_bits(found.out_bps)} out, "
        f"{_bits(demand.lives * demand.bitrate_bps)} or more in",
        "largest live of a worker": f"{found.viewers_per_live_max:,} viewers; "
        "larger ones are spread over several",
        "Redis": _load(found.redis, "commands"),
        "PostgreSQL": _load(found.postgres, "transactions and queries"),
    }
    for name, text in rows.items():
        table.add_row(name, text)
    out.print(table)
    for problem in found.problems:
        out.print(f"[red]not carried:[/] {escape(problem)}", highlight=False)
    out.print("\nassumed:", highlight=False)
    for each in found.assumptions:
        out.print(f"- {escape(each)}", highlight=False)


def _load(store: DatabaseLoad, requests: str) -> str:
    delivered = f"{store.deliveries_per_s:,.0f} deliveries/s, " if store.deliveries_per_s else ""
    return (
        f"{store.requests_per_s:,.0f} {requests}/s, {delivered}"
        f"{max(store.cores, 0.1):.1f} cores, up to {store.connections:,} connections"
    )


def _range(ports: tuple[int, int]) -> str:
    first, last = ports
    return str(first) if first == last else f"{first}–{last}"


def _bits(bps: float) -> str:
    return f"{bps / 1e9:,.1f} Gbit/s" if bps >= 1e9 else f"{bps / 1e6:,.0f} Mbit/s"
