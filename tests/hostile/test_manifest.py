"""A folder of pieces that somebody else has prepared: refused or made anew, and nothing outside of it is touched."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.conftest import Vsr
from tests.io.making import Recipe, make
from vsr.errors import IntegrityError, SinkError, UsageError
from vsr.pipeline import Progress
from vsr.segments import job
from vsr.spec import make_spec

_OPTIONS = ("--network", "bicubic", "--segment", "0.5", "--codec", "mpeg4")


class _PowerCutError(Exception):
    pass


@pytest.fixture(scope="session")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with in.mp4 and what a run into out.mkv left of itself."""
    folder = tmp_path_factory.mktemp("interrupted")
    make(folder / "in.mp4", Recipe(pts=range(0, 512 * 50, 512), options={"g": "10"}, audio=("aac",)))

    def after_a_piece(progress: Progress) -> None:
        if progress.frames > 20:
            raise _PowerCutError

    spec = make_spec(str(folder / "in.mp4"), str(folder / "out.mkv"), network="bicubic", segment_s=0.5, codec="mpeg4")
    with pytest.raises(_PowerCutError):
        job.run(spec, progress=after_a_piece)
    assert (folder / "out.mkv.vsr" / "000000.piece").is_file()
    return folder


@pytest.fixture
def planted(interrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, with a file beside that is nobody's business; the working directory is there."""
    folder = tmp_path / "work"
    shutil.copytree(interrupted, folder)
    (tmp_path / "victim").write_text("precious", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder / "out.mkv.vsr"


def _untouched(folder: Path) -> bool:
    return (folder.parent.parent / "victim").read_text(encoding="utf-8") == "precious"


def test_without_harm_it_goes_on(planted: Path, vsr: Vsr) -> None:
    """The counterpart."""
    assert vsr("run", "in.mp4", "out.mkv", *_OPTIONS).code == 0
    assert not planted.exists()


def _every(content: Any, value: object) -> list[Any]:
    """``content`` again and again, another one of its values replaced each time."""
    if isinstance(content, dict):
        return [value, *({**content, key: new} for key in content for new in _every(content[key], value))]
    if isinstance(content, list):
        middle = len(content) // 2  # of the pieces: one that is not made yet
        return [value, *([*content[:middle], new, *content[middle + 1 :]] for new in _every(content[middle], value))]
    return [value]


_VALUES = ["../../victim", -1, 1 << 63, 10**300, float("nan"), True, None, [[]], "\ud800"]


@pytest.mark.parametrize("value", _VALUES, ids=lambda value: repr(value)[:20])
def test_a_value_that_does_not_belong(value: object, planted: Path, vsr: Vsr) -> None:
    manifest = json.loads((planted / "manifest.json").read_text(encoding="utf-8"))
    kept = planted.with_name("kept")
    shutil.copytree(planted, kept)
    for changed in _every(manifest, value):
        shutil.rmtree(planted, ignore_errors=True)
        shutil.copytree(kept, planted)
        (planted / "manifest.json").write_text(json.dumps(changed), encoding="utf-8")
        said = vsr("run", "in.mp4", "out.mkv", *_OPTIONS, "--overwrite")
        if said.code:
            assert said.code in (UsageError.exit_code, IntegrityError.exit_code), (said, changed)
            assert "--restart" in said.line
            assert not Path("out.mkv").exists()
        else:  # the value was as good as the old one
            Path("out.mkv").unlink()
        assert _untouched(planted)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\0",
        b"[" * 100_000,
        b"9" * 10_000,
        b'{"format": 1' + b', "a": 1' * 1000 + b"}",
        b"null",
        b"[]",
    ],
    ids=["empty", "cut", "binary", "deep", "long", "other", "null", "list"],
)
def test_what_is_no_manifest(content: bytes, planted: Path, vsr: Vsr) -> None:
    (planted / "manifest.json").write_bytes(content)
    said = vsr("run", "in.mp4", "out.mkv", *_OPTIONS)
    assert said.code == UsageError.exit_code
    assert re.search(r"manifest\.json is no manifest of vsr: .*--restart", said.line)
    assert vsr("run", "in.mp4", "out.mkv", *_OPTIONS, "--restart").code == 0


