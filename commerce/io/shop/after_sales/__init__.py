"""After a sale: claims, ratings and refunds, as buyers, stores and the head office use them."""
