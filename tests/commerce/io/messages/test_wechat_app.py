"""One-time messages in WeChat: what is sent, byte by byte, and what the answers mean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from commerce.io.messages.wechat_app import WechatApp
from commerce.notices.push import PushMessage, PushOutcome
from commerce.notices.wechat import Grant

GRANT = Grant("oUpF8uMuAJO", 3, "zh")
MESSAGE = PushMessage("可以取货了", "春江店 已备好你的订单，打开查看取货码。", "/me", "t", 60)
TOKEN = b'{"access_token":"T&1","expires_in":7200}'


@asynccontextmanager
async def app(answers: list[bytes], got: list[tuple[str, bytes]]) -> AsyncIterator[WechatApp]:
    """The adapter on a server that keeps what it gets and gives these answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        [length] = [line for line in head.lower().split("\r\n") if "content-length" in line]
        body = await reader.readexactly(int(length.split(":")[1]))
        got.append((head.split(" ")[1], body))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + answers.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"wechat://wx1:s%2Fe@127.0.0.1:{port}/?template=T-1"
    async with server:
        yield WechatApp(url, "https://shop.example.org/", lambda: 0, scheme="http")


async def test_a_message_is_sent_with_a_token_that_is_fetched_once() -> None:
    got: list[tuple[str, bytes]] = []
    async with app([TOKEN, b'{"errcode":0}', b'{"errcode":0}'], got) as wechat:
        for _ in range(2):
            assert (await wechat.send(GRANT, MESSAGE)).outcome is PushOutcome.SENT
    token, first, second = got
    assert token == (
        "/cgi-bin/stable_token",
        b'{"grant_type":"client_credential","appid":"wx1","secret":"s/e"}',
    )
    assert first == second
    assert first[0] == "/cgi-bin/message/template/subscribe?access_token=T%261"
    assert first[1].decode() == (
        '{"touser":"oUpF8uMuAJO","template_id":"T-1","url":"https://shop.example.org/me",'
        '"scene":"3","title":"可以取货了","data":{"content":{"value":'
        '"春江店 已备好你的订单，打开查看取货码。"}}}'
    )


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([TOKEN, b'{"errcode":40001}', TOKEN, b'{"errcode":0}'], PushOutcome.SENT),
        ([TOKEN, b'{"errcode":42001}', TOKEN, b'{"errcode":42001}'], PushOutcome.LATER),
        ([TOKEN, b'{"errcode":43101}'], PushOutcome.GONE),
        ([TOKEN, b'{"errcode":45009}'], PushOutcome.LATER),
        ([TOKEN, b'{"errcode":47003}'], PushOutcome.REFUSED),
        ([TOKEN, b"<html>"], PushOutcome.LATER),
        ([b'{"errcode":40125}'], PushOutcome.LATER),
        ([b"[]"], PushOutcome.LATER),
    ],
)
async def test_an_answer_decides_what_follows(answers: list[bytes], outcome: PushOutcome) -> None:
    async with app(answers, []) as wechat:
        assert (await wechat.send(GRANT, MESSAGE)).outcome is outcome
    assert (await wechat.send(GRANT, MESSAGE)).outcome is PushOutcome.LATER  # nobody answers


def test_a_buyer_is_asked_by_wechats_own_page() -> None:
    wechat = WechatApp("wechat://wx1:s@h/?template=T-1", "https://a.example", lambda: 0)
    parts = urlsplit(wechat.ask_url(3, "ab12"))
    assert parts.hostname == "mp.weixin.qq.com"
    assert parts.fragment == "wechat_redirect"
    assert parse_qs(parts.query) == {
        "action": ["get_confirm"],
        "appid": ["wx1"],
        "scene": ["3"],
        "template_id": ["T-1"],
        "redirect_url": ["https://a.example/wechat/granted"],
        "reserved": ["ab12"],
    }


@pytest.mark.parametrize(
    "url", ["https://wx1:s@h/?template=T", "wechat://wx1@h/?template=T", "wechat://wx1:s@h/"]
)
def test_an_account_that_lacks_something_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="WeChat account"):
        WechatApp(url, "https://a.example", lambda: 0)
