"""Parts of RTCP packets."""


def payload_of(report: bytes) -> bytes:
    """What follows the header of an RTCP packet without padding."""
    return report[4:]
