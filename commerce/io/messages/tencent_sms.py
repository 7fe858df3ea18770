"""Tencent Cloud SMS: `SendSms` of 2021-01-11, signed by TC3-HMAC-SHA256 (signature v3).

The URL of the account: `tencent://SecretId:SecretKey@sms.tencentcloudapi.com/?app=1400006666&
sign=…&template=1110&region=ap-guangzhou`; the template has two parameters, the code and minutes.
Notices have templates of their own, `&ready=2110&refund=2111`, with one: the store's name.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from commerce.notices.notices import SMS_KINDS, NoticeKind
from commerce.notices.push import PushAnswer, PushOutcome
from commerce.people.phones import CODE_TTL_MS, CodeNotSent

ALGORITHM = "TC3-HMAC-SHA256"
SERVICE = "sms"
VERSION = "2021-01-11"
CONTENT_TYPE = "application/json; charset=utf-8"
SIGNED_HEADERS = "content-type;host"
TIMEOUT_S = 8.0
ANSWER_BYTES_MAX = 65_536
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LATER = frozenset({"RequestLimitExceeded"})


class TencentSms:
    """Implements `commerce.people.phones.CodeSender` and `commerce.notices.sms.SmsMessages`.

    Raises:
        ValueError: The URL lacks something; the text says what.
    """

    def __init__(self, url: str, clock_s: Callable[[], int], *, scheme: str = "https") -> None:
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        missing = [name for name in ("app", "sign", "template") if not query.get(name)]
        if parts.scheme != "tencent" or not parts.hostname or missing:
            raise ValueError(f"an SMS account is tencent://ID:KEY@HOST/, and needs {missing}")
        self._id = unquote(parts.username or "")
        self._key = unquote(parts.password or "")
        if not self._id or not self._key:
            raise ValueError("an SMS account needs the SecretId and the SecretKey")
        self._host = parts.netloc.rpartition("@")[2]
        self._url = f"{scheme}://{self._host}/"
        self._app, self._sign = query["app"], query["sign"]
        self._template = query["template"]
        self._notices = {kind: query[kind] for kind in sorted(SMS_KINDS) if query.get(kind)}
        self._region = query.get("region", "ap-guangzhou")
        self._clock_s = clock_s

    async def send(self, phone: str, code: str) -> None:
        """Send one message; a message that may have been sent is not sent again."""
        try:
            reason = await self._post(phone, self._template, [code, str(CODE_TTL_MS // 60_000)])
        except httpx.HTTPError as error:
            raise CodeNotSent(type(error).__name__) from None
        if reason:
            raise CodeNotSent(reason)

    @property
    def kinds(self) -> Collection[NoticeKind]:
        """See `SmsMessages.kinds`."""
        return self._notices.keys()

    async def send_notice(self, phone: str, kind: NoticeKind, about: str) -> PushAnswer:
        """See `SmsMessages.send_notice`; what may have been sent is not sent again."""
        try:
            reason = await self._post(phone, self._notices[kind], [about])
        except _NOT_SENT:
            return PushAnswer(PushOutcome.LATER)
        except httpx.HTTPError:
            return PushAnswer(PushOutcome.REFUSED)
        if not reason:
            return PushAnswer(PushOutcome.SENT)
        return PushAnswer(PushOutcome.LATER if reason in _LATER else PushOutcome.REFUSED)

    async def _post(self, phone: str, template: str, parameters: Sequence[str]) -> str:
        payload = {
            "PhoneNumberSet": [phone],
            "SmsSdkAppId": self._app,
            "SignName": self._sign,
            "TemplateId": template,
            "TemplateParamSet": list(parameters),
        }
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            answer = await client.post(self._url, content=body, headers=self._headers(body))
        return refusal_of(answer.content[:ANSWER_BYTES_MAX])

    def _headers(self, body: bytes) -> dict[str, str]:
        at_s = self._clock_s()
        return {
            "Authorization": authorization(self._id, self._key, SERVICE, self._host, body, at_s),
            "Content-Type": CONTENT_TYPE,
            "Host": self._host,
            "X-TC-Action": "SendSms",
            "X-TC-Timestamp": str(at_s),
            "X-TC-Version": VERSION,
            "X-TC-Region": self._region,
        }


def authorization(
    secret_id: str, secret_key: str, service: str, host: str, body: bytes, at_s: int
) -> str:
    """Return the `Authorization` of a POST to `/`, as the provider's document has it."""
    date = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d")
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            f"content-type:{CONTENT_TYPE}",
            f"host:{host}",
            "",
            SIGNED_HEADERS,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{date}/{service}/tc3_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{at_s}\n{scope}\n{hashed}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return (
        f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={SIGNED_HEADERS}, "
        f"Signature={signature}"
    )


def refusal_of(answer: bytes) -> str:
    """Return why a message was not taken, or "" for one that was."""
    try:
        response = json.loads(answer)["Response"]
        if "Error" in response:
            return str(response["Error"]["Code"])
        [status] = response["SendStatusSet"]
        return "" if status["Code"] == "Ok" else str(status["Code"])
    except (ValueError, LookupError, TypeError):
        return "unreadable answer"
