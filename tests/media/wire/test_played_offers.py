"""Viewers' offers are read as any other offer, however many differ in little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import BadOffer
from media.wire.played_offers import KEPT_CHARS_MAX, parse_played
from media.wire.sdp import parse_offer
from tests.support.sdp_offers import OFFER

PLAYED = OFFER.replace("sendonly", "recvonly")
OWN = ("1 1 IN", "abcd", "0123456789012345678901", "AA:BB", "sha-256", "a=mid:1", "\r\n", "v=0")


def of_session(ufrag: str, password: str, fingerprint: str) -> str:
    offer = PLAYED.replace("abcd", ufrag).replace("0123456789012345678901", password)
    return offer.replace("AA:BB", fingerprint).replace("o=- 1 1", f"o=- {hash(ufrag) % 10**9} 2")


def read(text: str, *, kept: bool) -> object:
    try:
        return parse_played(text) if kept else parse_offer(text, "play")
    except BadOffer as error:
        return str(error)


def test_each_session_has_its_own_credentials() -> None:
    for session in (("abcd", "p" * 22, "aa:01"), ("V1", "V0", "V2"), ("efgh", "q" * 24, "BB:02")):
        text = of_session(*session)
        assert parse_played(text) == parse_offer(text, "play")
    assert parse_played(text).fingerprints == (("sha-256", "BB:02"),)


@given(st.sampled_from(OWN), st.text("aA0: V\r\n\u2028\t=-", max_size=6), st.integers(0, 3))
def test_an_offer_is_read_as_without_keeping(old: str, new: str, times: int) -> None:
    text = PLAYED.replace(old, new, times)
    assert read(text, kept=True) == read(text, kept=False)


def test_a_refused_offer_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(BadOffer, match="rtcp-mux"):
            parse_played(PLAYED.replace("a=rtcp-mux\r\n", ""))


def test_a_long_offer_is_read_too() -> None:
    text = PLAYED + "a=x:y\r\n" * KEPT_CHARS_MAX
    assert read(text, kept=True) == read(text, kept=False)
