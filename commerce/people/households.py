"""Households: the people of one flat, or who share a phone number, have one seat and one limit.

A household is known by a verified phone number or by a flat that the shop has confirmed; the flat
outranks the number. Its id is that of the guest it began with, so that what this guest has bought
and joined goes on to count.

BadDwelling     a building or flat that is none
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from commerce.errors import CommerceError

PART_CHARS_MAX = 16

_BUILDING_WORDS = re.compile(r"(?:号楼|栋|幢|座|楼|号|#)+$|^(?:BUILDING|BLDG\.?|NO\.?|#)+")
_FLAT_WORDS = re.compile(r"(?:号室|室|房|户|号|#)+$|^(?:FLAT|APT\.?|UNIT|ROOM|NO\.?|#)+")
_PART = re.compile(r"[0-9A-Z一-鿿]+(?:-[0-9A-Z一-鿿]+)*")
_ZEROS = re.compile("^0+(?=[0-9])")
_SPACES = re.compile(r"\s+")
_DASHES = re.compile(r"[\u2010-\u2015\u2212_/]+")


class BadDwelling(CommerceError):
    """A building or flat that is none; `member` says which."""

    def __init__(self, member: str) -> None:
        super().__init__(member)
        self.member = member


class DwellingState(StrEnum):
    """What the shop has said to a guest's building and flat."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Dwelling:
    """A flat of an estate, spelled in one way."""

    building: str
    flat: str


@dataclass(frozen=True, slots=True)
class Household:
    """A household that is there; `confirmed` when the shop knows its flat."""

    id: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a guest belongs from now on; all of household `merged` go with them ("" for none)."""

    into: str
    merged: str = ""


def dwelling_of(building: str, flat: str) -> Dwelling:
    """Return a flat in the one spelling that all ways to type it share.

    Raises:
        BadDwelling: It is empty, too long, or has other characters than letters and digits.
    """
    return Dwelling(_part("building", building, _BUILDING_WORDS), _part("flat", flat, _FLAT_WORDS))


def after_phone(guest_id: str, own: Household | None, person: Household | None) -> Moved:
    """Return where a guest belongs who has proved the number of a person."""
    if person is None:
        return Moved(own.id if own else guest_id)
    if own is None or own.id == person.id:
        return Moved(person.id)
    if own.confirmed and person.confirmed:
        return Moved(person.id)
    return Moved(own.id, person.id) if own.confirmed else Moved(person.id, own.id)


def after_dwelling(guest_id: str, own: Household | None, known: str, fresh_id: str) -> Moved:
    """Return where a guest belongs whose flat the shop confirms.

    `known` is the household of that flat, "" if nobody of it is known yet. Who moves out of another
    flat leaves its household behind.
    """
    if own is None:
        return Moved(known or guest_id)
    if own.id == known:
        return Moved(known)
    if own.confirmed:
        return Moved(known or fresh_id)
    return Moved(known, own.id) if known else Moved(own.id)


def _part(member: str, typed: str, words: re.Pattern[str]) -> str:
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", typed))
    text = words.sub("", _SPACES.sub("", text).upper())
    if len(text) > PART_CHARS_MAX or not _PART.fullmatch(text):
        raise BadDwelling(member)
    return _ZEROS.sub("", text)
