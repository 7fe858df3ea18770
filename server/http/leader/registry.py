"""All routes of leaders."""

from starlette.routing import Route

from server.http.leader import day

routes: list[Route] = [*day.routes]
