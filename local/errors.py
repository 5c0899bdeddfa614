"""What goes wrong on the user's machine."""


class StackError(Exception):
    """Something the user can put right; the message says what and how."""
