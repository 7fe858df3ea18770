"""What rooms and stores carry: events, their payloads, and the state that they add up to.

`registry.py` lists the features. A payload is the wire form of a view of commerce, field by field,
and has its name; `server/bridge/feed.py` makes one of the other. The names are the wire's own
(docs/protocol.md).
"""
