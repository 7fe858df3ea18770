"""Use cases of leaders: the neighbours of an estate who bring goods to their neighbours."""
