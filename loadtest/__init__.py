"""The outside view: simulated hosts, viewers and buyers that know public endpoints only."""
