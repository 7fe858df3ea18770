"""The keys of the gate that brands share."""

from commerce.io.gate.keys import SHARED, GateKeys

GATE = GateKeys(SHARED)
