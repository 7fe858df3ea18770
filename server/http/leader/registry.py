"""All routes of leaders."""

from starlette.routing import Route

from server.http.leader import day, handover

routes: list[Route] = [*day.routes, *handover.routes]
