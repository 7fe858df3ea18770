"""PLIs to a host are paced and sent until a key frame arrives; a host may ignore them."""

from media.stream.key_requests import (
    IGNORED_AFTER_REQUESTS,
    REQUEST_INTERVAL_S,
    KeyFrameRequests,
)


def test_plis_are_sent_at_their_interval_until_the_key_frame_arrives() -> None:
    keys = KeyFrameRequests()
    assert not keys.due(now=0.0)
    keys.request()
    assert keys.due(now=0.0)
    assert not keys.due(now=REQUEST_INTERVAL_S / 2)
    assert keys.due(now=REQUEST_INTERVAL_S)
    keys.on_key_frame()
    assert not keys.due(now=2 * REQUEST_INTERVAL_S)
    assert keys.sent == 2


def test_a_host_that_answers_no_request_counts_as_ignoring_until_a_key_frame() -> None:
    keys = KeyFrameRequests()
    keys.request()
    for number in range(IGNORED_AFTER_REQUESTS):
        assert not keys.ignored
        assert keys.due(now=number * REQUEST_INTERVAL_S)
    assert keys.ignored
    keys.on_key_frame()
    assert not keys.ignored
