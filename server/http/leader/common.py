"""What the routes of leaders share: the estate, and who leads it."""

from dataclasses import dataclass

from starlette.requests import Request

from commerce.io.shop.leaders.leaders import Leaders
from server.access.policy import Action, Principal, require
from server.http.bodies import path_id, services_of
from server.services import Services


@dataclass(frozen=True, slots=True)
class Led:
    """A leader at work in one of their estates."""

    services: Services
    principal: Principal
    estate_id: str

    @property
    def leaders(self) -> Leaders:
        """The use cases."""
        return self.services.commerce.leaders


def led(request: Request) -> Led:
    """Return the estate of the path, and its leader, who sent the request.

    Raises:
        Problem: 401 or 403: the principal does not lead it.
    """
    services = services_of(request)
    estate_id = path_id(request, "estate")
    principal = services.access.principal(request)
    require(principal, Action.LEAD, estate_id=estate_id)
    return Led(services, principal, estate_id)
