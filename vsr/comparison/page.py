"""The page: one HTML file with its style, script, pictures and figures inside, which asks nothing of any network."""

import base64
import hashlib
import json
from importlib import resources
from string import Template
from typing import Any, TextIO

from vsr.comparison.embedding import Embedded

_SCRIPTS = ("viewer.js", "curves.js", "page.js")


class Page:
    """Write the beginning on opening, ``add`` the pictures of each moment as they come, ``finish`` with the figures.

    Nothing that comes from the inputs is ever read as markup or script: figures and names go into a JSON block, from
    which the script takes them as text, and the content security policy allows this page's own script only.
    """

    def __init__(self, file: TextIO):
        self._file = file
        style = _part("page.css")
        self._script = "".join(_part(name) for name in _SCRIPTS)
        template = Template(_part("page.html"))
        before, self._after = template.template.split("$pictures")
        policy = {"style_hash": _hash(style), "script_hash": _hash(self._script)}
        file.write(Template(before).substitute(policy, style=style))

    def add(self, moment: Embedded) -> None:
        """The pictures of one moment: A, B and, where there is one, the reference."""
        tags = "".join(f'<img alt="" src="{uri}">' for uri in moment.uris)
        self._file.write(f"<div>{tags}</div>\n")

    def finish(self, figures: dict[str, Any]) -> None:
        """Everything that the script shows beside the pictures."""
        self._file.write(Template(self._after).substitute(figures=_inert_json(figures), script=self._script))


def _part(name: str) -> str:
    return (resources.files("vsr.comparison") / "page" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """As a content security policy wants it (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _inert_json(figures: dict[str, Any]) -> str:
    """JSON that a <script> element can hold: no character that HTML gives a meaning to, in ASCII."""
    text = json.dumps(figures, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
