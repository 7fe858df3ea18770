"""The port to asynchronous payment providers."""

import pytest

from commerce.money.providers import RefusedBecause, WebhookRefused, is_reference


@pytest.mark.parametrize(
    "text", ["", "a" * 5, "a" * 33, "aaaaa b", "aaaaaa\n", "订单号码十二", "aaaa.b"]
)
def test_what_a_provider_would_not_take_is_no_reference(text: str) -> None:
    assert not is_reference(text)
    assert is_reference("0189-abc_XYZ" + "0" * 20)


def test_only_a_stale_webhook_is_a_conflict() -> None:
    statuses = {because: WebhookRefused(because).status for because in RefusedBecause}
    assert statuses.pop(RefusedBecause.STALE) == 409
    assert set(statuses.values()) == {401}
