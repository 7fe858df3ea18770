"""Our publisher's side of RTMP against our server's side: commands, media, refusals."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedRtmp, PublishRefused
from media.wire.flv_tags import TagType
from media.wire.rtmp_chunks import EXTENDED_TIMESTAMP, MessageType
from media.wire.rtmp_publisher import RtmpPublisher
from media.wire.rtmp_session import (
    MediaReceived,
    MetadataReceived,
    PublishRequested,
    RtmpEvent,
    RtmpSession,
)


class Pair:
    """Both ends of a connection without a network."""

    def __init__(self) -> None:
        self.publisher = RtmpPublisher("rtmp://platform.example/app/sub", "key?a=b", b"nonce")
        self.server = RtmpSession(b"other")

    def exchange(self) -> list[RtmpEvent]:
        """Carry bytes both ways until none are left."""
        events: list[RtmpEvent] = []
        while out := self.publisher.data_to_send():
            events += self.server.receive(out)
            self.publisher.receive(self.server.data_to_send())
        return events

    def accept(self) -> list[RtmpEvent]:
        self.server.accept()
        self.publisher.receive(self.server.data_to_send())
        return self.exchange()


def test_a_publisher_comes_as_far_as_its_key_and_waits_for_consent() -> None:
    pair = Pair()
    assert pair.exchange() == [PublishRequested("app/sub", "key")]
    assert not pair.publisher.accepted
    [metadata] = pair.accept()
    assert pair.publisher.accepted
    assert isinstance(metadata, MetadataReceived) and metadata.values["videocodecid"] == 7.0


@pytest.mark.parametrize("time_ms", [0, 40, EXTENDED_TIMESTAMP, 20_000_000])
def test_media_arrives_with_its_time(time_ms: int) -> None:
    pair = Pair()
    pair.exchange()
    pair.accept()
    body = bytes(10_000)
    pair.publisher.send_media(TagType.VIDEO, time_ms, body)
    pair.publisher.send_media(TagType.AUDIO, time_ms, b"\xaf\x01sound")
    assert pair.exchange() == [
        MediaReceived(MessageType.VIDEO, time_ms, body),
        MediaReceived(MessageType.AUDIO, time_ms, b"\xaf\x01sound"),
    ]


def test_a_refused_publisher_knows_why() -> None:
    pair = Pair()
    pair.exchange()
    pair.server.refuse("NetStream.Publish.BadName", "This stream key is not known.")
    with pytest.raises(PublishRefused) as refused:
        pair.publisher.receive(pair.server.data_to_send())
    assert refused.value.code == "NetStream.Publish.BadName"
    assert refused.value.description == "This stream key is not known."


def test_another_protocol_is_malformed() -> None:
    with pytest.raises(MalformedRtmp):
        RtmpPublisher("rtmp://platform.example/app", "key", b"").receive(b"HTTP/1.1 400\r\n")


@given(st.binary(max_size=600))
def test_garbage_of_the_platform_raises_the_documented_errors_or_nothing(data: bytes) -> None:
    pair = Pair()
    pair.exchange()
    with contextlib.suppress(MalformedRtmp, PublishRefused):
        pair.publisher.receive(data)
