"""Names of everything that a run measures, as thresholds and reports use them.

Timings have the members `p50_ms` … `max_ms` and `count` each; counts are plain numbers.
"""

TIMINGS = {
    "join": "connecting → first snapshot of the room",
    "room.delivery": "due time of a chat line → its arrival at each viewer",
    "room.recovery": "first attempt to reconnect → the room's state is whole again",
    "pin.shown": "due time of a pin → its arrival at each viewer",
    "tap.answer": "due time of a tap → the answer to the order",
    "tap.shown": "due time of a tap → the order on the buyer's own socket",
    "media.first_packet": "due time of a WebRTC viewer → first RTP packet",
    "hls.first_part": "due time of an HLS viewer → first whole part",
    "hls.part": "first mention of a part in any playlist → each viewer has it whole",
}
COUNTS = {
    "viewers.joined": "viewers who got a snapshot",
    "viewers.refused": "viewers who got none",
    "room.messages": "messages received by all viewers",
    "room.bytes": "bytes of these",
    "room.gaps": "numbered events that a viewer missed",
    "room.duplicates": "numbered events that a viewer got twice",
    "room.behind": "viewers whose position at the end is not the room's",
    "room.lost": "connections that ended without being asked to",
    "room.recovered": "reconnections that the room's log served",
    "room.snapshots": "reconnections that got a snapshot instead",
    "room.unrecovered": "viewers who did not get back in",
    "room.errors": "messages refused by the room",
    "chat.sent": "chat lines sent",
    "chat.accepted": "chat lines acknowledged",
    "pins.missed": "viewers who never saw a pin of the host's script",
    "host.failed": "steps of the host's script that the server refused",
    "orders.tapped": "orders asked for",
    "orders.confirmed": "orders confirmed",
    "orders.pending": "orders answered with 202, confirmed later",
    "orders.sold_out": "orders refused because nothing was left",
    "orders.refused": "orders refused for other reasons",
    "orders.unanswered": "orders without an answer",
    "orders.oversold": "units sold beyond the stock",
    "orders.lost": "confirmed orders that the buyer's list lacks",
    "orders.doubled": "orders that no tap asked for, or two for one key",
    "orders.counter_difference": "units by which the stock counter differs from the orders",
    "orders.refunds_owed": "cancelled orders that were not paid back in full",
    "groups.seats_difference": "seats by which groups differ from their paying households",
    "media.joined": "WebRTC viewers who connected",
    "media.refused": "WebRTC viewers who did not",
    "media.packets": "RTP packets received",
    "media.missing": "RTP packets that never came",
    "media.freezes": "pauses between frames of three frames or more",
    "media.forged": "RTP packets that failed authentication",
    "media.ended": "WebRTC sessions that ended without being asked to",
    "hls.joined": "HLS viewers who got a part",
    "hls.refused": "HLS viewers who got none",
    "hls.parts": "parts received whole",
    "hls.skipped": "times an HLS viewer had to leave out parts",
    "hls.failed": "requests of HLS viewers that were refused",
    "hls.ended": "connections of HLS viewers that ended without being asked to",
    "tester.errors": "sockets that the tester's own machine refused",
}
PERCENTILES = {"p50_ms": 50.0, "p90_ms": 90.0, "p95_ms": 95.0, "p99_ms": 99.0, "p999_ms": 99.9}
MEMBERS = (*PERCENTILES, "max_ms", "count")
NAMES = (*(f"{timing}.{member}" for timing in TIMINGS for member in MEMBERS), *COUNTS)
