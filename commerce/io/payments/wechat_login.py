"""Who a buyer is to WeChat: the login by which a page in WeChat learns the buyer's openid.

Source: https://developers.weixin.qq.com/doc/offiaccount, the page 网页授权 (snsapi_base, which asks
the buyer nothing).
"""

from urllib.parse import urlencode

import msgspec

from commerce.io.payments.calls import Calls
from commerce.money.providers import ProviderRefused

PAGE = "https://open.weixin.qq.com/connect/oauth2/authorize"
LIVE_URL = "https://api.weixin.qq.com"
CODE_CHARS_MAX = 128


class _Found(msgspec.Struct):
    openid: str = ""
    errcode: int = 0


class WechatLogin:
    """Implements `commerce.money.providers.BuyerLogin` for the public account `appid`."""

    def __init__(self, appid: str, secret: str, url: str = LIVE_URL) -> None:
        self._appid = appid
        self._secret = secret
        self._calls = Calls(url)

    def url(self, back: str, state: str) -> str:
        """See the port."""
        asked = {
            "appid": self._appid,
            "redirect_uri": back,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        return f"{PAGE}?{urlencode(asked)}#wechat_redirect"

    async def client_of(self, code: str) -> str:
        """See the port: the openid."""
        if not 0 < len(code) <= CODE_CHARS_MAX:
            raise ProviderRefused("invalid code")
        asked = {
            "appid": self._appid,
            "secret": self._secret,
            "code": code,
            "grant_type": "authorization_code",
        }
        answer = await self._calls.send("GET", f"/sns/oauth2/access_token?{urlencode(asked)}", {})
        found = answer.read(_Found)
        if not found.openid:
            raise ProviderRefused(f"errcode {found.errcode}")
        return found.openid

    async def aclose(self) -> None:
        """End the connections."""
        await self._calls.aclose()
