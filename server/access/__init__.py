"""Who may do what: the only place."""
