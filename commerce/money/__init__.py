"""Transfers between accounts and the payment port. Rules only."""
