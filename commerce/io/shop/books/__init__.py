"""The books: trial balance, closing, settlements, the provider's bill."""
