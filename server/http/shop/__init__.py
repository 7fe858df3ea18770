"""What buyers and staff do over HTTP."""
