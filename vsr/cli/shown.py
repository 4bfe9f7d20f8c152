"""Text from files of strangers on a terminal: names and tags may hold anything, but are shown and never obeyed."""

from rich.text import Text

from vsr.io.opening import without_password


def shown(text: str) -> str:
    """``text`` with what is no printable character written as an escape, as in ``\\x1b``; lines stay lines.

    Addresses in it lose their passwords.
    """
    return "".join(one if one.isprintable() or one == "\n" else _escaped(one) for one in without_password(text))


def shown_in_line(text: str) -> str:
    """The same in one line."""
    return shown(" ".join(text.split()))


def cell(text: str) -> Text:
    """The same for rich, which takes ``[...]`` in a string for markup."""
    return Text(shown_in_line(text))


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode()
