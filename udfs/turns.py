"""How soon threads of one interpreter let each other in."""

import sys

LONGEST_S = 0.000_5
"""A thread that computes lets another one in after so long; Python's default is ten times that."""


def take_turns() -> None:
    """For operators in thread mode whose records somebody waits for.

    A record that passes such an operator asks for the interpreter several times, and waits each
    time until whoever computes lets go. Holds for all of a TaskManager's threads.
    """
    sys.setswitchinterval(LONGEST_S)
