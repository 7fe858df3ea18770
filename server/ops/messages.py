"""Opens the accounts that send messages: codes by SMS, notices in WeChat."""

from commerce.io.messages.logged_sms import LoggedSms
from commerce.io.messages.tencent_sms import TencentSms
from commerce.io.messages.wechat_app import WechatApp
from commerce.io.record.engine import wall_clock
from commerce.notices.sms import SmsMessages
from commerce.notices.wechat import WechatMessages
from commerce.people.phones import CodeSender
from server.errors import OperatorError
from server.settings import Settings


def open_sms(settings: Settings) -> CodeSender | None:
    """Open the account that sends codes; None: they are logged.

    Raises:
        OperatorError: Its URL lacks something.
    """
    url = settings.sms_url.get_secret_value()
    try:
        return TencentSms(url, _clock_s) if url else None
    except ValueError as error:
        raise OperatorError(f"LINLI_SMS_URL: {error}") from None


def open_sms_notices(settings: Settings) -> SmsMessages | None:
    """Open the account that sends notices by SMS; None: that is off.

    Raises:
        OperatorError: The account has no template for a notice.
    """
    if not settings.sms_notices:
        return None
    url = settings.sms_url.get_secret_value()
    if not url:
        return LoggedSms()
    try:
        account = TencentSms(url, _clock_s)
    except ValueError as error:
        raise OperatorError(f"LINLI_SMS_URL: {error}") from None
    if not account.kinds:
        raise OperatorError("LINLI_SMS_URL: LINLI_SMS_NOTICES needs its ready=… or refund=….")
    return account


def open_wechat(settings: Settings) -> WechatMessages | None:
    """Open the official account that sends notices; None: there is none.

    Raises:
        OperatorError: Its URL lacks something, or WeChat cannot lead back to us.
    """
    url = settings.wechat_url.get_secret_value()
    if not url:
        return None
    if not settings.public_url:
        raise OperatorError("LINLI_PUBLIC_URL: needed, WeChat leads buyers back to it.")
    try:
        return WechatApp(url, settings.public_url, _clock_s)
    except ValueError as error:
        raise OperatorError(f"LINLI_WECHAT_URL: {error}") from None


def _clock_s() -> int:
    return wall_clock() // 1_000
