"""All routes of leaders."""

from starlette.routing import Route

from server.http.leader import commission, day, handover, note_cards, reminders, share, walk

routes: list[Route] = [
    *day.routes,
    *handover.routes,
    *reminders.routes,
    *commission.routes,
    *share.routes,
    *walk.routes,
    *note_cards.routes,
]
