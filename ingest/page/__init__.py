"""A web page of an article to its parts: what it declares, its headline, text, times and rights."""
