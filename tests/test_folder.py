"""A folder in, a folder out: what is done is left, what fails stops nothing, and several workers share the files."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.io.making import Recipe, make
from vsr.errors import SourceError, UsageError
from vsr.folder import run_folder
from vsr.spec import PipelineSpec

LIBRARY = {"long.mkv": 60, "other.mkv": 12, "picture.png": 1, "short.mkv": 8}
"""Frames of each file."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of some lengths, a picture, and a file that is neither: do not write into it."""
    folder = tmp_path_factory.mktemp("library")
    for name, count in LIBRARY.items():
        pts = tuple(512 * i for i in range(count))
        if name.endswith(".png"):
            make(folder / name, Recipe(codec="png", pix_fmt="rgb24", pts=pts))
        else:
            make(folder / name, Recipe(pts=pts, options={"g": "5"}))
    (folder / "notes.txt").write_text("not a video")
    return folder


@pytest.fixture
def spec(library: Path, tmp_path: Path) -> PipelineSpec:
    return PipelineSpec(str(library), str(tmp_path / "out"), network="bicubic", codec="ffv1", segment_s=1.0)


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def frames(path: Path) -> list[tuple[float | None, bytes]]:
    """Time and samples of each frame."""
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]


def test_each_file_is_made_under_its_name_and_the_others_are_named(spec: PipelineSpec) -> None:
    told: list[str] = []
    reports = run_folder(spec, tell=told.append)
    assert names(spec.output) == [Path(report.output).name for report in reports] == sorted(LIBRARY)
    assert [report.frames_out for report in reports] == [LIBRARY[name] for name in sorted(LIBRARY)]
    assert "notes.txt is left out: its extension is of no video or picture" in told
    assert told[-1] == "4 of 4 files done"


def test_what_is_done_is_left_unless_it_is_to_be_made_anew(spec: PipelineSpec) -> None:
    run_folder(spec)
    made = {path: path.stat().st_mtime_ns for path in Path(spec.output).iterdir()}
    lost = Path(spec.output) / "short.mkv"
    lost.unlink()
    (Path(spec.output) / "other.mkv").write_bytes(b"")  # what a full disk may leave is not done
    told: list[str] = []
    reports = run_folder(spec, tell=told.append)
    assert [Path(report.source).name for report in reports] == ["other.mkv", "short.mkv"]
    assert f"2 of 4 files are in {spec.output} already; --overwrite makes them anew" in told
    assert len(frames(lost)) == LIBRARY["short.mkv"]
    for name in ("long.mkv", "picture.png"):
        assert (Path(spec.output) / name).stat().st_mtime_ns == made[Path(spec.output) / name]
    assert run_folder(spec) == []
    assert len(run_folder(replace(spec, overwrite=True))) == len(LIBRARY)


def test_what_was_killed_while_it_cleared_up_is_done(spec: PipelineSpec) -> None:
    run_folder(spec)
    left = Path(spec.output) / "long.mkv.vsr"
    left.mkdir(mode=0o700)
    (left / "000001.piece").write_bytes(b"the manifest went first")
    assert run_folder(spec) == []
    assert names(spec.output) == sorted(LIBRARY)


def test_several_workers_make_what_one_process_makes_and_a_failure_stops_nothing(
    spec: PipelineSpec, library: Path, tmp_path: Path
) -> None:
    run_folder(spec)
    mixed = tmp_path / "mixed"
    shutil.copytree(library, mixed)
    (mixed / "broken.mkv").write_bytes(b"no video at all")
    told: list[str] = []
    spread = replace(spec, source=str(mixed), output=str(tmp_path / "spread"), device="cpu,cpu")
    with pytest.raises(SourceError, match=r"1 of 5 files failed, the first: .*broken\.mkv"):
        run_folder(spread, tell=told.append)
    assert names(spread.output) == names(spec.output)
    for name in LIBRARY:
        assert frames(Path(spread.output) / name) == frames(Path(spec.output) / name)
    assert any(text.startswith("broken.mkv: failed: ") for text in told)


@pytest.mark.parametrize("device", ["cpu", "cpu,cpu"])
def test_what_was_interrupted_goes_on(library: Path, tmp_path: Path, device: str) -> None:
    output = tmp_path / "out"
    command = [sys.executable, "-m", "vsr", "run", str(library), str(output), "--device", device]
    command += ["--to", "1024x768", "--network", "bicubic", "--codec", "ffv1", "--segment", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    assert "long.mkv: begun" in next(line for line in process.stderr if "begun" in line)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does, in all processes of the terminal
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert names(str(output)) == sorted(LIBRARY)
    assert all(len(frames(output / name)) == count for name, count in LIBRARY.items())


@pytest.mark.parametrize(
    ("output", "message"), [("library", "is the source folder"), ("library/notes.txt", "must be one")]
)
def test_the_output_must_be_another_folder(spec: PipelineSpec, library: Path, output: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run_folder(replace(spec, output=str(library.parent / output.replace("library", library.name))))


def test_a_folder_with_nothing_to_do_is_an_error(spec: PipelineSpec, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no video and no picture"):
        run_folder(replace(spec, source=str(tmp_path)))


def test_a_picture_named_like_numbered_ones_takes_the_place_of_none(
    spec: PipelineSpec, library: Path, tmp_path: Path
) -> None:
    source, output = tmp_path / "source", Path(spec.output)
    for folder in (source, output):
        folder.mkdir()
    for name in ("photo_%04d.png", "%d.png", "100%.png"):
        shutil.copy(library / "picture.png", source / name)
    for name in ("photo_0000.png", "photo_0001.png", "1.png"):
        (output / name).write_bytes(b"made before")
    told: list[str] = []
    run_folder(replace(spec, source=str(source)), tell=told.append)
    for name in ("photo_%04d.png", "%d.png"):
        assert f"{name} is left out: its name stands for numbered pictures; rename it" in told
    assert names(spec.output) == ["1.png", "100%.png", "photo_0000.png", "photo_0001.png"]
    assert {path.read_bytes() for path in output.iterdir() if path.name != "100%.png"} == {b"made before"}
