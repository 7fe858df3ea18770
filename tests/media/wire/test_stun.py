"""Connectivity checks, judged by aioice's independent STUN."""

import pytest
from aioice import stun as aioice_stun

from media.errors import MalformedStun
from media.wire.stun import (
    TRANSACTION_ID_BYTES,
    bad_request,
    binding_request,
    binding_success,
    is_bad_request_answer,
    parse,
    reachability_request,
)

PASSWORD = "secret-password"
ADDRESS = ("203.0.113.9", 40_001)


def request(**attributes: object) -> aioice_stun.Message:
    message = aioice_stun.Message(
        message_method=aioice_stun.Method.BINDING, message_class=aioice_stun.Class.REQUEST
    )
    message.attributes["USERNAME"] = "ours:theirs"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 7
    message.attributes.update(attributes)
    return message


def test_a_check_has_our_ufrag_and_proves_the_password() -> None:
    message = request(**{"USE-CANDIDATE": None})
    message.add_message_integrity(PASSWORD.encode())
    parsed = parse(bytes(message))
    assert parsed.ufrag == "ours"
    assert parsed.use_candidate
    assert parsed.authentic(PASSWORD.encode())
    assert not parsed.authentic(b"another password")


def test_a_changed_byte_is_not_authentic() -> None:
    message = request()
    message.add_message_integrity(PASSWORD.encode())
    raw = bytearray(bytes(message))
    raw[28] ^= 1
    assert not parse(bytes(raw)).authentic(PASSWORD.encode())


@pytest.mark.parametrize("address", [ADDRESS, ("2001:db8::9", 40_001)], ids=["ipv4", "ipv6"])
def test_a_success_response_has_the_peers_mapped_address(address: tuple[str, int]) -> None:
    message = request()
    raw = binding_success(message.transaction_id, address, PASSWORD.encode())
    answer = aioice_stun.parse_message(raw)
    assert answer.check_message_integrity(PASSWORD.encode())
    assert answer.message_class is aioice_stun.Class.RESPONSE
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
    assert "FINGERPRINT" in answer.attributes


def test_an_ipv4_peer_of_a_socket_of_both_families_is_answered_with_its_ipv4_address() -> None:
    message = request()
    seen = ("::ffff:192.0.2.1", 40_001, 0, 0)
    raw = binding_success(message.transaction_id, seen, PASSWORD.encode())
    answer = aioice_stun.parse_message(raw)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.1", 40_001)


def test_a_check_without_integrity_is_malformed() -> None:
    with pytest.raises(MalformedStun, match="integrity"):
        parse(bytes(request()))


def test_our_binding_request_is_answered_by_a_controlling_agent() -> None:
    transaction_id = bytes(range(TRANSACTION_ID_BYTES))
    raw = binding_request(transaction_id, "theirs:ours2", PASSWORD.encode())
    message = aioice_stun.parse_message(raw)
    assert message.check_message_integrity(PASSWORD.encode())
    assert message.message_class is aioice_stun.Class.REQUEST
    assert message.attributes["USERNAME"] == "theirs:ours2"
    assert {"PRIORITY", "ICE-CONTROLLED", "FINGERPRINT"} <= set(message.attributes)
    answer = aioice_stun.Message(
        message_method=aioice_stun.Method.BINDING,
        message_class=aioice_stun.Class.RESPONSE,
        transaction_id=transaction_id,
        attributes={"XOR-MAPPED-ADDRESS": ADDRESS},
    )
    answer.add_message_integrity(PASSWORD.encode())
    parsed = parse(bytes(answer))
    assert parsed.answer
    assert parsed.transaction_id == transaction_id
    assert parsed.authentic(PASSWORD.encode())
    assert not parsed.authentic(b"another password")


def test_an_answer_without_integrity_is_malformed() -> None:
    answer = aioice_stun.Message(
        message_method=aioice_stun.Method.BINDING, message_class=aioice_stun.Class.RESPONSE
    )
    with pytest.raises(MalformedStun, match="integrity"):
        parse(bytes(answer))


def test_a_request_without_credentials_is_answered_with_400() -> None:
    transaction_id = bytes(range(TRANSACTION_ID_BYTES))
    asked = reachability_request(transaction_id)
    raw = bad_request(asked)
    answer = aioice_stun.parse_message(raw)
    assert answer.message_class is aioice_stun.Class.ERROR
    assert answer.attributes["ERROR-CODE"] == (400, "")
    assert is_bad_request_answer(raw, transaction_id)
    assert not is_bad_request_answer(raw, bytes(TRANSACTION_ID_BYTES))


def test_no_answer_is_longer_than_its_request() -> None:
    """A forged address gets nothing that was amplified."""
    short = bytes(aioice_stun.Message(aioice_stun.Method.BINDING, aioice_stun.Class.REQUEST))
    assert bad_request(short) == b""
    asked = reachability_request(bytes(TRANSACTION_ID_BYTES))
    assert len(bad_request(asked)) <= len(asked)
    assert bad_request(bad_request(asked)) == b"", "an answer is not answered"
    assert bad_request(asked[:-1]) == b""
