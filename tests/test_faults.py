"""Something fails in the middle of a run: the right error, no thread left, no file left under any name."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.conftest import stage_threads
from tests.disks import largest_file, small_disk
from tests.io.making import Recipe, make
from vsr import pipeline
from vsr.backends.openvino_ import OpenVinoRunner
from vsr.backends.torch_ import TorchRunner
from vsr.errors import BackendError, SinkError, SourceError, UsageError
from vsr.io import formats
from vsr.io.frame_encoder import FrameEncoder
from vsr.io.passthrough import Carrier
from vsr.pipeline import Progress
from vsr.plane_model import PlaneModel
from vsr.report import RunReport
from vsr.spec import make_spec

FRAMES = 12
PAGE = 4096
"""Bytes by which a file system in memory grows."""
OUTPUTS = ["out.mkv", "out.mp4", "out_%03d.png"]
FAULTS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "decode": (formats, "planes_of", {}),
    "upscale": (TorchRunner, "__call__", {"backend": "torch"}),
    "upscale with several in flight": (OpenVinoRunner, "_start", {"backend": "openvino"}),
    "encode": (FrameEncoder, "_picture", {}),
}
"""What is made to fail: the place, and the options with which a run comes by it."""


class InjectedError(Exception):
    """What a test puts into a stage."""


def failing(real: Callable[..., Any], calls: int, error: BaseException) -> Callable[..., Any]:
    """``real``, which raises ``error`` instead once it has been called ``calls`` times."""
    done = 0

    def wrapped(*arguments: Any, **options: Any) -> Any:
        nonlocal done
        if done == calls:
            raise error
        done += 1
        return real(*arguments, **options)

    return wrapped


def at_frame(frame: int, action: Callable[[], None]) -> Callable[[Progress], None]:
    """A progress callback, called in the main thread, that acts after ``frame`` frames."""

    def update(state: Progress) -> None:
        if state.frames == frame:
            action()

    return update


def raising(error: BaseException) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


def upscale(clips: Path, output: Path, progress: Callable[[Progress], None] | None = None, **options: Any) -> RunReport:
    return pipeline.run(
        make_spec(str(clips / "clip.mp4"), str(output), network="bicubic", **options), progress=progress
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where to write; when the test ends, nothing is there."""
    place = tmp_path / "outputs"
    place.mkdir()
    yield place
    assert sorted(path.name for path in place.iterdir()) == []
    assert stage_threads() == []


