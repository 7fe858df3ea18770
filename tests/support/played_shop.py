"""The shop that a played server shows: its goods, estates, stores and chat, as on the wire."""

import base64
from typing import Any

QR_SVG = """<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 21 21'>
<path fill='#fff' d='M0 0h21v21H0z'/><path d='M1 1h7v7H1zM13 1h7v7h-7zM1 13h7v7H1z'/>
<path d='M10 2h1v3h-1zM11 6h1v5h-1zM3 10h4v1H3zM13 10h6v1h-6zM10 13h3v2h-3zM15 14h2v2h-2z'/>
<path fill='#fff' d='M2 2h5v5H2zM14 2h5v5h-5zM2 14h5v5H2z'/>
<path d='M3 3h3v3H3zM15 3h3v3h-3zM3 15h3v3H3z'/></svg>"""

# Anything square will do: what a real code looks like is the server's business.
STREAM_KEY = {"key": "demo-7kq2m9xd", "qr": QR_SVG}
QR = "data:image/svg+xml;base64," + base64.b64encode(QR_SVG.encode()).decode()


def product(
    slug: str,
    zh: str,
    en: str,
    fen: int,
    list_fen: int,
    left: int,
    group: tuple[int, int] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a product of the wire; `group` is price and target."""
    offer = {"price_fen": group[0], "target": group[1], "duration_s": 600} if group else None
    unit = {"zh": more.get("unit_zh", "份"), "en": more.get("unit_en", "pack")}
    return {
        "id": slug,
        "name": {"zh": zh, "en": en},
        "unit": unit,
        "image": f"/goods/{slug}.svg",
        "price_fen": fen,
        "list_price_fen": list_fen,
        "left": left,
        "group": offer,
    }


PRODUCTS = [
    product("spinach", "有机菠菜 300g", "Organic spinach 300 g", 1290, 1580, 120, (990, 30)),
    product(
        "strawberries",
        "丹东奶油草莓 500g",
        "Dandong strawberries 500 g",
        3990,
        4990,
        12,
        (2990, 20),
    ),
    product(
        "weekend-set", "周末家庭厨房套餐", "Weekend family kitchen set", 8800, 10800, 60, (6900, 15)
    ),
    product("eggs", "散养土鸡蛋 10枚", "Free-range eggs, 10", 1880, 2280, 80),
    product("bass", "鲜活鲈鱼 约500g", "Live sea bass, about 500 g", 2680, 3280, 0),
    product("tofu", "手工老豆腐 400g", "Handmade tofu 400 g", 490, 690, 200),
]
ESTATES = [
    {
        "id": "e1",
        "name": {"zh": "锦绣花园", "en": "Jinxiu Garden"},
        "store_id": "s1",
        "store_ids": ["s1", "s2"],
    },
    {
        "id": "e2",
        "name": {"zh": "翠湖湾", "en": "Cuihu Bay"},
        "store_id": "s2",
        "store_ids": ["s2", "s1"],
    },
    {
        "id": "e3",
        "name": {"zh": "阳光里", "en": "Sunshine Lane"},
        "store_id": "s1",
        "store_ids": ["s1", "s2"],
    },
]
STORE = {
    "id": "s1",
    "name": {"zh": "邻鲜优选·锦绣花园店", "en": "Linxian Fresh · Jinxiu Garden"},
    "address": {"zh": "锦绣路 18 号 1 层", "en": "18 Jinxiu Road, ground floor"},
}
OTHER_STORE = {
    "id": "s2",
    "name": {"zh": "邻鲜优选·翠湖湾店", "en": "Linxian Fresh · Cuihu Bay"},
    "address": {"zh": "翠湖路 6 号", "en": "6 Cuihu Road"},
}
CHAT = [
    ("c1", "u7", "3号楼王阿姨", "viewer", "今天的菠菜看着真新鲜"),
    ("c2", "h1", "陈店长", "host", "早上六点刚到的,根都带着露水!"),
    ("c3", "u8", "小周", "viewer", "做菠菜鸡蛋饼要多少克?"),
    ("c4", "h1", "陈店长", "host", "一袋三百克,正好两个宝宝的量"),
    ("c5", "u9", "Mia", "viewer", "Joined, see you at the shop at six :)"),
    ("c6", "u7", "3号楼王阿姨", "viewer", "参团了,还差几位邻居呀"),
]
