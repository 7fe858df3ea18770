"""Settings come from the environment and say what is wrong with it."""

import pytest
from pydantic import ValidationError

from server.settings import Settings, unknown_names


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINLI_ICE_ADDRESSES", "203.0.113.7, 2001:db8::7 ,")
    assert Settings().ice_addresses == ("203.0.113.7", "2001:db8::7")


def test_candidates_are_addresses_of_both_families_or_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "LINLI_ICE_ADDRESSES", "[2001:db8::7],media.shop.example,localhost,xn--fiq.cn"
    )
    expected = ("2001:db8::7", "media.shop.example", "localhost", "xn--fiq.cn")
    assert Settings().ice_addresses == expected


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
        ("192.0.2.7", "http://192.0.2.7:8080"),
    ],
)
def test_a_client_on_this_machine_reaches_the_server_at(host: str, url: str) -> None:
    assert Settings(host=host, port=8080).local_url == url


def test_without_a_database_the_record_is_a_file_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINLI_DATA_DIR", "/data")
    assert str(Settings().sql_url) == "sqlite+aiosqlite:////data/linli.sqlite3"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_a_database_needs_no_driver_in_its_url(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("LINLI_DATABASE_URL", f"{scheme}://linli:secret@db/shop")
    assert Settings().sql_url.drivername == "postgresql+asyncpg"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("TOKEN_SECRET", "short"),
        ("LOG_LEVEL", "loud"),
        ("BASE_PATH", "/shop/"),
        ("TRUST_PROXY", "yes"),
        ("ALLOWED_ORIGINS", "shop.example"),
        ("ICE_ADDRESSES", "http://shop.example"),
        ("ICE_ADDRESSES", "203.0.113.7:8440"),
        ("ICE_ADDRESSES", "203.0.113.777"),
        ("ICE_ADDRESSES", "media_shop..example"),
        ("ICE_ADDRESSES", "0.0.0.0"),
        ("ICE_ADDRESSES", "::"),
    ],
)
def test_a_bad_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"LINLI_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert caught.value.errors()[0]["loc"] == (name.lower(),)


def test_origins_and_proxies_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINLI_ALLOWED_ORIGINS", "https://Shop.example:443/, http://b.example:81")
    monkeypatch.setenv("LINLI_TRUST_PROXY", "127.0.0.1, fd00::/8")
    settings = Settings()
    assert [str(origin) for origin in settings.allowed_origins] == [
        "https://shop.example",
        "http://b.example:81",
    ]
    assert settings.trust_proxy.trusts("fd00::7")


def test_a_misspelt_setting_is_found_with_the_one_that_was_meant() -> None:
    environment = ["LINLI_PROT", "LINLI_PORT", "LINLI_PUBLISH_TOKEN", "LINLI_XYZZY", "PATH"]
    assert unknown_names(environment) == {"LINLI_PROT": "LINLI_PORT", "LINLI_XYZZY": ""}
