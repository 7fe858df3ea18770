"""What is printed, as PDF: bag labels, pick lists, cards. Lengths in mm from the top left."""
