"""Blob stores: a folder, or a bucket of S3 or what speaks its protocol."""
