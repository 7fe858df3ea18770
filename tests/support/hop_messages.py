"""Strategies for what two workers send each other over the hop."""

from hypothesis import strategies as st

from media.wire import hop
from media.wire.codec import Codec

u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
counters = st.integers(0, hop.COUNTER_MAX)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=16)
codecs = st.builds(
    Codec, st.sampled_from(["H264", "VP8", "opus"]), st.integers(0, 127), st.integers(1, 1 << 31),
    st.text(max_size=60),
)  # fmt: skip
rids = st.lists(names | st.just(""), min_size=1, max_size=3, unique=True).map(tuple)
formats = st.builds(
    hop.Formats,
    st.integers(1, 0xFFFF),
    st.tuples(st.builds(hop.Format, st.just("audio"), codecs, rids))
    | st.tuples(
        st.builds(hop.Format, st.just("audio"), codecs, rids),
        st.builds(hop.Format, st.just("video"), codecs, rids),
    ),
)
states = st.builds(
    hop.State, st.booleans(), st.booleans(), u16, u32,
    st.lists(
        st.builds(hop.LayerState, st.booleans(), u32, u16, u16, st.tuples(u64, u32)), max_size=16
    ).map(tuple),
)  # fmt: skip
workers = st.text("0123456789abcdef", min_size=8, max_size=8)
messages: st.SearchStrategy[hop.Message] = st.one_of(
    st.builds(
        hop.Join, st.booleans(), st.booleans(), u16, st.integers(0, 255),
        st.lists(workers, max_size=hop.AVOIDS_MAX).map(tuple),
    ),
    st.builds(hop.Path, st.lists(workers, max_size=hop.PATH_MAX).map(tuple)),
    st.builds(hop.Ask, workers | st.just("")),
    st.builds(hop.Wants, u32, u16, u16, u16),
    st.builds(hop.Nack, st.integers(0, 15), st.lists(u16, max_size=50).map(tuple)),
    st.builds(hop.Bye),
    st.builds(hop.Gone),
    formats,
    states,
)  # fmt: skip
