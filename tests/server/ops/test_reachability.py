"""The STUN check of `linli doctor` to the addresses that are offered."""

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from media.io.webrtc.plane import MediaPlane, PlaneConfig
from server.ops import reachability
from server.ops.maintenance import examine
from server.ops.reachability import answers, unreachable
from server.settings import Settings
from tests.support.waiting import free_port


async def names(name: str) -> Sequence[str]:
    if name == "shop.example":
        return ["127.0.0.1"]
    raise OSError(name)


async def test_a_running_server_answers() -> None:
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    try:
        assert await unreachable(["127.0.0.1"], plane.port) == {"127.0.0.1": ""}
        assert plane.stats().rejected == {"stun": 1}
    finally:
        await plane.close()


async def test_without_a_server_the_check_answers_itself_and_names_are_resolved() -> None:
    found = await unreachable(["shop.example", "no-such-shop"], free_port(), resolve=names)
    assert found["127.0.0.1"] == ""
    assert "resolves" in found["no-such-shop"]


async def test_an_address_that_is_silent_is_a_finding_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "ANSWER_TIMEOUT_S", 0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert not await answers("127.0.0.1", port)
        settings = Settings(data_dir=tmp_path, ice_port=port, ice_addresses=("127.0.0.1",))
        results = await examine(settings)
        two = settings.model_copy(update={"ice_port": port - 1, "workers": 2})
        [second] = [each for each in await examine(two) if each.name.startswith("ICE address")]
    assert str(port) in second.advice, "of the second worker"
    [found] = [each for each in results if each.name == "ICE address 127.0.0.1 answers"]
    assert not found.ok
    assert f"UDP port {port}" in found.advice
