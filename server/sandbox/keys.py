"""The keys of the sandbox's accounts, and the account files by which a server uses them."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from commerce.io.payments.rsa import private_key, public_key

FOLDER = "payments-sandbox"  # in LINLI_DATA_DIR
MCHID = "1900000001"
APPID = "wx0000000000000001"
ALIPAY_APP_ID = "2021000000000001"
STRIPE_ACCOUNT = "acct_sandbox"
KEY_ID = "PUB_KEY_ID_0000000000000000000000000000000001"
SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
KEY_BITS = 2_048


@dataclass(frozen=True)
class Keys:
    """What both sides know, or one of them."""

    merchant: rsa.RSAPublicKey
    provider: rsa.RSAPrivateKey
    api_v3_key: str
    stripe_secret: str
    webhook_secret: str


def keys_in(folder: Path, url: str) -> Keys:
    """Return the keys of a folder, made if it has none; write the account files for this address.

    Raises:
        OSError, ValueError: The folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("merchant", "provider"):
        if not (folder / f"{name}.pem").exists():
            _make(folder, name)
    secret_file = folder / "secrets"
    if not secret_file.exists():
        secret_file.write_text("\n".join(secrets.token_hex(16) for _ in range(3)))
    api_v3_key, stripe_secret, webhook_secret = secret_file.read_text().split()
    keys = Keys(
        public_key(folder / "merchant_public.pem"),
        private_key(folder / "provider.pem"),
        api_v3_key,
        f"sk_sandbox_{stripe_secret}",
        f"whsec_{webhook_secret}",
    )
    for name, text in _accounts(keys, url).items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return keys


def _make(folder: Path, name: str) -> None:
    key = rsa.generate_private_key(65_537, KEY_BITS)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}_public.pem").write_bytes(public)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.pem").write_bytes(private)


def _accounts(keys: Keys, url: str) -> dict[str, str]:
    return {
        "wechat": f"""\
provider = "wechat"
url = "{url}"
mchid = "{MCHID}"
appid = "{APPID}"
serial = "{SERIAL}"
private_key = "merchant.pem"
api_v3_key = "{keys.api_v3_key}"
public_keys = {{ {KEY_ID} = "provider_public.pem" }}
method = "native"
""",
        "alipay": f"""\
provider = "alipay"
url = "{url}/gateway.do"
app_id = "{ALIPAY_APP_ID}"
private_key = "merchant.pem"
alipay_public_key = "provider_public.pem"
method = "qr"
""",
        "stripe": f"""\
provider = "stripe"
url = "{url}"
account = "{STRIPE_ACCOUNT}"
secret_key = "{keys.stripe_secret}"
webhook_secret = "{keys.webhook_secret}"
method = "alipay"
""",
    }
