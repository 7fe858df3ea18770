"""The file of a provider's account: what lacks is named, and no value is shown."""

from pathlib import Path

import pytest

from commerce.io.payments.accounts import provider_of
from tests.support.payment_vectors import vectors

SECRET = "0123456789abcdef0123456789abcdef"
WECHAT = {
    "provider": '"wechat"',
    "mchid": '"1900007291"',
    "appid": '"wxd678efh567hg6787"',
    "serial": '"408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"',
    "private_key": '"merchant.pem"',
    "api_v3_key": f'"{SECRET}"',
    "public_keys": '{ PUB_KEY_ID_1 = "provider.pem" }',
}
ALIPAY = {
    "provider": '"alipay"',
    "app_id": '"2014072300007148"',
    "private_key": '"merchant.pem"',
    "alipay_public_key": '"provider.pem"',
}
STRIPE = {
    "provider": '"stripe"',
    "account": '"acct_1"',
    "secret_key": '"sk_1"',
    "webhook_secret": '"whsec_1"',
}
ACCOUNTS = {"wechat": WECHAT, "alipay": ALIPAY, "stripe": STRIPE}


def written(folder: Path, members: dict[str, str]) -> Path:
    (folder / "merchant.pem").write_text(vectors()["merchant_private"])
    (folder / "provider.pem").write_text(vectors()["provider_public"])
    file = folder / "account.toml"
    file.write_text("\n".join(f"{name} = {value}" for name, value in members.items()))
    return file


@pytest.mark.parametrize("name", ACCOUNTS)
def test_an_account_has_the_name_of_its_provider(tmp_path: Path, name: str) -> None:
    provider = provider_of(written(tmp_path, ACCOUNTS[name]), lambda: 0)
    assert provider.name == name
    assert provider.account in ACCOUNTS[name].values() or provider.account in (
        "1900007291",
        "2014072300007148",
        "acct_1",
    )


@pytest.mark.parametrize(
    ("name", "member"), [(name, member) for name in ACCOUNTS for member in ACCOUNTS[name]]
)
def test_a_member_that_lacks_is_named(tmp_path: Path, name: str, member: str) -> None:
    members = {key: value for key, value in ACCOUNTS[name].items() if key != member}
    with pytest.raises(ValueError, match=member):
        provider_of(written(tmp_path, members), lambda: 0)


@pytest.mark.parametrize(
    ("member", "value", "error"),
    [
        ("provider", '"paypal"', "provider: wechat, alipay or stripe"),
        ("api_v3_key", f'"{SECRET}0"', "api_v3_key: 32 bytes"),
        ("private_key", '"provider.pem"', "private_key: no PEM file"),
        ("private_key", '"none.pem"', "private_key: no PEM file"),
        ("public_keys", '{ A = "merchant.toml" }', r"public_keys\.A: no PEM file"),
        ("public_keys", "{}", "public_keys: a table"),
        ("method", '"app"', "method: jsapi, h5, native"),
        ("url", '"http://api.example"', "url: https"),
        ("mchid", "1900007291", "mchid: missing"),
        ("mch_id", '"1"', "unknown: mch_id"),
    ],
)
def test_a_wrong_member_is_named_without_its_value(
    tmp_path: Path, member: str, value: str, error: str
) -> None:
    with pytest.raises(ValueError, match=error) as caught:
        provider_of(written(tmp_path, {**WECHAT, member: value}), lambda: 0)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "account.toml"
    file.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="not a TOML file"):
        provider_of(file, lambda: 0)
