"""What people agree to before they give personal data: versioned texts, in both languages.

A text never changes under its version; a new wording is a new version, and is asked for again.

ConsentNeeded   data that is given without agreeing to the newest text about it
"""

from dataclasses import dataclass
from enum import StrEnum

from commerce.errors import CommerceError


class Purpose(StrEnum):
    """What data is for."""

    PHONE = "phone"
    DWELLING = "dwelling"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Wording:
    """The same text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What is agreed to."""

    purpose: Purpose
    version: str
    text: Wording


class ConsentNeeded(CommerceError):
    """The newest text about `purpose` was not agreed to; it has `version`."""

    def __init__(self, purpose: Purpose, version: str) -> None:
        super().__init__(purpose, version)
        self.purpose = purpose
        self.version = version


TEXTS: dict[Purpose, ConsentText] = {
    Purpose.PHONE: ConsentText(
        Purpose.PHONE,
        "2026-11-1",
        Wording(
            "我们用短信验证码核对手机号，用来认出同一个家庭，让每家在一个团里只占一个名额。"
            "系统只保存号码的加密摘要和后四位，不用于营销，可随时在“我的”页面导出或删除。",
            "We check your phone number with a code by SMS, to recognise people of one household: "
            "each has one place in a group. Only a keyed hash of the number and its last four "
            "digits are kept. It is not used for advertising; you can export or erase it on the "
            "page “Me” at any time.",
        ),
    ),
    Purpose.DWELLING: ConsentText(
        Purpose.DWELLING,
        "2026-11-1",
        Wording(
            "楼栋和房号给为你服务的门店看，用来核对住户和送货上门。"
            "不用于其他用途，可随时在“我的”页面导出或删除。",
            "The shop that serves you sees building and flat, to confirm that you live there and "
            "to deliver. They are used for nothing else; you can export or erase them on the page "
            "“Me” at any time.",
        ),
    ),
    Purpose.SMS: ConsentText(
        Purpose.SMS,
        "2026-11-1",
        Wording(
            "收不到其他提醒时，用短信通知我：可以取货、退款到账。为此加密保存完整手机号，"
            "每天最多 3 条，不用于营销，可随时在“我的”页面停止，停止后号码即删除。",
            "Send me a text message when an order is ready or a refund was paid, if nothing else "
            "reaches me. For this the whole number is kept, encrypted: at most 3 messages a day, "
            "no advertising. You can stop it on the page “Me” at any time, which deletes it.",
        ),
    ),
}


def require_consent(purpose: Purpose, version: str) -> None:
    """Refuse data that comes without agreeing to the newest text.

    Raises:
        ConsentNeeded: Another version, or none, was agreed to.
    """
    newest = TEXTS[purpose].version
    if version != newest:
        raise ConsentNeeded(purpose, newest)
