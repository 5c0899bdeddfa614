"""IPTC Media Topics: the concepts, and which of them an article is about."""
