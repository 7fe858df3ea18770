"""The poster of a group buy."""

import io

from PIL import Image

from server.printing.poster import HEIGHT, PICTURE_HEIGHT, WIDTH, PosterTexts, poster

URL = "https://shop.example/r/demo"
TEXTS = PosterTexts(
    "红颜草莓 500 克",
    "春江花园",
    "¥29.90",
    "¥49.90",
    "盒",
    "已有 25 户参团",
    "还差 5 人",
    "11-29 20:00 截止",
    "扫码看直播，一键参团",
)


def test_poster_shows_the_picture_and_how_far_the_group_is() -> None:
    red = io.BytesIO()
    Image.new("RGB", (40, 30), "#d02020").save(red, "WEBP", lossless=True)
    sheet = Image.open(io.BytesIO(poster(TEXTS, 25 / 30, red.getvalue(), URL, "")))
    assert sheet.size == (WIDTH, HEIGHT)
    assert sheet.getpixel((WIDTH // 2, PICTURE_HEIGHT // 2)) == (0xD0, 0x20, 0x20)
    plain = Image.open(io.BytesIO(poster(TEXTS, 0, None, URL, "")))
    assert plain.getpixel((5, 5)) == (0x14, 0x53, 0x2D)
    assert sheet.tobytes() != plain.tobytes()
