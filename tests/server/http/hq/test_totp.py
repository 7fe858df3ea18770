"""Staff log in with an authenticator: set up, asked for, reset by the head office, required."""

import base64
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from commerce.catalogue.values import Text
from commerce.io.record.schema_staff import staff
from commerce.io.shop.brands.brands import Brands, NewBrand
from commerce.people.totp import STEP_S, code_at, step_at
from tests.support.head_office import BRAND, HeadOffice

PASSWORD = "a quiet harbour 7"


class Person:
    """Somebody of the head office, and their authenticator app."""

    def __init__(self, hq: HeadOffice, username: str) -> None:
        self.hq = hq
        self.username = username
        self.token = ""
        self.secret = b""
        self.staff: dict[str, Any] = {}

    async def log_in(self, code: str = "") -> httpx.Response:
        """Log in, with a code or without."""
        body = {"username": self.username, "password": PASSWORD, **({"code": code} if code else {})}
        answer = await self.hq.client.post("/api/login", json=body)
        if answer.status_code == 200:
            self.token, self.staff = answer.json()["token"], answer.json()["staff"]
        return answer

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request with the token of the last log-in."""
        return await self.hq.ask(method, path, body, token=self.token)

    def code(self, later: int = 0) -> str:
        """What the app shows, so many steps later."""
        return code_at(self.secret, step_at(self.hq.shop.clock() / 1_000) + later)

    def wait(self) -> None:
        """Let the step of the last code pass."""
        self.hq.shop.clock.ahead_ms += STEP_S * 1_000

    async def enrol(self) -> list[str]:
        """Set the app up; return the recovery codes."""
        made = await self.ask("POST", "/api/me/totp", {"password": PASSWORD})
        assert made.status_code == 201, made.text
        assert made.json()["qr"].startswith("data:image/svg+xml")
        padded = made.json()["secret"]
        self.secret = base64.b32decode(padded + "=" * (-len(padded) % 8))
        done = await self.ask("POST", "/api/me/totp/confirm", {"code": self.code()})
        assert done.status_code == 200, done.text
        self.token, self.staff = done.json()["token"], done.json()["staff"]
        self.wait()
        return list(done.json()["recovery_codes"])


def kind(answer: httpx.Response) -> tuple[int, str]:
    """The status and the problem."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


@pytest.fixture
async def boss(hq: HeadOffice) -> Person:
    """The first account of a brand's head office."""
    new = NewBrand("n", Text("新", "New"), "boss", "Boss", PASSWORD)
    await Brands(hq.shop.engine).create(new)
    async with hq.shop.commerce.record.write() as connection:
        mine = staff.c.username == "boss"
        await connection.execute(update(staff).where(mine).values(brand_id=BRAND))
    person = Person(hq, "boss")
    assert (await person.log_in()).status_code == 200
    return person


async def test_log_in_asks_for_a_code_that_is_good_once(boss: Person) -> None:
    wrong = await boss.ask("POST", "/api/me/totp", {"password": "not mine"})
    assert kind(wrong) == (403, "bad-credentials")
    old = boss.token
    await boss.enrol()
    assert boss.token != old and boss.staff["roles"] == ["hq"]
    assert (await boss.ask("GET", "/api/hq/staff")).status_code == 200
    assert kind(await boss.log_in()) == (401, "code-needed")
    code = boss.code()
    assert kind(await boss.log_in(code[:-1] + str((int(code[-1]) + 1) % 10))) == (401, "wrong-code")
    assert (await boss.log_in(code)).status_code == 200
    assert kind(await boss.log_in(code)) == (401, "wrong-code")
    again = await boss.ask("POST", "/api/me/totp", {"password": PASSWORD})
    assert kind(again) == (409, "totp-on")


async def test_a_recovery_code_is_good_once_and_turns_it_off(boss: Person) -> None:
    first, second, *others = await boss.enrol()
    assert len({first, second, *others}) == 10
    assert (await boss.log_in(first.lower())).status_code == 200
    assert kind(await boss.log_in(first)) == (401, "wrong-code")
    state = (await boss.ask("GET", "/api/me/totp")).json()
    assert (state["enabled"], state["recovery_codes_left"], state["needed"]) == (True, 9, False)
    wrong = await boss.ask("POST", "/api/me/totp/off", {"code": first})
    assert kind(wrong) == (422, "wrong-code")
    assert (await boss.ask("POST", "/api/me/totp/off", {"code": second})).status_code == 204
    assert (await boss.log_in()).status_code == 200


async def test_a_brand_may_need_it_and_another_one_of_the_office_resets_it(
    hq: HeadOffice, boss: Person
) -> None:
    version = (await hq.read("/api/hq/brand"))["version"]
    needed = await hq.ask("PATCH", "/api/hq/brand", {"totp_needed": True}, version=version)
    assert needed.status_code == 200, needed.text
    await boss.log_in()
    assert boss.staff["totp_needed"] and boss.staff["roles"] == []
    assert (await boss.ask("GET", "/api/hq/staff")).status_code == 403
    await boss.enrol()
    assert (await boss.ask("GET", "/api/hq/staff")).status_code == 200
    off = await boss.ask("POST", "/api/me/totp/off", {"code": boss.code()})
    assert kind(off) == (409, "totp-needed")
    own = await boss.ask("DELETE", f"/api/hq/staff/{boss.staff['id']}/totp")
    assert own.status_code == 404
    assert (await hq.read(f"/api/hq/staff/{boss.staff['id']}"))["totp"] is True
    reset = await hq.ask("DELETE", f"/api/hq/staff/{boss.staff['id']}/totp")
    assert reset.status_code == 204
    await boss.log_in()
    assert boss.staff["totp_needed"]
    entries = (await hq.read("/api/hq/audit"))["entries"]
    actions = [entry["action"] for entry in entries if entry["subject"] == boss.staff["id"]]
    assert {"staff.totp-on", "staff.totp-reset"} <= set(actions)


async def test_guests_and_strangers_set_up_nothing(hq: HeadOffice) -> None:
    assert (await hq.client.get("/api/me/totp")).status_code == 401
    # An operator's token names nobody of the staff.
    assert (await hq.ask("GET", "/api/me/totp")).status_code == 404
