"""VP8 payload descriptors of every length are taken off."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedRtp
from media.wire import vp8


@pytest.mark.parametrize(
    "descriptor", ["10", "9000", "908011", "90808123", "90c0118001"[:8], "90f08123ff20"]
)
def test_the_descriptor_is_taken_off(descriptor: str) -> None:
    assert vp8.frame_of([bytes.fromhex(descriptor) + b"frame"]) == b"frame"


def test_payloads_follow_each_other() -> None:
    assert vp8.frame_of([b"\x10one", b"\x00two"]) == b"onetwo"


@given(st.lists(st.binary(max_size=12), max_size=4))
def test_garbage_raises_the_documented_error_or_nothing(payloads: list[bytes]) -> None:
    with contextlib.suppress(MalformedRtp):
        vp8.frame_of(payloads)
