"""How often Python looks for garbage that counting references leaves behind, and where."""

import gc

NEW_OBJECTS = 50_000
"""Python looks whenever 700 more objects were made than freed. An operator that keeps what it hears
makes so many with every few records, all of them to stay, and looks in vain."""


def collect_seldom() -> None:
    """Look for garbage when many objects are new; for a worker whose state is in memory."""
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])


def spare_what_is_loaded() -> None:
    """Look no more through what is there by now: models, modules. Each look at it takes the time of
    a record, or of many.

    Called again, when a job restarts in the same process, everything is looked through once.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
