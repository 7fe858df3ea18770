"""AMF0 values are read as they were written, and garbage is refused."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedRtmp
from media.wire import amf

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=4))
def test_encoded_values_decode_to_themselves(values: list[amf.AmfValue]) -> None:
    with contextlib.suppress(MalformedRtmp):  # some nest deeper than the limit
        assert amf.decode(amf.encode(*values)) == values


@given(st.binary(max_size=200))
def test_garbage_raises_the_documented_error_or_nothing(data: bytes) -> None:
    with contextlib.suppress(MalformedRtmp):
        amf.decode(data)


def test_an_ecma_array_ends_at_its_marker_whatever_its_count_says() -> None:
    data = b"\x08\x00\x00\x00\x63" + b"\x00\x05width\x00" + struct.pack("!d", 1280) + b"\0\0\x09"
    assert amf.decode(data) == [{"width": 1280.0}]


def test_a_date_is_read_as_milliseconds() -> None:
    assert amf.decode(b"\x0b" + struct.pack("!d", 1e12) + b"\0\0") == [1e12]


def test_a_long_string_survives() -> None:
    text = "长" * 40_000
    assert amf.decode(amf.encode(text)) == [text]


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\xff\xff\xff\xff",  # an array of four billion items
        b"\x03" + b"\x00\x01a\x03" * 20,  # an object in an object in an object …
        b"\x11",  # AMF3
        b"\x02\x00\x05abc",
    ],
    ids=["array too long", "nesting", "unknown type", "cut short"],
)
def test_what_breaks_a_limit_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRtmp):
        amf.decode(data)
