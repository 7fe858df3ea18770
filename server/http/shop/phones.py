"""Routes about a guest's household: the phone number, proved by a code, and the flat."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.people.consents import Purpose
from commerce.people.households import dwelling_of
from commerce.people.phones import CODE_TTL_MS, last_four
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, problems, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem
from server.services import Services


class NewPhone(Body):
    """A phone number as it was typed."""

    phone: Annotated[str, Field(min_length=1, max_length=64)]
    consent: Annotated[str, Field(max_length=16)] = ""
    sms: Annotated[str, Field(max_length=16)] = ""


class TypedCode(Body):
    """A one-time code as it was typed."""

    code: Annotated[str, Field(pattern=r"^\s*[0-9]{6}\s*$")]


class NewDwelling(Body):
    """A building and a flat as they were typed."""

    building: Annotated[str, Field(min_length=1, max_length=64)]
    flat: Annotated[str, Field(min_length=1, max_length=64)]
    consent: Annotated[str, Field(max_length=16)] = ""


async def show(request: Request) -> Response:
    """`GET /api/me/phone`: the last digits of one's verified number, and whether one is needed."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    brand = services.commerce.catalogue.brand_of("estate", principal.estate_id)
    digits = await services.commerce.phones.last_four(principal.subject)
    member = digits is not None and brand is not None and brand.member_prices
    needed = brand is not None and brand.phone_needed
    numbers = services.commerce.sms_numbers
    sms = None if numbers.sms is None else await numbers.is_kept(principal.subject)
    return reply({"last_four": digits, "needed": needed, "member": member, "sms": sms})


async def send_code(request: Request) -> Response:
    """`POST /api/me/phone`: a code goes to a number."""
    services = services_of(request)
    phones, limits = services.commerce.phones, services.limits
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    brand_id = services.commerce.catalogue.brand_id("estate", principal.estate_id)
    body = await read_body(request, NewPhone)
    with problems():
        typed = phones.read(body.phone, principal.estate_id)
        await services.commerce.privacy.agree(principal.subject, Purpose.PHONE, body.consent)
        keep = bool(body.sms) and services.commerce.sms_numbers.sms is not None
        if keep:
            await services.commerce.privacy.agree(principal.subject, Purpose.SMS, body.sms)
    await limits.take(LimitKind.PHONE_ADDRESS, limits.address(request))
    await limits.take(LimitKind.PHONE_NUMBER, typed.hash)
    await limits.take(LimitKind.PHONE_BRAND, brand_id)
    with problems():
        await phones.send_code(principal.subject, typed, keep=keep)
    answer = {"last_four": last_four(typed.phone), "expires_in_s": CODE_TTL_MS // 1_000}
    return reply(answer, 202)


async def verify(request: Request) -> Response:
    """`POST /api/me/phone/verify`: the code comes back, and the number is the guest's."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    body = await read_body(request, TypedCode)
    await services.limits.take(LimitKind.PHONE_CODE, principal.subject)
    with problems():
        digits = await services.commerce.phones.verify(principal.subject, body.code.strip())
    return reply({"last_four": digits})


async def stop_sms(request: Request) -> Response:
    """`DELETE /api/me/phone/sms`: no notices by SMS, and the number is kept no more; idempotent."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    await services.commerce.sms_numbers.forget(principal.subject)
    return Response(status_code=204)


async def require_phone(services: Services, principal: Principal) -> None:
    """Refuse a guest without a verified number where the brand asks for one.

    Raises:
        Problem: 403 `phone-needed`.
    """
    brand = services.commerce.catalogue.brand_of("estate", principal.estate_id)
    if brand is None or not brand.phone_needed:
        return
    if not await services.commerce.phones.is_proved(principal.subject):
        raise Problem(
            403,
            "phone-needed",
            "A verified phone number is needed.",
            "POST /api/me/phone sends a code.",
        )


async def is_member(services: Services, principal: Principal) -> bool:
    """Whether a guest pays members' prices: where the brand has them, with a verified number."""
    brand = services.commerce.catalogue.brand_of("estate", principal.estate_id)
    if brand is None or not brand.member_prices:
        return False
    return await services.commerce.phones.is_proved(principal.subject)


async def household(request: Request) -> Response:
    """`GET /api/me/household`: how many people it has, and the flat that one has named."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    with problems():
        return reply(await services.commerce.households.show(principal.subject))


async def claim(request: Request) -> Response:
    """`PUT /api/me/dwelling`: where one lives; the shop confirms it."""
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.ORDER)
    await services.limits.take(LimitKind.MOVE, principal.subject)
    body = await read_body(request, NewDwelling)
    with problems():
        dwelling = dwelling_of(body.building, body.flat)
        await services.commerce.privacy.agree(principal.subject, Purpose.DWELLING, body.consent)
        await services.commerce.households.claim(principal.subject, dwelling)
        return reply(await services.commerce.households.show(principal.subject))


routes = [
    Route("/api/me/household", household, methods=["GET"]),
    Route("/api/me/dwelling", claim, methods=["PUT"]),
    Route("/api/me/phone", show, methods=["GET"]),
    Route("/api/me/phone", send_code, methods=["POST"]),
    Route("/api/me/phone/sms", stop_sms, methods=["DELETE"]),
    Route("/api/me/phone/verify", verify, methods=["POST"]),
]
