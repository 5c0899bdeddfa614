"""Bytes of feeds, sitemaps and files to entries; pure, one module a format."""
