"""The order of the tests."""


def pytest_collection_modifyitems(items):
    """A Flink inside this process comes last: its Python workers' threads outlive it."""
    items.sort(key=lambda item: item.get_closest_marker("flink") is not None)
