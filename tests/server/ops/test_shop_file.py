"""A shop file is checked as a whole, and a mistake is named by its place."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.demo import DEMO_TOML
from server.errors import OperatorError
from server.ops.shop_file import ShopFile, read_shop
from tests.support.running import SHOP

PUBLIC = Path(__file__).parents[3] / "web" / "public"


@pytest.mark.parametrize("path", [DEMO_TOML, SHOP], ids=["demo", "story"])
def test_shipped_shop_files_are_valid(path: Path) -> None:
    assert read_shop(path).products


@pytest.mark.parametrize("path", [DEMO_TOML, SHOP], ids=["demo", "story"])
def test_shipped_shop_files_name_pictures_that_exist(path: Path) -> None:
    missing = {
        product.image
        for product in read_shop(path).products
        if not (PUBLIC / product.image.lstrip("/")).is_file()
    }
    assert not missing


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('store = "s2"', 'store = "s9"', "no store 's9'"),
        ("price_fen = 690", "price_fen = 9900", "group price is above"),
        ("stock = 10", "stock = -1", "products.0.stock"),
        ('id = "eggs"', 'id = "Eggs!"', "products.1.id"),
        ("[brand]", "[brand", "line"),
        ("target = 2", "goal = 2", "products.0.group.target"),
        ("stock = 10", "", "it needs stock, or parts"),
        ("stock = 10", 'parts = [{ product = "bass" }]', "there is no product 'bass'"),
        ("stock = 10", 'parts = [{ product = "spinach" }]', "spinach is a set itself"),
        ("stock = 10", 'stock = 10\nparts = [{ product = "eggs" }]', "no stock of its own"),
    ],
)
def test_shop_file_error_names_its_line_or_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(SHOP.read_text().replace(old, new, 1))
    with pytest.raises(OperatorError, match=said):
        read_shop(path)


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SHOP.read_bytes().replace(b"\n", b"\r\n"))
    assert read_shop(path) == read_shop(SHOP)


def test_other_encoding_is_an_error_that_names_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(SHOP.read_text(), "utf-16")
    with pytest.raises(OperatorError, match="save it as UTF-8"):
        read_shop(path)


def test_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"none\.toml: No such file"):
        read_shop(tmp_path / "none.toml")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_shop_or_an_operator_error(content: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        Path(file.name).write_bytes(content)
        try:
            assert isinstance(read_shop(Path(file.name)), ShopFile)
        except OperatorError as error:
            assert file.name in str(error)
