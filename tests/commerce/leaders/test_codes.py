"""Signed pickup codes, and the digests by which phones know typed ones."""

import json
from pathlib import Path

from commerce.io.shop.pickup_codes import PickupCodes
from commerce.leaders.codes import code_digest
from commerce.orders.pickup import read, signed

VECTOR = json.loads(
    (Path(__file__).parents[2] / "vectors" / "signed_pickup_codes.json").read_text()
)


def test_signature_and_digest_are_those_of_the_vector() -> None:
    keys = PickupCodes(VECTOR["secret"], lambda bits: 0)
    code, store_id = VECTOR["code"], VECTOR["store_id"]
    assert keys.public_key == VECTOR["public_key"]
    assert signed(code, keys.sign(store_id, code)) == VECTOR["text"]
    assert code_digest(store_id, code) == VECTOR["digest"]
    assert read(VECTOR["text"]) == code
    assert keys.sign("s2", code) != keys.sign(store_id, code)
