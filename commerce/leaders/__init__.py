"""Rules for leaders: what they see of their neighbours, and when."""
