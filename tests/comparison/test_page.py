"""The page is whole in itself, and nothing that comes from outside can become markup or script in it."""

import base64
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from vsr.comparison.embedding import Embedded
from vsr.comparison.page import Page

PIXEL = "data:image/png;base64,AAAA"


class Elements(HTMLParser):
    """Every element with its attributes, and the text of scripts and styles, as a browser would find them."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.texts:
            self.texts[self._inside][-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def written(figures: dict[str, Any], moments: int = 2) -> str:
    file = io.StringIO()
    page = Page(file)
    for _ in range(moments):
        page.add(Embedded((PIXEL, PIXEL), 1, 1, "lossless"))
    page.finish(figures)
    return file.getvalue()


HOSTILE = [
    "</script><script>alert(1)</script>.mp4",
    "<!--<script>",
    "]]>&lt;img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "$script$style$figures",
    "a\u2028b\u2029c\x00d.mp4",
    "lone\udcffbyte.mp4",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name: str) -> None:
    plain = Elements(written({"inputs": [{"name": "plain.mp4"}]}))
    hostile = Elements(written({"inputs": [{"name": name}]}))
    assert hostile.found == plain.found
    figures, script = hostile.texts["script"]
    assert json.loads(figures) == {"inputs": [{"name": name}]}
    assert script == plain.texts["script"][1]
    written({"inputs": [{"name": name}]}).encode("utf-8")


def test_nothing_is_loaded_from_anywhere() -> None:
    page = written({})
    elements = Elements(page)
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"link", "iframe", "object", "embed", "base", "form", "video", "audio", "a"}
    addresses = [
        value for _, attributes in elements.found for key, value in attributes.items() if key in {"src", "href"}
    ]
    assert addresses == [PIXEL] * 4
    (style,) = elements.texts["style"]
    assert "url(" not in style
    assert "@import" not in style
    script = elements.texts["script"][1]
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|import\(|innerHTML|eval\(", script)


def test_no_element_carries_a_handler() -> None:
    attributes = {key for _, found in Elements(written({})).found for key in found}
    assert not {key for key in attributes if key.startswith("on")}


def test_the_policy_allows_this_script_and_style_only() -> None:
    elements = Elements(written({}))
    (policy,) = [meta["content"] for meta in elements.named("meta") if meta.get("http-equiv")]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for kind, text in (("script", elements.texts["script"][1]), ("style", elements.texts["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


def test_every_element_that_the_script_asks_for_is_there() -> None:
    elements = Elements(written({}))
    script = elements.texts["script"][1]
    wanted = set(re.findall(r'\$\("([\w-]+)"\)', script)) | {"canvas", "first", "second", "divider"}
    there = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert wanted <= set(there)
    assert len(there) == len(set(there))


def test_controls_are_named_for_those_who_do_not_see_them() -> None:
    by_id = {attributes.get("id"): attributes for _, attributes in Elements(written({})).found}
    divider = by_id["divider"]
    assert divider["role"] == "slider"
    assert divider["tabindex"] == "0"
    for name in ("divider", "stage", "strip", "viewer"):
        assert by_id[name]["aria-label"]
