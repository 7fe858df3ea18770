"""Selling: orders, stock, group buys, money and handover. The root holds rules; io/ the world."""
