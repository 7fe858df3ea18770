"""The ledger: from the order stream into the record, and the answer back to the tap."""
