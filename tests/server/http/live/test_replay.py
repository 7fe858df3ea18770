"""A live is recorded, and its replay is the live: media, cards and chat at their moments, clips."""

import contextlib
import io
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import pytest

from rooms.messages import ChatLine, Sender
from server.app import Program, build
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.media_peers import host, loopback_candidates
from tests.support.running import SHOP
from tests.support.waiting import wait_until

__all__ = ["loopback_candidates"]

API = "/api/rooms/demo"


@dataclass
class Server:
    """A server in this process, its clients, and the recording of its live."""

    program: Program
    client: httpx.AsyncClient
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def negotiate(self, offer: str) -> str:
        headers = {"Content-Type": "application/sdp", **self.headers}
        answer = await self.client.post("/live/demo/whip", content=offer, headers=headers)
        return answer.text

    async def recorded_s(self) -> float:
        road = self.program.services.recordings
        mine = [each for each in road._lives.values() if each.room_id == "demo"]
        return mine[-1].index.duration_s if mine else 0.0

    async def until_recorded(self, seconds: float) -> None:
        async def enough() -> bool:
            return await self.recorded_s() >= seconds

        await wait_until(enough)

    async def until_recorded_at(self, at_s: float) -> None:
        """Wait until what happened at this wall clock is recorded."""
        [recording] = self.program.services.recordings._lives.values()
        await wait_until(lambda: recording.index.end_at_ms >= at_s * 1_000)

    async def noted(self, text: str) -> bool:
        """Whether the recording has something of the room with this text in it."""
        [recording] = self.program.services.recordings._lives.values()
        return text.encode() in await recording.events()

    async def say(self, text: str) -> None:
        hub = self.program.services.rooms
        local = await hub.open_room("room:demo")
        line = ChatLine(f"c-{text}", Sender("g1", "李", "guest"), text, 1)
        hub.publish_line(local, line)

    async def answered(self, text: str) -> str:
        """Have a neighbour ask and the host answer; return the id of the question."""
        made = (
            await self.client.post("/api/guests", json={"nickname": "李", "estate_id": "chunjiang"})
        ).json()
        headers = {"Authorization": f"Bearer {made['token']}"}
        put = await self.client.post(f"{API}/questions", json={"text": text}, headers=headers)
        question_id = str(put.json()["id"])
        path = f"{API}/questions/{question_id}/answered"
        assert (await self.client.post(path, headers=self.headers)).status_code == 204
        return question_id

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Server]:
    settings = Settings(
        port=0, ice_port=0, ice_addresses=("127.0.0.1",), data_dir=folder, rtmp_port=None
    )
    if not (folder / "linli.sqlite3").exists():
        await load(settings, SHOP, "a good password")
    async with build(settings) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            made = {"username": "chunjiang", "password": "a good password"}
            token = (await client.post("/api/login", json=made)).json()["token"]
            yield Server(program, client, token)


def decoded(data: bytes) -> tuple[int, int]:
    """Count the frames of video and sound."""
    with av.open(io.BytesIO(data), "r") as container:
        kinds = [type(frame).__name__ for frame in container.decode()]
    return kinds.count("VideoFrame"), kinds.count("AudioFrame")


