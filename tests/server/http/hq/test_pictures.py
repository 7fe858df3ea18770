"""Head office gives products pictures, which pages load from then on."""

from pathlib import Path

import pytest

from media.io.blobs.files import FileBlobs
from server.http.hq.pictures import NO_PICTURE
from server.ops.pictures import BYTES_MAX, Pictures
from tests.support.head_office import OTHER_BRAND, HeadOffice
from tests.support.pictures import bomb, photo

PATH = "/api/hq/products/tea/picture"


@pytest.fixture
def pictures(hq: HeadOffice, tmp_path: Path) -> Pictures:
    """Where the routes keep pictures."""
    made = Pictures(FileBlobs(tmp_path / "blobs"))
    hq.services.pictures = made
    return made


async def test_a_product_is_shown_by_the_picture_that_was_sent(
    hq: HeadOffice, pictures: Pictures
) -> None:
    headers = {"Authorization": f"Bearer {hq.token()}"}
    sent = await hq.client.post(PATH, content=photo((300, 200)), headers=headers)
    assert sent.status_code == 200, sent.text
    image = sent.json()["image"]
    [tea] = [row for row in (await hq.read("/api/hq/products"))["rows"] if row["id"] == "tea"]
    assert tea["image"] == image
    shown = await hq.client.get(image)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in shown.headers["cache-control"]
    await pictures.forget("pear")
    assert (await hq.client.get(image)).status_code == 200
    for file in ("x.webp", "0123456789abcdef-600.webp", "..%2f..%2fsecret"):
        assert (await hq.client.get(f"/pictures/tea/{file}")).status_code == 404
    removed = await hq.ask("DELETE", PATH)
    assert removed.json() == {"image": NO_PICTURE}
    [tea] = [row for row in (await hq.read("/api/hq/products"))["rows"] if row["id"] == "tea"]
    assert tea["image"] == NO_PICTURE
    await pictures.forget("tea")
    assert (await hq.client.get(image)).status_code == 404


async def test_what_is_no_picture_is_refused_and_changes_nothing(
    hq: HeadOffice, pictures: Pictures
) -> None:
    before = await hq.read("/api/hq/products")
    tries = (
        (b"<svg/>", 415, "format"),
        (bomb(50_000), 422, "pixels"),
        (photo((300, 200))[:400], 422, "broken"),
    )
    headers = {"Authorization": f"Bearer {hq.token()}"}
    for data, status, reason in tries:
        refused = await hq.client.post(PATH, content=data, headers=headers)
        assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    large = await hq.client.post(PATH, content=bytes(BYTES_MAX + 1), headers=headers)
    assert large.status_code == 413
    assert await hq.read("/api/hq/products") == before


async def test_another_brands_product_gets_no_picture(hq: HeadOffice, pictures: Pictures) -> None:
    headers = {"Authorization": f"Bearer {hq.token(OTHER_BRAND)}"}
    refused = await hq.client.post(PATH, content=photo((30, 20)), headers=headers)
    assert refused.status_code == 404
