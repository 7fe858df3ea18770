"""A WeChat official account that sends one-time subscription messages (一次性订阅消息).

Source: https://developers.weixin.qq.com/doc/offiaccount, the pages 一次性订阅消息 and
获取稳定版接口调用凭据. The URL of the account: `wechat://APPID:SECRET@api.weixin.qq.com/?template=…`.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

import httpx

from commerce.notices.push import PushAnswer, PushMessage, PushOutcome
from commerce.notices.wechat import BODY_CHARS_MAX, TITLE_CHARS_MAX, Grant

ASK_URL = "https://mp.weixin.qq.com/mp/subscribemsg"
TIMEOUT_S = 8.0
ANSWER_BYTES_MAX = 65_536
TOKEN_SPARE_S = 300  # a token is renewed so long before it ends
# Error codes: https://developers.weixin.qq.com/doc/oplatform/Return_codes/Return_code_descriptions_new.html
_BAD_TOKEN = frozenset({40_001, 40_014, 42_001})
_GONE = frozenset({40_003, 43_004, 43_101, 43_107})  # openid, not subscribed, refused, turned off
_LATER = frozenset({-1, 45_009, 45_011})  # busy, daily limit, too often

_LATER_ANSWER = PushAnswer(PushOutcome.LATER)


class WechatApp:
    """Implements `commerce.notices.wechat.WechatMessages`.

    Raises:
        ValueError: The URL lacks something; the text says what.
    """

    def __init__(
        self, url: str, back_url: str, clock_s: Callable[[], int], *, scheme: str = "https"
    ) -> None:
        """`back_url` is our own base URL, of a domain that the account has registered."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self._template = query.get("template", "")
        self._appid = unquote(parts.username or "")
        self._secret = unquote(parts.password or "")
        if parts.scheme != "wechat" or not parts.hostname:
            raise ValueError("a WeChat account is wechat://APPID:SECRET@HOST/?template=…")
        if not (self._appid and self._secret and self._template):
            raise ValueError("a WeChat account needs the APPID, the SECRET and template")
        self._base = f"{scheme}://{parts.netloc.rpartition('@')[2]}"
        self._back_url = back_url.rstrip("/")
        self._clock_s = clock_s
        self._token, self._token_until_s = "", 0

    def ask_url(self, scene: int, nonce: str) -> str:
        """See the port; the page opens in WeChat only."""
        query = urlencode(
            {
                "action": "get_confirm",
                "appid": self._appid,
                "scene": scene,
                "template_id": self._template,
                "redirect_url": f"{self._back_url}/wechat/granted",
                "reserved": nonce,
            },
            quote_via=quote,
        )
        return f"{ASK_URL}?{query}#wechat_redirect"

    def is_ours(self, template_id: str) -> bool:
        """See the port."""
        return template_id == self._template

    async def send(self, to: Grant, message: PushMessage) -> PushAnswer:
        """See the port; a token that WeChat has ended is fetched anew, once."""
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
                code = await self._post(client, to, message)
                if code in _BAD_TOKEN:
                    self._token_until_s = 0
                    code = await self._post(client, to, message)
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return _LATER_ANSWER
        if code == 0:
            return PushAnswer(PushOutcome.SENT)
        if code in _LATER or code in _BAD_TOKEN:
            return _LATER_ANSWER
        return PushAnswer(PushOutcome.GONE if code in _GONE else PushOutcome.REFUSED)

    async def _post(self, client: httpx.AsyncClient, to: Grant, message: PushMessage) -> int:
        token = await self._fresh_token(client)
        payload = {
            "touser": to.openid,
            "template_id": self._template,
            "url": self._back_url + message.url,
            "scene": str(to.scene),
            "title": message.title[:TITLE_CHARS_MAX],
            "data": {"content": {"value": message.body[:BODY_CHARS_MAX]}},
        }
        target = f"/cgi-bin/message/template/subscribe?access_token={quote(token)}"
        return int((await self._call(client, target, payload))["errcode"])

    async def _fresh_token(self, client: httpx.AsyncClient) -> str:
        if self._clock_s() >= self._token_until_s:
            payload = {
                "grant_type": "client_credential",
                "appid": self._appid,
                "secret": self._secret,
            }
            # The stable token is the same for all workers, who may ask for it at any time.
            found = await self._call(client, "/cgi-bin/stable_token", payload)
            self._token = str(found["access_token"])
            self._token_until_s = self._clock_s() + int(found["expires_in"]) - TOKEN_SPARE_S
        return self._token

    async def _call(
        self, client: httpx.AsyncClient, target: str, payload: dict[str, Any]
    ) -> dict[str, Any]:
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = await client.post(self._base + target, content=body, headers=headers)
        answer.raise_for_status()
        found = json.loads(answer.content[:ANSWER_BYTES_MAX])
        if not isinstance(found, dict):
            raise ValueError("no object")
        return found
