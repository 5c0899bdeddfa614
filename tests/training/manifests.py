"""A manifest to register models in."""

MANIFEST = """
routes = []

[models.{model}]
version = "1"
file = "{model}"
sha256 = ""
licence = "CC0"
source = "tests"
card = "CARD.md"
"""


def begun(folder, model="other"):
    """A manifest of one model and no routes, in a folder of its own below `folder`."""
    path = folder / "models" / "manifest.toml"
    path.parent.mkdir()
    path.write_text(MANIFEST.format(model=model))
    return path
