"""What leaders scan, maybe without a network, and what becomes of it."""

from dataclasses import dataclass
from enum import StrEnum

SCANS_MAX = 100  # of one request
REASON_CHARS_MIN = 4
REASON_CHARS_MAX = 140


class ScanHow(StrEnum):
    """How a leader knows who takes the goods."""

    CODE = "code"  # scanned or typed; at a door the order itself
    TAIL = "tail"  # the last four digits of a proved phone number, and a reason
    BATCH = "batch"  # one of several households together, by sight, and a reason


class ScanResult(StrEnum):
    """What became of a scan; once decided it stays."""

    HANDED_OVER = "handed_over"
    DUPLICATE = "duplicate"  # the goods were handed over before
    UNKNOWN = "unknown"  # no such code in the estate
    NOT_READY = "not_ready"
    WRONG_TAIL = "wrong_tail"


@dataclass(frozen=True, slots=True)
class Scan:
    """What a phone scanned at its own time, UTC milliseconds; `seq` counts per device.

    `order_id` instead of a code: the order is delivered, and its household gets it at the door.
    """

    device: str
    device_name: str
    seq: int
    how: ScanHow
    scanned_at_ms: int
    code: str = ""
    order_id: str = ""
    household_id: str = ""
    last_four: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FirstHandover:
    """Who handed an order over first: a leader's device, or the store's counter ("")."""

    device: str
    device_name: str
    staff_name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """What became of a scan, for which orders; `first` names the one before a duplicate."""

    seq: int
    result: ScanResult
    order_ids: tuple[str, ...] = ()
    first: FirstHandover | None = None
