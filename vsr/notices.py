"""What a run has to tell its user: said once, as it is found, and kept for the report."""

from collections.abc import Callable


class Notices:
    """Collects one-line notices; each goes to ``tell`` at once, a repeated one is kept silent."""

    def __init__(self, tell: Callable[[str], None] | None = None):
        self._tell = tell
        self._said: list[str] = []

    def say(self, text: str) -> None:
        """Tell the user ``text``, unless that was said before."""
        if text not in self._said:
            self._said.append(text)
            if self._tell is not None:
                self._tell(text)

    @property
    def said(self) -> tuple[str, ...]:
        """Everything said so far, in order."""
        return tuple(self._said)
