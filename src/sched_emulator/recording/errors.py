"""What can be wrong with a recording. It stands alone, because commands that catch it need nothing else of the room."""


class RecordingError(Exception):
    """A recording that cannot be written or read; the message is a sentence that says which and why."""


class NameTakenError(RecordingError):
    """There is a file of that name already."""