@pytest.mark.parametrize("stage", FAULTS)
@pytest.mark.parametrize("frame", [0, 5, FRAMES - 1])
@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("kind", [InjectedError, KeyboardInterrupt])
def test_a_stage_that_fails_leaves_nothing(
    stage: str,
    frame: int,
    *,
    name: str,
    kind: type[BaseException],
    clips: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner, attribute, options = FAULTS[stage]
    error = kind("put in by the test")
    monkeypatch.setattr(owner, attribute, failing(getattr(owner, attribute), frame, error))
    with pytest.raises(kind) as caught:
        upscale(clips, folder / name, **options)
    assert caught.value is error
    assert getattr(error, "__notes__", []) == ([] if stage == "encode" else [f"in stage '{stage.partition(' ')[0]}'"])


@pytest.mark.parametrize("stage", FAULTS)
@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_fault_with_full_queues_leaves_nothing(
    stage: str, batch_size: int, clips: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, attribute, options = FAULTS[stage]
    monkeypatch.setattr(owner, attribute, failing(getattr(owner, attribute), 1, InjectedError()))
    with pytest.raises(InjectedError):
        upscale(clips, folder / "out.mkv", batch_size=batch_size, read_ahead=1, write_ahead=1, **options)


@pytest.mark.parametrize("frame", [1, 6, FRAMES])
@pytest.mark.parametrize("name", OUTPUTS)
def test_ctrl_c_leaves_nothing(frame: int, name: str, clips: Path, folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        upscale(clips, folder / name, at_frame(frame, raising(KeyboardInterrupt())))


@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
@pytest.mark.parametrize("kind", [InjectedError, KeyboardInterrupt, av.error.ExternalError])
def test_a_fault_while_finishing_leaves_nothing(
    name: str, kind: type[BaseException], clips: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = kind(5, "no more") if issubclass(kind, av.FFmpegError) else kind()
    monkeypatch.setattr(Carrier, "finish", failing(Carrier.finish, 0, error))
    expected = SinkError if issubclass(kind, av.FFmpegError) else kind
    with pytest.raises(expected):
        upscale(clips, folder / name)


def test_an_encoder_that_dies_is_a_sink_error(clips: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = av.error.ExternalError(5, "the encoder died")
    monkeypatch.setattr(FrameEncoder, "_picture", failing(FrameEncoder._picture, 3, error))
    with pytest.raises(SinkError, match=r"out\.mkv can't be written: the encoder died"):
        upscale(clips, folder / "out.mkv")


def test_a_device_that_dies_is_a_backend_error(clips: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = RuntimeError("device lost\nand a long story")
    monkeypatch.setattr(PlaneModel, "forward", failing(PlaneModel.forward, 3, lost))
    with pytest.raises(BackendError) as caught:
        upscale(clips, folder / "out.mkv", backend="torch")
    assert str(caught.value).startswith("the torch backend failed on ")
    assert str(caught.value).endswith(": device lost")
    assert caught.value.__cause__ is lost


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("size", [0, 3000])
def test_a_full_disk_is_a_sink_error(name: str, size: int, clips: Path, folder: Path) -> None:
    with pytest.raises(SinkError, match="File too large"), largest_file(size):
        upscale(clips, folder / name)


@pytest.mark.parametrize("name", [*OUTPUTS, "out.ts", "out.avi"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_disk_that_fills_up_is_met_wherever_that_is(
    name: str, share: float, clips: Path, folder: Path, tmp_path: Path
) -> None:
    """FFmpeg may tell of it only when the file is closed."""
    upscale(clips, folder / name, overwrite=True)
    whole = sum(path.stat().st_size for path in folder.iterdir())
    for path in folder.iterdir():
        path.unlink()
    with small_disk(tmp_path / "disk", max(int(whole * share) // PAGE, 1) * PAGE) as disk:
        with pytest.raises(SinkError, match=r"the disk is full .* are free in .*; make room and run the same command"):
            upscale(clips, disk / name, codec="png" if name.endswith("png") else None)
        assert list(disk.iterdir()) == []


def test_a_name_that_cannot_be_given_is_a_sink_error(clips: Path, folder: Path) -> None:
    """Somebody makes a folder of the output's name meanwhile."""
    output = folder / "out.mkv"
    with pytest.raises(SinkError, match="can't be given its name"):
        upscale(clips, output, at_frame(4, output.mkdir))
    output.rmdir()


def test_a_source_that_ends_early_is_a_source_error(folder: Path, tmp_path: Path) -> None:
    """Twelve seconds are promised and the second half of the file is gone: found while it is read."""
    whole = make(tmp_path / "whole.mkv", Recipe(pts=tuple(12800 * i for i in range(FRAMES)), rate=Fraction(1)))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"cut short: its header declares 1[12]\.\d+ s"):
        pipeline.run(make_spec(str(cut), str(folder / "out.mkv"), network="bicubic"))


@pytest.mark.parametrize("fault", [*FAULTS, "finish", "interrupt"])
def test_an_existing_output_survives_a_fault(
    fault: str, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, attribute, options = {**FAULTS, "finish": (Carrier, "finish", {})}.get(fault, (None, "", {}))
    if owner is not None:
        calls = 0 if fault == "finish" else 3
        monkeypatch.setattr(owner, attribute, failing(getattr(owner, attribute), calls, InjectedError()))
    output = tmp_path / "out.mkv"
    output.write_text("what was there before", encoding="utf-8")
    with pytest.raises((InjectedError, KeyboardInterrupt)):
        upscale(clips, output, at_frame(5, raising(KeyboardInterrupt())), overwrite=True, **options)
    assert output.read_text(encoding="utf-8") == "what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"preset": "reckless"}, UsageError),
        ({"encoder_options": {"no-such-option": "1"}}, UsageError),
        ({"device": "cuda:99"}, BackendError),
        ({"precision": "fp16", "network": "lrsrn", "device": "cpu"}, BackendError),
    ],
)
@pytest.mark.parametrize("name", ["out.mkv", "out_%03d.png"])
def test_what_cannot_begin_leaves_nothing(
    options: dict[str, Any], error: type[Exception], name: str, clips: Path, folder: Path
) -> None:
    spec = make_spec(str(clips / "clip.mp4"), str(folder / name), **{"network": "bicubic", **options})
    with pytest.raises(error):
        pipeline.run(spec)


@pytest.mark.parametrize("leave_after", [0, 1, 5, FRAMES])
def test_frames_may_be_left_at_any_point(leave_after: int, clips: Path) -> None:
    """The library's iterator: closing it, or an error in its consumer, ends every stage."""
    frames = pipeline.frames(make_spec(str(clips / "clip.mp4"), "", network="bicubic"))
    taken = [next(frames) for _ in range(leave_after)]
    frames.close()  # type: ignore[attr-defined]
    assert stage_threads() == []
    assert len({frame.pts for frame in taken}) == leave_after


@pytest.mark.parametrize("stage", [stage for stage in FAULTS if stage != "encode"])
def test_frames_of_a_stage_that_fails_raise(stage: str, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, options = FAULTS[stage]
    monkeypatch.setattr(owner, attribute, failing(getattr(owner, attribute), 5, InjectedError()))
    with pytest.raises(InjectedError):
        list(pipeline.frames(make_spec(str(clips / "clip.mp4"), "", network="bicubic", **options)))
    assert stage_threads() == []


def test_python_may_end_with_frames_half_read(clips: Path) -> None:
    """A script that keeps its iterator to the end leaves it open: Python must end all the same."""
    script = (
        "import sys, vsr\n"
        "frames = vsr.upscaled_frames(sys.argv[1], network='bicubic')\n"
        "print(next(frames).pts)\n"
    )  # fmt: skip
    command = [sys.executable, "-c", script, str(clips / "clip.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
