"""Messages to browsers, against a push service on this machine that decrypts them."""

from commerce.io.messages.web_push import TOKEN_TTL_S, WebPush, push_key
from commerce.notices.push import PushAnswer, PushMessage, PushOutcome, Subscription
from tests.support.push_service import push_service
from tests.support.waiting import free_port

MESSAGE = PushMessage("可以取货了", "春江店", "/me", "ready:o1", 600)
NOW_S = 4_000_000_000  # its tokens have not expired


async def test_a_message_is_encrypted_for_its_browser_and_signed_for_its_service() -> None:
    push = WebPush(push_key("s" * 32), lambda: NOW_S, contact="mailto:shop@example.com")
    async with push_service() as service:
        browser = Subscription(service.endpoint, service.p256dh, service.auth, "zh")
        assert await push.send(browser, MESSAGE) == PushAnswer(PushOutcome.SENT)
        assert service.messages == [
            {"title": "可以取货了", "body": "春江店", "url": "/me", "tag": "ready:o1"}
        ]
        claims = service.claims[0]
        assert (claims["sub"], claims["exp"]) == ("mailto:shop@example.com", NOW_S + TOKEN_TTL_S)
        assert (service.headers[0]["ttl"], service.headers[0]["urgency"]) == ("600", "high")
        service.statuses = [404, 410, 429, 503, 413, 302]
        outcomes = [(await push.send(browser, MESSAGE)).outcome for _ in range(6)]
    gone, later, refused = PushOutcome.GONE, PushOutcome.LATER, PushOutcome.REFUSED
    assert outcomes == [gone, gone, later, later, refused, refused]


async def test_a_service_that_cannot_be_reached_is_tried_later() -> None:
    push = WebPush(push_key("s" * 32), lambda: NOW_S)
    async with push_service() as service:
        browser = Subscription(
            f"http://127.0.0.1:{free_port()}/", service.p256dh, service.auth, "zh"
        )
        assert (await push.send(browser, MESSAGE)).outcome is PushOutcome.LATER


def test_the_senders_key_follows_from_the_secret() -> None:
    keys = [WebPush(push_key(secret), lambda: 0).public_key for secret in ("a", "a", "b")]
    assert keys[0] == keys[1] != keys[2]
    assert len(keys[0]) == 87
