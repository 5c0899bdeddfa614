"""A manifest to register models in."""

MANIFEST = """
[models.other]
version = "1"
file = "other"
sha256 = ""
licence = "CC0"
source = "tests"
card = "CARD.md"
"""
