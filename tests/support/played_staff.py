"""Staff of a played head office: rows of its list, and the one-time links that it gives."""

from typing import Any

from tests.support.played_places import Row, text

LINK = {"token": "once-only-secret", "kind": "invitation", "ends_at_ms": 1_800_000_000_000}


def people() -> list[Row]:
    """One in each state."""

    def person(id: str, name: str, roles: list[str], **more: Any) -> Row:
        store = text("邻鲜优选·春江店", "Linxian Spring River") if "hq" not in roles else None
        where: Row = {
            "store_id": "s1" if store else "",
            "store_name": store,
            "room_id": "",
            "estate_ids": [],
        }
        states = {"active": True, "invited": False, "totp": False, "version": 1}
        return {"id": id, "username": id, "name": name, "roles": roles, **where, **states, **more}

    return [
        person("chunjiang", "春江店店主", ["host", "store"]),
        person("xiaolin", "小林", ["store"], invited=True),
        person("laowang", "老王", ["store"], active=False),
        person("st1", "陈店长", ["hq"]),
    ]


def opened_link() -> Row:
    """What whoever opens an invitation sees."""
    who = {"kind": "invitation", "username": "xiaolin", "name": "小林", "roles": ["store"]}
    return {**who, "brand": text("邻鲜优选", "Linxian Select"), "ends_at_ms": LINK["ends_at_ms"]}


def trail() -> Row:
    """Some entries of the audit trail."""

    def entry(n: int, actor: str, action: str, subject: str, before: Any, after: Any) -> Row:
        what = {"actor": actor, "action": action, "subject": subject}
        at_ms = 1_780_000_000_000 + n * 60_000
        return {"n": n, "at_ms": at_ms, **what, "before": before, "after": after, "hash": "0" * 64}

    names = ({"name_zh": "春江店"}, {"name_zh": "邻鲜优选·春江店"})
    return {
        "entries": [
            entry(42, "st1", "store.edit", "s1", *names),
            entry(41, "chunjiang", "order.move", "o1", {"state": "new"}, {"state": "picking"}),
            entry(40, "operator", "staff.load", "chunjiang", None, {"active": True}),
        ],
        "next": 40,
    }


def chain() -> Row:
    """What the check of the trail says."""
    actors = ["chunjiang", "operator", "st1"]
    actions = ["order.move", "staff.load", "store.edit"]
    return {"entries": 42, "broken": 0, "actors": actors, "actions": actions}
