"""Lists of the head office as files: import with an error per cell, and export."""
