"""What the business routes share: bodies read and checked, values written, errors translated."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from commerce.activities.moderation import COHOSTS_MAX
from commerce.after_sales.claims import ClaimOpen, ClaimTooLate, TooManyClaims
from commerce.after_sales.ratings import NotRatable
from commerce.coupons.campaigns import CouponRefused, CouponsRefused
from commerce.errors import (
    AlreadyHandedOver,
    CommerceError,
    IllegalMove,
    InvalidField,
    NoAward,
    NoSeat,
    NotEnoughUnits,
    NotFound,
    NotReadyYet,
    OnAir,
    RefundTooLarge,
    Refusal,
    Refused,
    Rehearses,
    StaleVersion,
    TryAgain,
    UnknownCode,
    UnknownDevice,
    UnknownLink,
)
from commerce.io.shop.activities.errors import (
    DrawClosed,
    DrawFull,
    DrawOpen,
    FlashClosed,
    FlashOpen,
    NotEntered,
    NotLive,
    OtherEstate,
    PollClosed,
    PollOpen,
    TooManyCohosts,
    TooManyQuestions,
    WaitingFull,
    WrongWord,
)
from commerce.io.shop.privacy import OpenOrders
from commerce.orders.splitting import HeldApart
from commerce.orders.tap import KEY_CHARS_MAX, KEY_CHARS_MIN
from commerce.people.consents import ConsentNeeded
from commerce.people.households import BadDwelling
from commerce.people.nicknames import CLUSTERS_MAX, BadNickname, NicknameProblem
from commerce.people.password_policy import WeakPassword
from commerce.people.phones import BadPhone, CodeExpired, CodeNotSent, WrongCode
from server.problem import Problem
from server.services import Services

BODY_BYTES_MAX = 16_384
RETRY_AFTER_S = 1
_KEY = re.compile(rf"[\x21-\x7e]{{{KEY_CHARS_MIN},{KEY_CHARS_MAX}}}")

# An id as it may appear in a path or a body; what it names may still not exist.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]

_REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.SOLD_OUT: (409, "Sold out."),
    Refusal.ALREADY_JOINED: (409, "Household already joined."),
    Refusal.GROUP_CLOSED: (409, "Group closed."),
    Refusal.NO_SLOT: (409, "Every store that has it is full or closed."),
    Refusal.COUPON_TAKEN: (409, "Another order has the coupon, or it has ended."),
    Refusal.COUPON_UNFIT: (409, "The coupon does not fit this order."),
    Refusal.CUT_OFF: (409, "The cut-off of the presale has passed."),
    Refusal.PRESALE_APART: (409, "Presale goods are ordered by themselves."),
    Refusal.LIMIT_REACHED: (409, "Household limit reached."),
    Refusal.NOT_ON_SALE: (409, "Not on sale."),
    Refusal.PRICE_CHANGED: (409, "Price changed."),
    Refusal.KEY_REUSED: (422, "Idempotency-Key reused."),
    Refusal.NOT_YET: (409, "The flash sale has not started."),
    Refusal.FLASH_SOLD_OUT: (409, "The units of the flash sale are taken."),
    Refusal.FLASH_OVER: (409, "The flash sale is over."),
    Refusal.PAYMENT_DECLINED: (402, "The payment was declined. Nothing was charged."),
}
_COUPONS_REFUSED: dict[CouponsRefused, str] = {
    CouponsRefused.ENDED: "There are no coupons now.",
    CouponsRefused.GONE: "All coupons are taken.",
    CouponsRefused.HAD: "The household has had its own.",
    CouponsRefused.NOT_FOR_YOU: "It is for other households.",
    CouponsRefused.TOO_EARLY: "Stay a little longer.",
}
_WITH_LEFT = (Refusal.SOLD_OUT, Refusal.FLASH_SOLD_OUT, Refusal.LIMIT_REACHED)

Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """A request body; members that it does not know are refused, and so is "1" for 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def services_of(request: Request) -> Services:
    """The parts of the running program."""
    services: Services = request.app.state.services
    return services


async def read_body(
    request: Request, model: type[Model], *, empty: str = "", bytes_max: int = BODY_BYTES_MAX
) -> Model:
    """Read and check a JSON body; `empty` is what no body at all stands for.

    Raises:
        Problem: 413 `too-large`, or 422 `bad-request` that names the first wrong member.
    """
    body = await read_bytes(request, bytes_max)
    try:
        return model.model_validate_json(body or empty)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        member = ".".join(str(part) for part in first["loc"])
        raise Problem(
            422, "bad-request", "Invalid request body.", first["msg"], member=member
        ) from None


