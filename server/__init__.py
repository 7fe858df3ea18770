"""The composition root: joins media, rooms and commerce into one program on one port."""
