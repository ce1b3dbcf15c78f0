"""Three kinds of failure: invalid, transient, and the rest, which is a bug: the process stops and commits nothing."""

from __future__ import annotations


class InvalidError(Exception):
    """The input is wrong and trying again cannot help: an item goes to the dead letters, a command exits with 2.

    The message says in one line what is wrong and, for a person, what to do.
    """


class TransientError(Exception):
    """Something outside failed that may work again: retry a bounded number of times, then stop with exit status 1.

    The message says in one line what failed and what to do.
    """
