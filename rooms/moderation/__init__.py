"""Order in a room's chat: what lines are matched against, and who may send them now."""
