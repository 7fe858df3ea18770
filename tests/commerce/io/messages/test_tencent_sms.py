"""One-time codes by Tencent Cloud SMS: what is sent, byte by byte, and what its answers mean."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from commerce.io.messages.tencent_sms import TencentSms, authorization, refusal_of
from commerce.notices.notices import NoticeKind
from commerce.notices.push import PushOutcome
from commerce.people.phones import CodeNotSent

AT_S = 1_551_113_065
SENT = b'{"Response":{"SendStatusSet":[{"Code":"Ok","Message":"send success"}],"RequestId":"r"}}'
QUERY = "?app=1400006666&sign=%E9%82%BB%E9%B2%9C&template=1110"


def test_a_request_is_signed_as_the_providers_example() -> None:
    """https://cloud.tencent.com/document/api/213/30654: the worked example of signature v3."""
    body = (
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )
    host = "cvm.tencentcloudapi.com"
    signed = authorization("id", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm", host, body, AT_S)
    assert signed == (
        "TC3-HMAC-SHA256 Credential=id/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


@asynccontextmanager
async def provider(answer: bytes, got: list[bytes], notices: str = "") -> AsyncIterator[TencentSms]:
    """The adapter on a server that keeps the bytes it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        got.append(head + await reader.readexactly(int(length.split(b":")[1])))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"tencent://id:k%2Fey@127.0.0.1:{port}/{QUERY}{notices}"
    async with server:
        yield TencentSms(url, lambda: AT_S, scheme="http")


async def test_a_code_goes_to_one_phone() -> None:
    got: list[bytes] = []
    async with provider(SENT, got) as sms:
        await sms.send("+8613800001234", "012345")
        host = sms._host
    [request] = got
    head, body = request.split(b"\r\n\r\n")
    assert body.decode() == (
        '{"PhoneNumberSet":["+8613800001234"],"SmsSdkAppId":"1400006666","SignName":"邻鲜",'
        '"TemplateId":"1110","TemplateParamSet":["012345","5"]}'
    )
    start, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert start == "POST / HTTP/1.1"
    assert headers["authorization"] == authorization("id", "k/ey", "sms", host, body, AT_S)
    assert {name: headers[name] for name in headers if name.startswith(("x-tc", "content-t"))} == {
        "content-type": "application/json; charset=utf-8",
        "x-tc-action": "SendSms",
        "x-tc-timestamp": "1551113065",
        "x-tc-version": "2021-01-11",
        "x-tc-region": "ap-guangzhou",
    }
    assert headers["host"] == host


async def test_a_notice_has_its_own_template_with_the_stores_name() -> None:
    got: list[bytes] = []
    async with provider(SENT, got, "&ready=2110") as sms:
        answer = await sms.send_notice("+8613800001234", NoticeKind.READY, "春江店")
    assert (answer.outcome, set(sms.kinds)) == (PushOutcome.SENT, {NoticeKind.READY})
    [request] = got
    head, body = request.split(b"\r\n\r\n")
    assert body.decode() == (
        '{"PhoneNumberSet":["+8613800001234"],"SmsSdkAppId":"1400006666","SignName":"邻鲜",'
        '"TemplateId":"2110","TemplateParamSet":["春江店"]}'
    )
    [host] = [line[6:] for line in head.decode().split("\r\n") if line.lower().startswith("host: ")]
    signed = authorization("id", "k/ey", "sms", host, body, AT_S)
    assert f"Authorization: {signed}".lower() in head.decode().lower()


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("RequestLimitExceeded", PushOutcome.LATER),
        ("LimitExceeded.PhoneNumberDailyLimit", PushOutcome.REFUSED),
        ("InternalError.Timeout", PushOutcome.REFUSED),  # it may have been sent
    ],
)
async def test_a_notice_is_tried_again_only_if_it_was_not_sent_for_certain(
    code: str, outcome: PushOutcome
) -> None:
    error = json.dumps({"Response": {"Error": {"Code": code}}}).encode()
    async with provider(error, [], "&ready=2110") as sms:
        answer = await sms.send_notice("+8613800001234", NoticeKind.READY, "春江店")
    assert answer.outcome is outcome
    unreachable = await sms.send_notice("+8613800001234", NoticeKind.READY, "春江店")
    assert unreachable.outcome is PushOutcome.LATER


async def test_a_refusal_is_an_error_with_the_providers_word() -> None:
    limit = {"Response": {"SendStatusSet": [{"Code": "LimitExceeded.PhoneNumberDailyLimit"}]}}
    async with provider(json.dumps(limit).encode(), []) as sms:
        with pytest.raises(CodeNotSent, match=r"LimitExceeded\.PhoneNumberDailyLimit"):
            await sms.send("+8613800001234", "012345")


async def test_a_provider_that_cannot_be_reached_is_an_error() -> None:
    async with provider(SENT, []) as sms:
        pass
    with pytest.raises(CodeNotSent):
        await sms.send("+8613800001234", "012345")


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'{"Response":{"SendStatusSet":[]}}'])
def test_an_answer_that_cannot_be_read_is_no_success(answer: bytes) -> None:
    assert refusal_of(answer) == "unreadable answer"


def test_an_error_of_the_account_is_named() -> None:
    error = b'{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":""}}}'
    assert refusal_of(error) == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    "url",
    [
        "https://id:key@sms.tencentcloudapi.com/" + QUERY,
        "tencent://sms.tencentcloudapi.com/" + QUERY,
        "tencent://id:key@sms.tencentcloudapi.com/?app=1",
    ],
)
def test_an_account_that_lacks_something_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SMS account"):
        TencentSms(url, lambda: AT_S)
