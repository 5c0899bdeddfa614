"""The order of the tests, and the same examples of properties each time.

Other examples than before are a search, not a gate: `pytest --hypothesis-profile default`.
"""

from hypothesis import settings

settings.register_profile("wiredesk", derandomize=True, deadline=None)  # the machine may be busy
settings.load_profile("wiredesk")


def pytest_collection_modifyitems(items):
    """A Flink inside this process comes last: its Python workers' threads outlive it."""
    items.sort(key=lambda item: item.get_closest_marker("flink") is not None)
