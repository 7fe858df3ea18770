"""The catalogue that every worker keeps in memory."""
