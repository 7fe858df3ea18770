"""A publisher's RTMP commands are answered as FFmpeg, librtmp and GStreamer expect."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedRtmp
from media.wire import amf
from media.wire.rtmp_chunks import ChunkReader, MessageType, RtmpMessage, chunks
from media.wire.rtmp_session import (
    COMMAND_BYTES_MAX,
    HANDSHAKE_BYTES,
    Ended,
    MediaReceived,
    MetadataReceived,
    PublishRequested,
    RtmpEvent,
    RtmpSession,
)

HELLO = b"\x03" + bytes(HANDSHAKE_BYTES)


class Publisher:
    """The other end: says its commands and reads the answers."""

    def __init__(self) -> None:
        self.server = RtmpSession(b"nonce")
        self._reader = ChunkReader()
        assert self.server.receive(HELLO) == []
        answer = self.server.data_to_send()
        assert len(answer) == 1 + 2 * HANDSHAKE_BYTES
        assert answer[1 + HANDSHAKE_BYTES :] == HELLO[1:]
        self.server.receive(answer[1 : 1 + HANDSHAKE_BYTES])

    def send(self, kind: MessageType, payload: bytes, timestamp: int = 0) -> list[RtmpEvent]:
        return self.server.receive(chunks(RtmpMessage(kind, 1, timestamp, payload), 3))

    def command(self, *values: amf.AmfValue) -> list[RtmpEvent]:
        return self.send(MessageType.COMMAND, amf.encode(*values))

    def answers(self) -> list[list[amf.AmfValue]]:
        messages = self._reader.receive(self.server.data_to_send())
        return [amf.decode(each.payload) for each in messages if each.type == MessageType.COMMAND]

    def publish(self, key: str = "secret") -> list[RtmpEvent]:
        self.command("connect", 1, {"app": "live", "tcUrl": "rtmp://shop/live"})
        self.command("createStream", 2, None)
        return self.command("publish", 3, None, key, "live")


def code(answer: list[amf.AmfValue]) -> amf.AmfValue:
    about = answer[3]
    assert isinstance(about, dict)
    return about["code"]


def test_connect_create_stream_and_publish_are_answered() -> None:
    publisher = Publisher()
    assert publisher.publish() == [PublishRequested("live", "secret")]
    connected, created = publisher.answers()
    assert connected[:2] == ["_result", 1.0]
    assert code(connected) == "NetConnection.Connect.Success"
    assert created == ["_result", 2.0, None, 1.0]
    publisher.server.accept()
    [started] = publisher.answers()
    assert code(started) == "NetStream.Publish.Start"


def test_a_command_with_transaction_0_has_no_result() -> None:
    """GStreamer's rtmp2sink sends releaseStream, FCPublish and publish so."""
    publisher = Publisher()
    publisher.command("connect", 1, {"app": "live"})
    publisher.answers()
    publisher.command("releaseStream", 0, None, "secret")
    publisher.command("FCPublish", 0, None, "secret")
    assert publisher.answers() == []


def test_a_query_and_slashes_are_no_part_of_the_key() -> None:
    publisher = Publisher()
    publisher.command("connect", 1, {"app": "live/"})
    asked = publisher.command("publish", 3, None, "/secret?bandwidthtest=true")
    assert asked == [PublishRequested("live", "secret")]


def test_media_before_the_key_is_accepted_is_dropped() -> None:
    publisher = Publisher()
    publisher.publish()
    assert publisher.send(MessageType.VIDEO, b"\x17\x01") == []
    publisher.server.accept()
    assert publisher.send(MessageType.VIDEO, b"\x17\x01", 40) == [
        MediaReceived(MessageType.VIDEO, 40, b"\x17\x01")
    ]


def test_a_stranger_cannot_have_long_messages_kept() -> None:
    publisher = Publisher()
    publisher.publish()
    with pytest.raises(MalformedRtmp):
        publisher.send(MessageType.VIDEO, bytes(COMMAND_BYTES_MAX + 1))


def test_a_refusal_says_why_and_ends_the_session() -> None:
    publisher = Publisher()
    publisher.publish("wrong")
    publisher.answers()
    publisher.server.refuse("NetStream.Publish.BadName", "No such stream key.")
    [answer] = publisher.answers()
    assert code(answer) == "NetStream.Publish.BadName"
    assert publisher.send(MessageType.VIDEO, b"\x17\x01") == []


@pytest.mark.parametrize("name", ["FCUnpublish", "deleteStream", "closeStream"])
def test_unpublishing_ends_the_stream_once(name: str) -> None:
    publisher = Publisher()
    publisher.publish()
    publisher.server.accept()
    # rtmp2sink's deleteStream carries the name in place of the stream's number.
    assert publisher.command(name, 4, None, "secret") == [Ended()]
    assert publisher.command("deleteStream", 5, None, 1) == []


def test_metadata_is_read_with_and_without_set_data_frame() -> None:
    publisher = Publisher()
    publisher.publish()
    about: amf.AmfValue = {"width": 1280.0, "encoder": "obs"}
    for prefix in (["@setDataFrame"], []):
        payload = amf.encode(*prefix, "onMetaData", about)
        assert publisher.send(MessageType.DATA, payload) == [
            MetadataReceived({"width": 1280.0, "encoder": "obs"})
        ]


def test_a_player_is_refused() -> None:
    publisher = Publisher()
    publisher.command("connect", 1, {"app": "live"})
    publisher.answers()
    assert publisher.command("play", 2, None, "secret") == [Ended()]
    [answer] = publisher.answers()
    assert code(answer) == "NetStream.Play.Failed"


def test_another_version_is_refused() -> None:
    with pytest.raises(MalformedRtmp, match="version 71"):
        RtmpSession(b"nonce").receive(b"GET / HTTP/1.1\r\n")


@given(st.binary(max_size=600), st.booleans())
def test_garbage_after_the_handshake_raises_the_documented_error_or_nothing(
    data: bytes, accepted: bool
) -> None:
    publisher = Publisher()
    publisher.publish()
    if accepted:
        publisher.server.accept()
    with contextlib.suppress(MalformedRtmp):
        publisher.server.receive(data)
