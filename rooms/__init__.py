"""The room engine: numbered events, the state they add up to, chat, counters, rate limits.

Pure rules; `rooms/io/` holds Redis and the fan-out to viewers. All times on the wire are integer
UTC milliseconds (`_at_ms`), money is integer fen (`_fen`).

RoomsError              (rooms/log.py) everything this package raises
└── LogUnavailable      (a ConnectionError, too) the log cannot be reached now; nothing may have
                        happened, or all of it
"""