async def read_bytes(request: Request, bytes_max: int) -> bytes:
    """Read a body.

    Raises:
        Problem: 413 `too-large`; no more than that was read.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise Problem(
                413, "too-large", "Request body too large.", f"At most {bytes_max} bytes."
            )
    return bytes(body)


def path_id(request: Request, name: str) -> str:
    """Return an id from the path.

    Raises:
        Problem: 404 `no-such-…`: what cannot be an id names nothing.
    """
    value: str = request.path_params[name]
    if not re.match(ID_PATTERN, value):
        raise _not_found(name)
    return value


def open_room(request: Request) -> str:
    """Return the room from the path, for those who may see it.

    Raises:
        Problem: 403 `rehearsal` for all but the staff of its brand, or 401 `bad-token`.
    """
    services, room_id = services_of(request), path_id(request, "room")
    if room_id in services.rehearsals.rooms:
        services.rehearsals.require(services.access.principal(request), room_id)
    return room_id


def reply(value: object, status: int = 200) -> Response:
    """Answer with a value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def idempotency_key(request: Request) -> str:
    """Return the request's Idempotency-Key.

    Raises:
        Problem: 400 `key-needed`.
    """
    key, *others = request.headers.getlist("idempotency-key") or [""]
    if others or not _KEY.fullmatch(key):
        raise Problem(
            400,
            "key-needed",
            "Send an Idempotency-Key.",
            f"{KEY_CHARS_MIN} to {KEY_CHARS_MAX} visible ASCII characters, a new one per tap.",
        )
    return key


@contextmanager
def problems() -> Iterator[None]:
    """Translate errors of commerce into problem documents."""
    try:
        yield
    except CommerceError as error:
        raise _problem_of(error) from None


