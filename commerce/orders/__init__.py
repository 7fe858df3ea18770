"""Orders: the gate, the ledger, states, routing, pickup. Rules only."""
