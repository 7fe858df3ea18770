"""Lucky bags over HTTP, and the script with which anybody recounts one."""

import contextlib
import io
import json
import re
import sys
from pathlib import Path

import pytest

from commerce.activities.draws import REVEAL_AFTER_MS
from tests.support.shop_routes import bearer, clerk, guest, shop_routes

DEMO = "/api/rooms/demo"
GUIDE = Path(__file__).parents[4] / "docs" / "lucky-bag.md"


def recount(draw: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the guide's script on a draw; return what it prints."""
    script = re.search(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert script and len(script[1].strip().splitlines()) <= 24
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(draw)))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(script[1], str(GUIDE), "exec"), {})
    return printed.getvalue().split()


async def test_a_draw_is_opened_entered_revealed_and_recounted(
    sqlite_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop_routes(sqlite_url, valkey_url) as web:
        host = bearer(await clerk(web))
        anna, bo = [bearer(await guest(web, name)) for name in ("anna", "bo")]
        new = {"product_id": "tea", "winners": 1, "duration_s": 60, "word": "要喝茶"}
        assert (await web.post(f"{DEMO}/draws", json=new, headers=anna)).status_code == 403
        draw = (await web.post(f"{DEMO}/draws", json=new, headers=host)).json()
        assert (draw["state"], draw["seed"], draw["entries"]) == ("open", None, 0)
        again = await web.post(f"{DEMO}/draws", json=new, headers=host)
        assert again.json()["type"].endswith("draw-open")
        path = f"{DEMO}/draws/{draw['id']}"
        wrong = await web.put(f"{path}/entry", json={"text": "茶"}, headers=anna)
        assert (wrong.status_code, wrong.json()["word"]) == (409, "要喝茶")
        absent = await web.put(f"{path}/presence", headers=anna)
        assert absent.json()["type"].endswith("not-entered")
        entry = (await web.put(f"{path}/entry", json={"text": "要喝茶"}, headers=anna)).json()
        assert entry["present"] and entry["place"] is None
        await web.put(f"{path}/entry", json={"text": "要喝茶"}, headers=bo)
        assert (await web.get(path)).json()["tickets"] == []
        draws = web.commerce.activities.draws  # type: ignore[attr-defined]
        for ms in (60_000, REVEAL_AFTER_MS):
            web.shop.clock.ahead_ms += ms  # type: ignore[attr-defined]
            await draws.step()
        done = (await web.get(path)).json()
        assert (done["state"], done["commitment"]) == ("revealed", draw["commitment"])
        assert recount(done, monkeypatch) == done["winning"]
        with pytest.raises(AssertionError, match="another list"):
            recount(done | {"tickets": [*done["tickets"], "forged"]}, monkeypatch)
        won = done["winning"] == [entry["ticket"]]
        mine = (await web.get(f"{path}/entry", headers=anna)).json()["entry"]
        assert (mine["place"] == 1) is won
        listed = (await web.get(f"{DEMO}/draws")).json()["draws"]
        assert [each["id"] for each in listed] == [draw["id"]]
