"""The state in which a sandbox began, kept small: to return to, and to replay from."""

from . import snapshot
from .records import Settings, State
from .store import fresh


class Beginning:
    """A state, as its settings alone where nothing had happened in it yet, else as its document."""

    def __init__(self, state: State) -> None:
        new = fresh(state.settings)
        self._kept: Settings | bytes = new.settings if state == new else snapshot.seal(state)

    def __len__(self) -> int:
        return len(self._kept) if isinstance(self._kept, bytes) else 0

    def state(self) -> State:
        """Return the state, made anew: nobody else has its records."""
        return snapshot.unseal(self._kept) if isinstance(self._kept, bytes) else fresh(self._kept)

    def document(self) -> bytes:
        """Return the state's document."""
        return self._kept if isinstance(self._kept, bytes) else snapshot.seal(fresh(self._kept))
