"""Group buys of an estate: states, seats, deadlines."""
