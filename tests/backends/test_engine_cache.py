"""Engines on disk: what comes back is what was kept, or a reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vsr.backends.engine_cache import EngineCache

MADE_FOR = {"library": "tensorrt 10.0", "gpu": "a card"}


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    cache = EngineCache(tmp_path / "not" / "there yet")
    assert cache.read("one.engine", MADE_FOR) == (None, None)
    assert cache.write("one.engine", b"\n plan \n{}\n", MADE_FOR) is None
    return cache


def file_of(tmp_path: Path) -> Path:
    (file,) = tmp_path.rglob("one.engine")
    return file


def test_an_engine_comes_back_and_leaves_nothing_beside_it(cache: EngineCache, tmp_path: Path) -> None:
    assert cache.read("one.engine", MADE_FOR) == (b"\n plan \n{}\n", None)
    assert [file.name for file in file_of(tmp_path).parent.iterdir()] == ["one.engine"]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-1],
    "flipped": lambda content: content[:-1] + b"?",
    "longer": lambda content: content + b"?",
    "half": lambda content: content[: len(content) // 2],
    "foreign": lambda content: b"ftrt\x00\xff" + content,
    "header": lambda content: content.replace(b'"sha256"', b"sha256"),
    "no object": lambda content: content.split(b"\n")[0] + b"\n[]\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_with_a_reason(damage: str, cache: EngineCache, tmp_path: Path) -> None:
    file = file_of(tmp_path)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    content, problem = cache.read("one.engine", MADE_FOR)
    assert content is None
    assert problem


@pytest.mark.parametrize(("what", "now"), [("library", "tensorrt 10.1"), ("gpu", "another card")])
def test_an_engine_made_for_something_else_is_refused_with_both(what: str, now: str, cache: EngineCache) -> None:
    content, problem = cache.read("one.engine", MADE_FOR | {what: now})
    assert content is None
    assert MADE_FOR[what] in str(problem)
    assert now in str(problem)


def test_a_folder_that_can_not_be_written_is_told_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = EngineCache(tmp_path / "file" / "folder")
    assert cache.write("one.engine", b"plan", MADE_FOR)
    assert cache.write_plain("timings", b"")
    assert cache.read_plain("timings") == b""
    content, problem = cache.read("one.engine", MADE_FOR)
    assert content is None
    assert problem