def _problem_of(error: CommerceError) -> Problem:
    match error:
        case Refused():
            status, title = _REFUSALS[error.refusal]
            problem = Problem(status, error.refusal, title)
            if error.refusal in _WITH_LEFT:
                problem.extra["left"] = error.left
            if error.refusal is Refusal.PRICE_CHANGED:
                problem.extra["price_fen"] = error.left
            if error.refusal is Refusal.NOT_YET:
                problem.extra["starts_at_ms"] = error.left
            if error.refusal is Refusal.CUT_OFF:
                problem.extra["cut_off_ms"] = error.left
            if error.product_id:
                problem.extra["product_id"] = error.product_id
            if isinstance(error, HeldApart):
                problem.extra["halves"] = [asdict(half) for half in error.halves]
            return problem
        case TryAgain():
            return Problem(
                503,
                "try-again",
                "Temporarily unavailable.",
                "Nothing was lost; please try again with the same Idempotency-Key.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        case BadNickname():
            return _bad_nickname(error)
        case UnknownLink():
            return Problem(
                404, "no-such-link", "No such link.", "It was used or has ended: ask for a new one."
            )
        case WeakPassword():
            return Problem(422, "bad-request", "Weak password.", str(error), member="password")
        case UnknownDevice():
            return Problem(
                401,
                "unknown-device",
                "Unknown device.",
                "This device is not the guest's: restore with a code from another one.",
            )
        case ConsentNeeded():
            return Problem(
                409,
                "consent-needed",
                "Consent needed.",
                "Show the text of GET /api/consents, and send its version.",
                purpose=error.purpose,
                version=error.version,
            )
        case OpenOrders():
            return Problem(409, "open-orders", "There are open orders.", "Fetch or cancel them.")
        case BadDwelling():
            detail = "Letters, digits and - between them, at most 16."
            return Problem(422, "bad-request", "Invalid request body.", detail, member=error.member)
        case BadPhone():
            detail = "A mobile number, or one that begins with + and its country."
            return Problem(422, "bad-request", "Invalid request body.", detail, member="phone")
        case WrongCode():
            return Problem(422, "wrong-code", "Wrong code.", tries_left=error.tries_left)
        case CodeExpired():
            return Problem(410, "code-expired", "The code has expired.", "Ask for another one.")
        case CodeNotSent():
            return Problem(502, "not-sent", "The message was not sent.", "Please try again later.")
        case NotFound():
            return _not_found(error.kind)
        case FlashOpen():
            return Problem(
                409, "flash-open", "A flash sale is open.", "It has to end before the next one."
            )
        case FlashClosed():
            return Problem(409, "flash-over", "The flash sale is over.")
        case WaitingFull():
            return Problem(409, "waiting-full", "Too many wait already.")
        case PollOpen():
            return Problem(409, "poll-open", "A poll is open.", "Close it before the next one.")
        case PollClosed():
            return Problem(409, "poll-closed", "The poll is over.")
        case CouponRefused():
            title = _COUPONS_REFUSED[error.reason]
            problem = Problem(409, error.reason, title)
            if error.left_s:
                problem.extra["left_s"] = error.left_s
            return problem
        case DrawOpen():
            detail = "It ends by its countdown; while it is open it may be voided."
            return Problem(409, "draw-open", "A draw goes on.", detail)
        case DrawClosed():
            return Problem(409, "draw-closed", "The draw is closed.")
        case DrawFull():
            return Problem(409, "draw-full", "The draw takes no more entries.")
        case NotEntered():
            return Problem(409, "not-entered", "The household has no entry.")
        case OtherEstate():
            return Problem(403, "other-estate", "This draw is for another estate.")
        case WrongWord():
            return Problem(409, "wrong-word", "Another comment is asked for.", word=error.word)
        case OnAir():
            return Problem(409, "on-air", "The room is on air.", "End the live first.")
        case Rehearses():
            detail = "Nothing is sold in a rehearsal: no order was made."
            return Problem(409, "rehearsal", "The room rehearses.", detail)
        case NotLive():
            return Problem(409, "not-live", "Not live.")
        case TooManyCohosts():
            detail = f"At most {COHOSTS_MAX} co-hosts and invitations."
            return Problem(409, "too-many-cohosts", "Enough co-hosts.", detail)
        case TooManyQuestions():
            detail = "Some questions of yours wait for an answer."
            return Problem(409, "too-many-questions", "Enough questions.", detail)
        case InvalidField():
            return Problem(
                422, "bad-request", "Invalid request.", error.reason, member=error.member
            )
        case NotEnoughUnits():
            return Problem(409, "not-enough-units", "Not enough units.", left=error.left)
        case StaleVersion():
            return Problem(
                412,
                "stale-version",
                "Edited elsewhere.",
                "Somebody else has changed it since; read it again.",
                version=error.version,
            )
        case RefundTooLarge():
            return Problem(409, "nothing-left", "Less is left to refund.", left=error.left)
        case ClaimTooLate():
            return Problem(
                409, "claim-too-late", "Too late for a claim.", "Within a day of the handover."
            )
        case ClaimOpen():
            return Problem(409, "claim-open", "A claim of this part is not decided yet.")
        case TooManyClaims():
            return Problem(409, "too-many-claims", "Too many claims in 30 days.")
        case NotRatable():
            return Problem(409, "not-ratable", "It cannot be rated now.")
        case NoAward():
            return Problem(
                409, "no-award", "Nothing to win.", "The group has no award, or is over."
            )
        case NoSeat():
            return Problem(409, "no-seat", "Join first.", "Who has joined invites others.")
        case IllegalMove():
            return Problem(
                409, "illegal-move", "Illegal order transition.", str(error), state=error.state
            )
        case UnknownCode():
            return Problem(404, "unknown-code", "Unknown pickup code.")
        case AlreadyHandedOver():
            return Problem(
                409,
                "already-handed-over",
                "Already handed over.",
                handed_over_at_ms=error.handed_over_at_ms,
            )
        case NotReadyYet():
            return Problem(409, "not-ready", "Order not ready.")
        case _:
            raise error


def _bad_nickname(error: BadNickname) -> Problem:
    reasons = {
        NicknameProblem.EMPTY: "Nothing is visible in it.",
        NicknameProblem.TOO_LONG: f"It has more than {CLUSTERS_MAX} characters.",
        NicknameProblem.CHARACTER: f"It may not have {error.character} there.",
    }
    detail = reasons[error.problem]
    problem = Problem(
        422, "bad-request", "Invalid request body.", detail, member="nickname", reason=error.problem
    )
    if error.character:
        problem.extra["character"] = error.character
    return problem


def _not_found(kind: str) -> Problem:
    return Problem(404, f"no-such-{kind}", f"No such {kind}.")
