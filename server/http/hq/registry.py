"""All routes of the head office; a new subject is a module beside this one and a line here.

Each route begins with `office(request)` (common.py), which admits staff with the role `hq` and says
whose brand it is; what a path names is looked up within that brand.
"""

from starlette.routing import Route

from server.http.hq import (
    after_sales,
    audit,
    barcodes,
    books,
    categories,
    chats,
    coupons,
    goods,
    invites,
    kpi,
    leaders,
    lists,
    moderation,
    note_cards,
    orders,
    pictures,
    places,
    presales,
    schedule,
    staff,
    wall,
    warehouse_stock,
)

routes: list[Route] = [
    *places.routes,
    *warehouse_stock.routes,
    *categories.routes,
    *coupons.routes,
    *presales.routes,
    *goods.routes,
    *barcodes.routes,
    *lists.routes,
    *staff.routes,
    *leaders.routes,
    *orders.routes,
    *audit.routes,
    *moderation.routes,
    *after_sales.routes,
    *books.routes,
    *pictures.routes,
    *note_cards.routes,
    *invites.routes,
    *schedule.routes,
    *wall.routes,
    *kpi.routes,
    *chats.routes,
]