@pytest.mark.parametrize(
    "entries",
    [
        {"pieces": [{"index": 0, "start": None, "end": None, "seek": None, "name": "../../victim"}]},
        {"pieces": [{"index": "../../victim", "start": None, "end": None, "seek": None}]},
        {"done": [{"index": 10**30}]},
        {"format": 2},
        {"joined_bytes": True},
        {"path": "../../victim"},
    ],
    ids=["a piece's path", "an index that is a path", "a record of no piece", "another format", "no number", "a path"],
)
def test_entries_that_do_not_belong(entries: dict[str, Any], planted: Path, vsr: Vsr) -> None:
    manifest = planted / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, **entries}), encoding="utf-8")
    said = vsr("run", "in.mp4", "out.mkv", *_OPTIONS)
    assert said.code == UsageError.exit_code
    assert re.search(r"manifest\.json is no manifest of vsr: .*--restart", said.line)
    assert _untouched(planted)


def _link(path: Path, to: str | Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(to)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


_PLANTS: dict[str, Callable[[Path, Path], None]] = {
    "manifest": lambda folder, victim: _link(folder / "manifest.json", victim),
    "endless manifest": lambda folder, _: _link(folder / "manifest.json", "/dev/zero"),
    "pipe": lambda folder, _: _pipe(folder / "manifest.json"),
    "lock": lambda folder, victim: _link(folder / "lock", victim),
    "piece": lambda folder, victim: _link(folder / "000000.piece", victim),
    "endless piece": lambda folder, _: _link(folder / "000000.piece", "/dev/zero"),
    "unfinished piece": lambda folder, victim: _link(folder / "000001.piece.0123abcd.part", victim),
    "joined file": lambda folder, victim: _link(folder / "joined.mkv", victim),
}


@pytest.mark.parametrize("plant", _PLANTS)
@pytest.mark.parametrize("restart", [False, True])
def test_links_in_the_folder_lead_nowhere(plant: str, restart: bool, planted: Path, vsr: Vsr) -> None:
    _PLANTS[plant](planted, planted.parent.parent / "victim")
    said = vsr("run", "in.mp4", "out.mkv", *_OPTIONS, *(["--restart"] if restart else []))
    assert said.code in (0, UsageError.exit_code, SinkError.exit_code)
    assert said.code == 0 or not Path("out.mkv").exists()
    assert _untouched(planted)


@pytest.mark.parametrize("restart", [False, True])
def test_the_folder_itself_is_no_link(restart: bool, planted: Path, vsr: Vsr) -> None:
    elsewhere = planted.parent.parent / "elsewhere"
    planted.rename(elsewhere)
    planted.symlink_to(elsewhere)
    before = sorted(path.name for path in elsewhere.iterdir())
    said = vsr("run", "in.mp4", "out.mkv", *_OPTIONS, *(["--restart"] if restart else []))
    assert said.code == SinkError.exit_code
    assert "no folder of your own" in said.line
    assert sorted(path.name for path in elsewhere.iterdir()) == before


def test_a_piece_of_another_content_is_made_again(planted: Path, vsr: Vsr) -> None:
    kept = len(list(planted.glob("*.piece")))
    piece = planted / "000000.piece"
    data = bytearray(piece.read_bytes())
    data[len(data) // 2] ^= 1
    piece.write_bytes(data)
    assert vsr("run", "in.mp4", "out.mkv", *_OPTIONS, "--json", "report.json").code == 0
    assert json.loads(Path("report.json").read_text())["segments"]["kept"] == kept - 1


def test_the_folder_is_for_its_owner_alone(planted: Path, vsr: Vsr) -> None:
    assert planted.stat().st_mode & 0o077 == 0
    planted.chmod(0o777)
    (planted / "manifest.json").write_bytes(b"{}")
    assert vsr("run", "in.mp4", "out.mkv", *_OPTIONS).code == UsageError.exit_code
    assert planted.stat().st_mode & 0o077 == 0
