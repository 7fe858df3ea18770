"""FLV tags are read as they were written, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import MalformedFlv
from media.wire import flv_tags
from media.wire.flv_reader import FlvReader, Tag
from media.wire.flv_tags import TagType

HEADER = flv_tags.file_header(has_video=True, has_audio=True)
tags = st.builds(
    Tag, st.sampled_from(list(TagType)), st.integers(0, 2**32 - 1), st.binary(max_size=300)
)


@given(st.lists(tags, max_size=5), st.integers(1, 50))
def test_tags_survive_any_pieces(written: list[Tag], piece: int) -> None:
    data = HEADER + b"".join(
        flv_tags.tag(TagType(each.kind), each.timestamp_ms, each.body) for each in written
    )
    reader = FlvReader()
    found = [tag for at in range(0, len(data), piece) for tag in reader.feed(data[at : at + piece])]
    assert found == written


@given(st.binary(max_size=200))
def test_what_is_not_flv_raises_its_error_only(data: bytes) -> None:
    try:
        FlvReader().feed(data)
    except MalformedFlv:
        assert len(data) >= len(HEADER) and data[:3] != b"FLV"


def test_another_beginning_is_refused() -> None:
    with pytest.raises(MalformedFlv):
        FlvReader().feed(b"GIF89a" + bytes(20))
