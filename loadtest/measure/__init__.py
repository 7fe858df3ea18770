"""What clients measured: statistics, audit, reports, the rig."""
