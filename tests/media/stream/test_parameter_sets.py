"""Parameter sets of hostile hosts: whatever they send, nothing raises and little is kept."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from media.stream.parameter_sets import SETS_MAX, ParameterSets
from media.wire.codec import PARAMETER_SET_CHARS_MAX, PARAMETER_SETS_MAX, Codec
from media.wire.rtp import PAYLOAD_BYTES_MAX, Packet

payload = st.binary(max_size=60) | st.builds(
    lambda kind, rest: bytes((kind,)) + rest,
    st.sampled_from([0x67, 0x68, 0x65, 0x78, 0x7C]),
    st.binary(max_size=60),
)


@given(st.lists(payload, max_size=40), st.lists(payload, max_size=8))
def test_any_bytes_are_taken(sent: list[bytes], described: list[bytes]) -> None:
    sets = ParameterSets(described)
    for at, each in enumerate(sent):
        for added in sets.before(Packet(96, False, at, at // 3, 1, each)):
            assert 0 < len(added) <= PAYLOAD_BYTES_MAX
    assert len(sets._units) <= SETS_MAX


@given(st.text(max_size=200))
def test_any_text_is_read_as_sets_or_left_out(text: str) -> None:
    assert all(Codec("H264", 96, 90_000, f"sprop-parameter-sets={text}").parameter_sets or [b"."])


def test_what_is_no_base64_or_too_long_is_left_out() -> None:
    good = base64.b64encode(b"\x67sps").decode()
    long = base64.b64encode(bytes(PARAMETER_SET_CHARS_MAX)).decode()
    codec = Codec("H264", 96, 90_000, f"sprop-parameter-sets=%,{good},{long},,A")
    assert codec.parameter_sets == (b"\x67sps",)
    many = Codec("H264", 96, 90_000, "sprop-parameter-sets=" + ",".join([good] * 100))
    assert len(many.parameter_sets) == PARAMETER_SETS_MAX
    assert Codec("H264", 96, 90_000).parameter_sets == ()
