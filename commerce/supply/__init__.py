"""What lies where: lots, locations, barcodes and tills. Rules only."""
