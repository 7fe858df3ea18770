"""Pictures that people send: what comes out, and what is refused."""

from io import BytesIO

import pytest
from PIL import Image

from server.ops.picture_child import SIDES, reencode
from server.ops.pictures import BadPicture, PictureProblem, reencoded
from tests.support.pictures import bomb, photo


async def test_a_photo_becomes_three_upright_sizes_without_what_was_beside_its_pixels() -> None:
    polyglot = photo() + b"<script>alert(1)</script>PK\x03\x04"
    for data, side in zip(await reencoded(polyglot), SIDES, strict=True):
        with Image.open(BytesIO(data)) as picture:
            assert (picture.format, max(picture.size)) == ("WEBP", side)
            assert picture.height > picture.width
            assert len(picture.getexif()) == 0 and "exif" not in picture.info
        assert b"script" not in data and b"somebody" not in data


async def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(BadPicture) as refused:
        await reencoded(bomb(50_000))
    assert refused.value.problem is PictureProblem.PIXELS


async def test_a_picture_that_is_cut_off_is_refused() -> None:
    for whole in (photo(), bomb(500)):
        with pytest.raises(BadPicture) as refused:
            await reencoded(whole[: len(whole) // 2])
        assert refused.value.problem is PictureProblem.BROKEN


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<!doctype html>", b"GIF89a....."]
)
async def test_what_is_no_photo_is_refused_by_its_first_bytes(data: bytes) -> None:
    with pytest.raises(BadPicture) as refused:
        await reencoded(data)
    assert refused.value.problem is PictureProblem.FORMAT


def test_transparency_stays() -> None:
    written = BytesIO()
    Image.new("RGBA", (40, 30), (255, 0, 0, 0)).save(written, "PNG")
    with Image.open(BytesIO(reencode(written.getvalue())[0])) as picture:
        assert (picture.mode, picture.size) == ("RGBA", (40, 30))
