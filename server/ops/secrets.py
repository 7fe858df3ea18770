"""Secrets that are made once per installation and kept in the data folder, readable by us alone."""

import os
import secrets
from pathlib import Path

from server.errors import OperatorError
from server.settings import Settings

SECRET_BYTES = 32
PASSWORD_BYTES = 6


def token_secret(settings: Settings) -> str:
    """Return the secret that signs tokens: the setting, or the data folder's own."""
    given = settings.token_secret.get_secret_value()
    return given or kept_secret(settings.data_dir / "token-secret", SECRET_BYTES)


def phone_secret(settings: Settings) -> str:
    """Return the secret by which phone numbers are hashed: the setting, or that of tokens."""
    return settings.phone_secret.get_secret_value() or token_secret(settings)


def demo_password(settings: Settings) -> str:
    """Return the password of the demo's staff, made at the first start."""
    return kept_secret(demo_password_path(settings), PASSWORD_BYTES)


def demo_password_path(settings: Settings) -> Path:
    """Return the file that keeps the password of the demo's staff."""
    return settings.data_dir / "demo-password"


def kept_secret(path: Path, size_bytes: int) -> str:
    """Return the text in `path`; make it from `size_bytes` random bytes if there is none.

    Two processes that start at once agree: the file appears complete or not at all, and the first
    one wins.

    Raises:
        OperatorError: The file cannot be read or written, or is shorter than what was made.
    """
    try:
        _make(path, size_bytes)
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path}: {error}") from None
    if len(secret) < size_bytes:
        raise OperatorError(
            f"{path} is damaged. Remove it and a new one is made; everybody logs in again."
        )
    return secret


def _make(path: Path, size_bytes: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(size_bytes))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