async def test_a_live_becomes_a_replay_with_its_cards_chat_and_clips(server: Server) -> None:
    goods = (await server.get(f"{API}/products")).json()["products"]
    first, second = goods[0]["id"], goods[1]["id"]
    pins = f"{API}/pins/"
    async with host(server.negotiate):
        await server.until_recorded(0.5)
        await server.client.put(pins + first, headers=server.headers)
        pinned_s = await server.recorded_s()
        await server.say("hello")
        asked = await server.answered("辣吗?")
        await wait_until(lambda: server.noted(first))
        # Its moment is as long as a clip needs, however busy the machine is.
        await server.until_recorded_at(time.time() + 4)
        await server.client.put(pins + second, headers=server.headers)
        await wait_until(lambda: server.noted(second))
        status = (await server.client.get(f"{API}/recording", headers=server.headers)).json()
        assert status == {"wanted": True, "recording": True, "failure": None, "storage_away": False}
        assert (await server.get(f"{API}/recording")).status_code == 401
        assert (await server.get(API)).json()["replay_live_id"] is None
    ended = await server.client.post(f"{API}/end", headers=server.headers)
    assert ended.status_code == 204

    async def offered() -> str | None:
        live_id: str | None = (await server.get(API)).json()["replay_live_id"]
        return live_id

    await wait_until(offered)
    live_id = await offered()
    replay = f"/live/demo/replay/{live_id}"
    whole = await server.get(f"{replay}.mp4")
    assert whole.status_code == 200 and whole.headers["Accept-Ranges"] == "bytes"
    videos, sounds = decoded(whole.content)
    assert videos > 5 and sounds > 5  # a busy host sends few frames a second

    middle = await server.get(f"{replay}.mp4", Range="bytes=1000-1999")
    assert middle.status_code == 206 and middle.content == whole.content[1000:2000]
    assert middle.headers["Content-Range"] == f"bytes 1000-1999/{len(whole.content)}"
    tail = await server.get(f"{replay}.mp4", Range="bytes=-5")
    assert tail.content == whole.content[-5:]
    beyond = await server.get(f"{replay}.mp4", Range="bytes=999999999-")
    assert beyond.status_code == 416
    other = await server.get(f"{replay}.mp4", **{"Range": "bytes=0-1", "If-Range": '"other"'})
    assert other.status_code == 200
    saved = await server.get(f"{replay}.mp4?download")
    assert "attachment" in saved.headers["Content-Disposition"]

    lines = (await server.get(f"{replay}.m3u8")).text.splitlines()
    assert f"{live_id}.mp4" in lines and lines[-1] == "#EXT-X-ENDLIST"
    [init] = {line.split('"')[1] for line in lines if line.startswith("#EXT-X-MAP")}
    assert (await server.get(f"/live/demo/replay/{init}")).content.startswith(b"\0\0\0")

    shown = (await server.get(f"{replay}/events.json")).json()["events"]
    assert shown[0]["m"]["t"] == "snapshot" and shown[0]["s"] == 0
    places = {
        event["card"]["product"]["id"]: message["s"]
        for message in shown
        for event in message["m"].get("events", [])
        if event["k"] == "pin"
    }
    assert pinned_s - 1 <= places[first] < places[second]
    said = [line["text"] for each in shown for line in each["m"].get("chat", [])]
    assert said == ["hello"]

    [found] = (await server.get(f"{API}/replays")).json()["replays"]
    assert found["live_id"] == live_id
    [clip] = [each for each in found["clips"] if each["product_id"] == first]
    assert clip["start_ms"] / 1e3 == pytest.approx(places[first], abs=1.5)
    assert clip["product"]["id"] == first and clip["title"] is None

    address = f"/live/demo/clips/{clip['id']}.mp4"
    part = await server.get(address)
    assert part.status_code == 200 and len(part.content) <= len(whole.content)
    assert decoded(part.content)[0] > 1

    image = await server.get(address.replace(".mp4", ".jpg"))
    assert image.headers["Content-Type"] == "image/jpeg" and image.content[:2] == b"\xff\xd8"

    one = f"{API}/clips/{clip['id']}"
    assert (await server.client.patch(one, json={"hidden": True})).status_code == 401
    change = {"title": "草莓", "hidden": True, "end_ms": clip["start_ms"] + 1_500}
    changed = await server.client.patch(one, json=change, headers=server.headers)
    assert changed.json()["title"] == "草莓" and changed.json()["edited"]
    assert (await server.get(address)).status_code == 404
    shorter = await server.client.get(address, headers=server.headers)
    assert len(shorter.content) <= len(part.content)
    one_replay = (await server.get(f"{API}/replays/{live_id}")).json()
    assert clip["id"] not in {each["id"] for each in one_replay["clips"]}
    [answer] = one_replay["questions"]
    assert (answer["id"], answer["text"], answer["votes"]) == (asked, "辣吗?", 1)
    assert places[first] - 1 <= answer["start_ms"] / 1e3 <= places[second] + 1
    for wrong in ({"end_ms": 0}, {"hidden": None}, {"colour": "red"}):
        answer = await server.client.patch(one, json=wrong, headers=server.headers)
        assert answer.status_code == 422, wrong


async def test_what_was_not_recorded_is_404(server: Server) -> None:
    for path in (
        "/live/demo/replay/1.mp4",
        "/live/demo/replay/1.m3u8",
        "/live/demo/replay/1/events.json",
        "/live/demo/replay/1/i0.mp4",
        "/live/demo/clips/none.mp4",
        "/live/demo/clips/none.jpg",
        "/api/rooms/demo/replays/1",
        "/api/rooms/nowhere/replays",
        "/live/nowhere/replay/1.mp4",
    ):
        assert (await server.get(path)).status_code == 404, path
    explained = await server.client.post(f"{API}/explain", json={}, headers=server.headers)
    assert explained.status_code == 409


async def test_a_worker_that_was_stopped_in_a_live_completes_the_recording(tmp_path: Path) -> None:
    async with running(tmp_path) as server, host(server.negotiate):
        await server.until_recorded(2)
        recorded_s = await server.recorded_s()
    async with running(tmp_path) as server:
        await server.client.post(f"{API}/end", headers=server.headers)

        async def offered() -> bool:
            return (await server.get(API)).json()["replay_live_id"] is not None

        await wait_until(offered)
        [found] = (await server.get(f"{API}/replays")).json()["replays"]
        assert found["duration_ms"] >= int(recorded_s * 1_000)
        assert decoded((await server.get(f"/live/demo/replay/{found['live_id']}.mp4")).content)[0]
