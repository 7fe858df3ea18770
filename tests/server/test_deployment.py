"""What docs/deploy and the Dockerfile name exists; the sizing table is that of `linli plan`."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.ops.capacity import Demand, Plan, plan
from server.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NODES = ("node-a", "node-b")
FILES = [
    "Dockerfile",
    ".dockerignore",
    *(str(path.relative_to(ROOT)) for path in sorted(DEPLOY.rglob("*")) if path.is_file()),
]
EVENINGS = ((25, 1), (500, 1), (7_500, 300), (20_000, 300), (100_000, 300), (100_000, 1_000))


def settings_of(service: str) -> dict[str, str]:
    """A service's LINLI_ settings; variables of the operator have a value."""
    values = {"LINLI_BLOB_URL": "", "LINLI_PUBLIC_ADDRESS": "203.0.113.7"}

    def value_of(match: re.Match[str]) -> str:
        return values.get(match[1], "a-value-of-thirty-two-characters.example")

    return {
        name: re.sub(r"\$\{(\w+)(?::[?-])?\}", value_of, str(value))
        for name, value in COMPOSE["services"][service]["environment"].items()
    }


@pytest.mark.parametrize("service", NODES)
def test_settings_in_the_compose_file_are_settings_of_linli(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings_of(service)
    assert {name.removeprefix("LINLI_").lower() for name in found} <= set(Settings.model_fields)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.redis_url and settings.sql_url.get_backend_name() == "postgresql"
    assert settings.trust_proxy.trusts("10.85.0.7")


def test_nodes_of_the_compose_file_differ_in_their_udp_port_alone() -> None:
    first, second = (settings_of(service) for service in NODES)
    assert first.pop("LINLI_ICE_PORT") != second.pop("LINLI_ICE_PORT")
    assert first == second
    for service in NODES:
        port = settings_of(service)["LINLI_ICE_PORT"]
        assert COMPOSE["services"][service]["ports"] == [f"{port}:{port}/udp"]


def test_compose_file_mounts_what_exists_and_trusts_its_own_network() -> None:
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert settings_of("node-a")["LINLI_TRUST_PROXY"] == network["subnet"]
    named = set(COMPOSE["volumes"])
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in named or (DEPLOY / source).is_file()


def test_dockerfile_copies_what_exists_and_nothing_is_ignored_that_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    text = (ROOT / "Dockerfile").read_text()
    copied = [shlex.split(line)[1:-1] for line in re.findall(r"^COPY (?!--from).*", text, re.M)]
    sources = [source for line in copied for source in line]
    assert len(sources) >= 10
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source.split('/')[0]}" in ignored
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(sources)


@pytest.mark.parametrize("file", FILES)
def test_no_file_names_a_host_to_download_from(file: str) -> None:
    text = (ROOT / file).read_text()
    hosts = re.findall(r"https?://([\w.-]+)", text)
    assert [host for host in hosts if "." in host and host != "127.0.0.1"] == []
    images = re.findall(r"^(?:FROM|\s+image:) *(\S+)", text, re.M)
    assert [image for image in images if "." in image.split("/")[0] and "/" in image] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "linli.service").read_text()
    names = set(re.findall(r"^Environment=(?:LINLI_)(\w+)=", unit, re.M))
    assert names and {name.lower() for name in names} <= set(Settings.model_fields)
    here = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit, flags=re.M)
    (tmp_path / "linli.service").write_text(here)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "linli.service")]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    about_us = [line for line in verified.stderr.splitlines() if "linli.service" in line]
    assert (verified.returncode, about_us) == (0, [])


def test_caddy_accepts_the_proxy_of_two_nodes(tmp_path: Path) -> None:
    subprocess.run(
        ["caddy", "adapt", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile.nodes")],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )


@pytest.mark.parametrize(("viewers", "lives"), EVENINGS)
def test_sizing_table_is_what_linli_plan_prints(viewers: int, lives: int) -> None:
    found = plan(Demand(viewers=viewers, lives=lives, bitrate_bps=1.4e6))
    assert found.problems == ()
    assert row(found) in (ROOT / "docs" / "deployment.md").read_text().splitlines()


def row(found: Plan) -> str:
    """A row of the sizing table."""
    demand = found.demand
    return (
        f"| {demand.viewers:,} | {demand.lives:,} | {found.nodes:,} | {found.node.workers} "
        f"| {found.out_bps / 1e9:,.2f} Gbit/s | {found.redis.requests_per_s:,.0f} "
        f"| {found.redis.connections:,}, {found.postgres.connections:,} |"
    )
