"""The documentation is complete: every setting stands in docs/settings.md with its default."""

import re
from pathlib import Path

import pytest

from server.http.hooks import payments, pos
from server.http.hq import registry as hq
from server.http.leader import registry as leader
from server.http.live import flv, hls, restream, stream_keys, thumbnail, whip_whep
from server.http.shop import (
    after_sales,
    orders,
    people,
    phones,
    pins,
    privacy,
    products,
    rooms,
    wechat,
)
from server.http.staff import (
    claims,
    links,
    neighbours,
    packing,
    prints,
    stock,
    stores,
    tills,
    totp,
)
from server.ops import metrics
from server.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_meaning(name: str) -> None:
    field = Settings.model_fields[name]
    lines = (DOCS / "settings.md").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"| `LINLI_{name.upper()}` |")]
    assert field.description and field.description in line


@pytest.mark.parametrize(
    "name",
    [
        *(f"linli_media_{name}`" for name in metrics.MEDIA),
        *(f"linli_rtmp_{name}`" for name in metrics.RTMP),
        "linli_rtmp_ended{",
        *(f"linli_hls_{name}`" for name in metrics.HLS),
        *(f"linli_cascade_{name}`" for name in metrics.CASCADE),
        *(f"linli_flv_{name}`" for name in metrics.FLV),
        *(f"linli_restream_{name}`" for name in metrics.RESTREAM),
        *(f"linli_reencode_{name}`" for name in metrics.REENCODE),
        *(f"linli_rooms_{name}`" for name in metrics.ROOMS),
        *(f"linli_rooms_{name}{{" for name in metrics.ROOMS_BY),
        *(f"linli_commerce_{name}`" for name in metrics.COMMERCE),
        "linli_media_rejected{",
        *(f"linli_http_{name}`" for name in metrics.HTTP),
        *(f"linli_live_{name}{{room}}`" for name in metrics.LIVES),
        *(f"linli_{name}_seconds`" for name in metrics.LATENCY),
        "linli_http_refused{",
        "linli_commerce_scrape_errors{",
        "linli_payment_webhooks{",
    ],
)
def test_every_metric_is_documented(name: str) -> None:
    assert f"| `{name}" in (DOCS / "metrics.md").read_text()


def test_every_route_is_documented() -> None:
    """docs/http.md names each path of each route module."""
    text = (DOCS / "http.md").read_text()
    modules = (
        whip_whep,
        wechat,
        flv,
        hls,
        restream,
        stream_keys,
        thumbnail,
        people,
        phones,
        privacy,
        rooms,
        products,
        pins,
        orders,
        after_sales,
        claims,
        stores,
        packing,
        leader,
        prints,
        links,
        totp,
        neighbours,
        stock,
        tills,
        pos,
        payments,
        hq,
    )
    paths = {route.path for module in modules for route in module.routes}
    assert [path for path in sorted(paths) if f"`{path}`" not in text] == []


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"])
def test_every_path_in_the_overview_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    paths = re.findall(
        r"`((?:server|media|rooms|commerce|loadtest|tests|docs|web|scripts)/[^`\s]*)`", text
    )
    links = re.findall(r"\]\(([^):#]+)\)", text)
    assert paths or links
    assert [path for path in [*paths, *links] if not (ROOT / path).exists()] == []
