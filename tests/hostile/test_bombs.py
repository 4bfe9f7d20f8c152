"""Small files that declare much: refused in one line, before the memory that they ask for is taken."""

from pathlib import Path

import pytest

from tests.hostile.bombs import MEMORY, many_large_streams
from tests.hostile.hidden import HIDDEN
from tests.hostile.huge import SIZES
from tests.hostile.running import Runner
from vsr.errors import SourceError, UsageError

_MOST_MEMORY = 1200 << 20
"""Of the process: PyTorch and the packets that may wait take a third each; most bombs would take 2 GB and more."""


_BOMBS = MEMORY | HIDDEN


@pytest.mark.parametrize("bomb", _BOMBS)
def test_what_a_header_declares_is_not_allocated(bomb: str, tmp_path: Path, runner: Runner) -> None:
    (tmp_path / "results").mkdir()
    ended = runner.run(_BOMBS[bomb](tmp_path), tmp_path / "results" / "out.mkv", "--network", "bicubic")
    assert not ended.fault, ended
    assert ended.code == SourceError.exit_code, ended
    assert ended.memory < _MOST_MEMORY


def test_streams_share_what_one_may_take(tmp_path: Path, runner: Runner) -> None:
    """FFmpeg decodes of each as it opens them. Refused here is only the size of the output, before a frame is made."""
    (tmp_path / "results").mkdir()
    options = ("--network", "bicubic", "--max-pixels", str(1 << 25))
    ended = runner.run(many_large_streams(tmp_path), tmp_path / "results" / "out.mkv", *options)
    assert not ended.fault, ended
    assert ended.code == UsageError.exit_code, ended
    assert "the output would be 8192x8192" in ended.said
    assert ended.memory < _MOST_MEMORY


@pytest.mark.parametrize("kind", SIZES)
def test_a_header_of_a_hundred_thousand_squared(kind: str, tmp_path: Path, runner: Runner) -> None:
    (tmp_path / "results").mkdir()
    ended = runner.run(SIZES[kind](tmp_path), tmp_path / "results" / "out.mkv", "--network", "bicubic")
    assert not ended.fault, ended
    assert ended.code == SourceError.exit_code, ended
    assert ended.memory < _MOST_MEMORY
    if kind != "y4m":  # which FFmpeg itself finds too large to say anything about
        assert "--max-pixels" in ended.said
