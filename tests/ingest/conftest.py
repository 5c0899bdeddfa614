"""Property tests here are not timed: the machine may be busy."""

from hypothesis import settings

collect_ignore = ["conftest.py"]  # of several folders; the doctest collector wants one of a name

settings.register_profile("wiredesk", deadline=None)
settings.load_profile("wiredesk")
