"""Threads of one interpreter."""

import sys

import pytest

from udfs.turns import LONGEST_S, take_turns


def test_threads_take_turns_soon():
    before_s = sys.getswitchinterval()
    try:
        take_turns()
        assert sys.getswitchinterval() == pytest.approx(LONGEST_S) != before_s
    finally:
        sys.setswitchinterval(before_s)
