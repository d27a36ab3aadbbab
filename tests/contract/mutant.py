"""What a mutant is."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A deviation: its name, where it is, and what is changed there."""

    name: str
    file: str
    old: str
    new: str
