"""Which passwords are refused: short, common, made of the user name."""

import pytest

from commerce.people.password_policy import CHARS_MIN, WeakPassword, require_strong


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "a good password",
        "open sesame",
        "bench-bench",
        "9f3c01ab77de",
        "三号楼的石榴树结果了吗",
        "chunjiang-Tofu-42",
    ],
)
def test_long_and_uncommon_password_is_taken(password: str) -> None:
    require_strong(password, "chunjiang")


@pytest.mark.parametrize("password", ["", "a", "123456789", "x7#kQ!29v"])
def test_short_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match=f"at least {CHARS_MIN}"):
        require_strong(password, "chunjiang")


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "0987654321",
        "4815162342",
        "Password123",
        "password2026!",
        "qwertyuiop",
        "QWERTY1234567",
        "1q2w3e4r5t",
        "woaini1314520",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "abcdefghij",
        "!!!admin!!!",
    ],
)
def test_common_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match="first that are guessed"):
        require_strong(password, "clerk")


@pytest.mark.parametrize("password", ["chunjiang1", "Chunjiang2026", "12-chunjiang"])
def test_password_made_of_the_user_name_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match="user name"):
        require_strong(password, "chunjiang")
