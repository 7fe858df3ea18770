"""Routes by which leaders hand over, also what they scanned without a network."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.record.engine import wall_clock
from commerce.leaders.scans import REASON_CHARS_MAX, SCANS_MAX, Scan, ScanHow, ScanOutcome
from server.http.bodies import Body, problems, read_body, reply
from server.http.leader.common import Led, led
from server.limits import LimitKind

BODY_BYTES_MAX = 64 * 1_024
CODE_CHARS_MAX = 160  # with a signature


class SentScan(Body):
    """A scan as a phone sends it; see `Scan`."""

    seq: Annotated[int, Field(ge=1, le=2_000_000_000)]
    at_ms: Annotated[int, Field(ge=0, le=10**14)]
    code: Annotated[str, Field(max_length=CODE_CHARS_MAX)] = ""
    order_id: Annotated[str, Field(max_length=64)] = ""
    household_id: Annotated[str, Field(max_length=64)] = ""
    last_four: Annotated[str, Field(pattern=r"^[0-9]{4}$|^$")] = ""
    reason: Annotated[str, Field(max_length=REASON_CHARS_MAX)] = ""
    batch: bool = False


class SentScans(Body):
    """What one device scanned."""

    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
    device_name: Annotated[str, Field(min_length=1, max_length=40)]
    scans: Annotated[list[SentScan], Field(min_length=1, max_length=SCANS_MAX)]


async def codes(request: Request) -> Response:
    """`GET /api/leader/estates/{estate}/codes`: by what a phone checks codes offline."""
    at = led(request)
    with problems():
        return reply(await at.leaders.handover.offline_codes(at.estate_id))


async def scans(request: Request) -> Response:
    """`POST /api/leader/estates/{estate}/scans`: goods are handed over, each scan once."""
    at = led(request)
    body = await read_body(request, SentScans, bytes_max=BODY_BYTES_MAX)
    outcomes: list[ScanOutcome] = []
    with problems():
        for sent in sorted(body.scans, key=lambda scan: scan.seq):
            scan = _scan(body, sent)
            await _limit(at, scan)
            outcomes.append(
                await at.leaders.handover.hand_over(at.estate_id, scan, at.principal.subject)
            )
    return reply({"results": outcomes})


def _scan(body: SentScans, sent: SentScan) -> Scan:
    without_code = ScanHow.BATCH if sent.batch else ScanHow.TAIL
    return Scan(
        device=body.device,
        device_name=body.device_name,
        seq=sent.seq,
        how=ScanHow.CODE if sent.code or sent.order_id else without_code,
        scanned_at_ms=min(sent.at_ms, wall_clock()),
        code=sent.code,
        order_id=sent.order_id,
        household_id=sent.household_id,
        last_four=sent.last_four,
        reason=sent.reason.strip(),
    )


async def _limit(at: Led, scan: Scan) -> None:
    """Bound all tries on the codes of an estate, and on a household's four digits.

    By estate and household, not by address or account: many of those together get no more.
    """
    await at.services.limits.take(LimitKind.LEADER_CODE, at.estate_id)
    if scan.how is ScanHow.TAIL:
        key = f"{at.estate_id}:{scan.household_id}"
        await at.services.limits.take(LimitKind.LEADER_TAIL, key)


routes = [
    Route("/api/leader/estates/{estate}/codes", codes, methods=["GET"]),
    Route("/api/leader/estates/{estate}/scans", scans, methods=["POST"]),
]
