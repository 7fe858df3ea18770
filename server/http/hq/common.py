"""What the routes of the head office share: principal, brand, lists and versions."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from commerce.catalogue.paging import PAGE_MAX, PER_PAGE_MAX, PageQuery
from commerce.io.commerce import Commerce
from server.access.policy import Action, require
from server.http.bodies import services_of
from server.problem import Problem
from server.services import Services

SEARCH_CHARS_MAX = 100
_NUMBER = re.compile(r"[0-9]{1,9}")
_ENTITY_TAG = re.compile(r'"([0-9]{1,18})"')


@dataclass(frozen=True, slots=True)
class Office:
    """Somebody of the head office, at work."""

    services: Services
    brand_id: str
    staff_id: str

    @property
    def commerce(self) -> Commerce:
        """Everything that sells."""
        return self.services.commerce


def office(request: Request) -> Office:
    """Return who of the head office sent `request`.

    Raises:
        Problem: 401 or 403: nobody of a head office, or an administrator of no brand where the
            installation has several.
    """
    services = services_of(request)
    principal = services.access.principal(request)
    require(principal, Action.MANAGE_BRAND, brand_id=principal.brand_id)
    brand_id, only = principal.brand_id, services.commerce.catalogue.only_brand
    if not brand_id and only is not None:
        brand_id = only.id
    if not brand_id:
        raise Problem(
            403, "brand-needed", "The token names no brand.", "Make one with `linli token --brand`."
        )
    return Office(services, brand_id, principal.subject)


def page_query(request: Request) -> PageQuery:
    """Return which part of a list is wanted, from `q`, `sort`, `page` and `per_page`.

    Raises:
        Problem: 422 `bad-request` that names the parameter.
    """
    given = request.query_params
    words, sort = given.get("q", "").strip(), given.get("sort", "")
    if len(words) > SEARCH_CHARS_MAX:
        raise bad_member("q", f"At most {SEARCH_CHARS_MAX} characters.")
    return PageQuery(
        words=words,
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        page=_number(given.get("page", "1"), "page", PAGE_MAX),
        per_page=_number(given.get("per_page", "20"), "per_page", PER_PAGE_MAX),
    )


def expected_version(request: Request) -> int:
    """Return the version that an edit began with, from If-Match (RFC 9110 section 13.1.1).

    Raises:
        Problem: 428 `no-if-match`, or 422 `bad-request`.
    """
    header = request.headers.get("if-match", "")
    if not header:
        raise Problem(428, "no-if-match", "If-Match required.", "Send the version as its value.")
    found = _ENTITY_TAG.fullmatch(header.strip())
    if not found:
        raise bad_member("If-Match", 'The version in quotes, such as "3".')
    return int(found[1])


def bad_member(member: str, detail: str) -> Problem:
    """A 422 that names what is wrong."""
    return Problem(422, "bad-request", "Invalid request.", detail, member=member)


def _number(value: str, name: str, largest: int) -> int:
    if not _NUMBER.fullmatch(value) or not 1 <= int(value) <= largest:
        raise bad_member(name, f"A whole number from 1 to {largest}.")
    return int(value)
