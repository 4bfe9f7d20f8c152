"""Links planted in a shared folder: outputs and reports take their place or refuse, and never go through."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.hostile.conftest import Vsr
from vsr.errors import SinkError, UsageError
from vsr.io.durable import write_report
from vsr.io.still import write_rgb
from vsr.io.target import resolve
from vsr.spec import make_spec

_BICUBIC = ("--network", "bicubic")


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(params=["there", "not there"])
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of the user's, elsewhere, that links lead to, or the name of one that could be made."""
    path = tmp_path / "victim"
    if request.param == "there":
        path.write_text("precious", encoding="utf-8")
    return path


def _untouched(victim: Path) -> bool:
    return not victim.exists() or victim.read_text(encoding="utf-8") == "precious"


def test_a_folder_into_which_one_may_only_write(
    shared: Path, clips: Path, vsr: Vsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drop box can't be opened, so that its names can't be flushed; what is whole in it is whole all the same."""
    really = os.open

    def refuse_folders(path: str | Path, flags: int, *rest: int, **options: int) -> int:
        if path == Path():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return really(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refuse_folders)
    assert vsr("run", str(clips / "clip.mp4"), "out.mkv", *_BICUBIC).code == 0
    assert [path.name for path in shared.iterdir()] == ["out.mkv"]


@pytest.mark.parametrize("output", ["out.mkv", "out.png"])
def test_a_link_of_the_output_s_name_is_replaced_when_asked(
    output: str, victim: Path, shared: Path, clips: Path, vsr: Vsr
) -> None:
    Path(output).symlink_to(victim)
    source = clips / "clip.mp4"
    if output == "out.png":
        source = shared.parent / "in.png"
        write_rgb(source, np.zeros((48, 64, 3), np.uint8))
    refused = vsr("run", source, output, *_BICUBIC)
    assert refused.code == UsageError.exit_code
    assert "is a link; --overwrite replaces it" in refused.line
    assert Path(output).is_symlink()
    assert _untouched(victim)
    assert vsr("run", source, output, *_BICUBIC, "--overwrite").code == 0
    assert not Path(output).is_symlink()
    assert _untouched(victim)
    assert [path.name for path in shared.iterdir()] == [output]


def test_links_of_numbered_pictures_are_replaced_when_asked(victim: Path, shared: Path, clips: Path, vsr: Vsr) -> None:
    Path("out_003.png").symlink_to(victim)
    refused = vsr("run", clips / "clip.mp4", "out_%03d.png", *_BICUBIC)
    assert refused.code == UsageError.exit_code
    assert "out_003.png is a link" in refused.line
    assert vsr("run", clips / "clip.mp4", "out_%03d.png", *_BICUBIC, "--overwrite").code == 0
    assert _untouched(victim)
    assert not any(path.is_symlink() for path in shared.iterdir())
    assert len(list(shared.iterdir())) == 12


@pytest.mark.parametrize("output", ["out.mkv", "out_%03d.png"])
def test_no_name_can_be_foreseen(output: str, shared: Path) -> None:
    spec = make_spec("in.mp4", output)
    first, second = resolve(spec), resolve(spec)
    assert first.partial.parent != second.partial.parent
    assert ".part" in str(first.partial)
    first.prepare()
    assert first.partial.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(SinkError):  # not even its own, a second time
        first.prepare()
    first.discard()
    assert not list(shared.iterdir())


def test_the_names_of_before_are_used_no_more(shared: Path, clips: Path) -> None:
    """Names that follow from the process's number, planted by the process itself before it begins."""
    victim = shared.parent / "victim"
    victim.write_text("precious", encoding="utf-8")
    command = [sys.executable, "-m", "vsr", "run", str(clips / "clip.mp4"), "out.mkv", *_BICUBIC]
    code = (
        "import os, sys; from pathlib import Path\n"
        "for name in ('out.mkv', 'report.json'):\n"
        f"    Path(f'.{{name}}.{{os.getpid()}}.part').symlink_to({str(victim)!r})\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--json", "report.json"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert _untouched(victim)
    assert Path("out.mkv").stat().st_size > 1000
    assert json.loads(Path("report.json").read_text())["frames_out"] == 12


def test_the_report_goes_through_no_link(victim: Path, shared: Path, clips: Path, vsr: Vsr) -> None:
    Path("report.json").symlink_to(victim)
    said = vsr("run", clips / "clip.mp4", "out.mkv", *_BICUBIC, "--json", "report.json")
    assert said.code == SinkError.exit_code
    assert "it is a link" in said.line
    assert _untouched(victim)
    assert not Path("out.mkv").exists()  # known before the work


def test_the_report_is_written_whole(shared: Path, clips: Path, vsr: Vsr) -> None:
    Path("report.json").write_text("an old report, and others read it\n" * 1000, encoding="utf-8")
    reader = os.open("report.json", os.O_RDONLY)
    assert vsr("run", clips / "clip.mp4", "out.mkv", *_BICUBIC, "--json", "report.json").code == 0
    assert os.read(reader, 12) == b"an old repor"  # which has its whole file still
    os.close(reader)
    assert json.loads(Path("report.json").read_text())["frames_out"] == 12
    assert sorted(path.name for path in shared.iterdir()) == ["out.mkv", "report.json"]


def test_other_reports_go_through_none_either(shared: Path, victim: Path) -> None:
    path = shared / "scores.md"
    path.symlink_to(victim)
    with pytest.raises(OSError, match="link to elsewhere"):
        write_report(path, b"scores")
    assert _untouched(victim)
    assert path.is_symlink()


def test_a_report_goes_into_a_pipe(shared: Path) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        write_report(Path("pipe"), b"scores")
        assert reader.communicate()[0] == b"scores"
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_an_output_that_is_no_file(kind: str, shared: Path, clips: Path, vsr: Vsr) -> None:
    (os.mkfifo if kind == "fifo" else os.mkdir)("out_001.png")
    said = vsr("run", clips / "clip.mp4", "out_%03d.png", *_BICUBIC, "--overwrite")
    assert said.code == UsageError.exit_code
    assert "no ordinary file" in said.line
