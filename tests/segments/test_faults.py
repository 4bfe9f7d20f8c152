"""A fault in each stage and at each boundary of a run in pieces: one line that says it, nothing finished is lost."""

import errno
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
import torch

from tests.conftest import stage_threads
from tests.disks import small_disk
from tests.io.making import Recipe, make
from vsr.cli.app import main
from vsr.errors import BackendError, SinkError, SourceError, VsrError
from vsr.io.decoding import Decoder
from vsr.io.frame_encoder import FrameEncoder
from vsr.io.packet_file import PacketWriter
from vsr.io.passthrough import Carrier
from vsr.plane_model import PlaneModel

FRAMES, PIECES = 50, 5
ONE_LINE = re.compile(r"vsr: [^\n]+\n")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, five pieces of ten frames."""
    recipe = Recipe(pts=tuple(512 * i for i in range(FRAMES)), audio=("aac",), options={"g": "10"})
    return make(tmp_path_factory.mktemp("source") / "source.mp4", recipe)


def vsr(source: Path, output: Path, *options: str) -> int:
    """Exit code of ``vsr run`` in pieces."""
    arguments = ["run", str(source), str(output), "--network", "bicubic", "--backend", "torch", "--codec", "mpeg4"]
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--segment", "0.4", *options])
    return int(caught.value.code or 0)


@pytest.fixture(scope="module")
def uninterrupted(source: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("whole") / "out.mkv"
    assert vsr(source, output) == 0
    return output.read_bytes()


def at(number: int) -> Callable[..., bool]:
    """True for one call, counted from 0."""
    calls = iter(range(1_000_000))
    return lambda *_: next(calls) == number


def from_on(number: int) -> Callable[..., bool]:
    """True for this call and all later ones."""
    calls = iter(range(1_000_000))
    return lambda *_: next(calls) >= number


def of(pattern: str, number: int = 0) -> Callable[..., bool]:
    """True for the call with the given number of those whose first argument, a path or a descriptor, matches."""
    count = at(number)

    def named(first: object, *_: object) -> bool:
        name = str(Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else first)
        return re.search(pattern, name) is not None and count()

    return named


@dataclass(frozen=True)
class Fault:
    """What fails, when and how; and what is to be seen of it."""

    owner: Any
    attribute: str
    when: Callable[[], Callable[..., bool]]
    error: Exception
    kind: type[VsrError]
    message: str
    kept: int
    """Pieces."""


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def ffmpeg(number: int) -> av.FFmpegError:
    return av.error.ExternalError(number, os.strerror(number))


ASSERTED = RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronous")
FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
DISK = r"the disk is full \(No space left on device\), .* are free in .*; make room and run the same command again"
FAULTS: dict[str, Fault] = {
    "the source can't be read": Fault(
        Decoder, "decode", lambda: at(45), ffmpeg(errno.EIO),
        SourceError, "source.mp4 can't be decoded: Input/output error; the file is damaged", kept=2,
    ),
    "the device is lost": Fault(
        PlaneModel, "forward", lambda: at(25), ASSERTED,
        BackendError, "the torch backend failed on .*: CUDA error: device-side assert triggered", kept=2,
    ),
    "the device is full": Fault(
        PlaneModel, "forward", lambda: from_on(25), FULL,
        BackendError, "out of memory, even with --batch-size 1 and --strip-rows 16; a lighter --network", kept=2,
    ),
    "the encoder dies at a piece's first frame": Fault(
        FrameEncoder, "_picture", lambda: at(20), ffmpeg(errno.EIO),
        SinkError, "000002.piece can't be encoded: Input/output error", kept=2,
    ),
    "the encoder dies at a piece's last frame": Fault(
        FrameEncoder, "_picture", lambda: at(29), ffmpeg(errno.EIO),
        SinkError, "000002.piece can't be encoded: Input/output error", kept=2,
    ),
    "the encoder dies when it is emptied": Fault(
        FrameEncoder, "finish", lambda: at(2), ffmpeg(errno.EIO),
        SinkError, "000002.piece can't be encoded: Input/output error", kept=2,
    ),
    "a piece can't be created": Fault(
        PacketWriter, "__init__", lambda: at(2), system(errno.EACCES),
        SinkError, "000002.piece can't be created: Permission denied", kept=2,
    ),
    "the disk is full": Fault(
        PacketWriter, "write", lambda: at(25), system(errno.ENOSPC),
        SinkError, f"000002.piece can't be written: {DISK}", kept=2,
    ),
    "a piece does not get onto the disk": Fault(
        os, "fsync", lambda: of(r"\.piece\.\w+\.part$", 2), system(errno.EIO),
        SinkError, "000002.piece can't be written: Input/output error", kept=2,
    ),
    "a piece can't be renamed": Fault(
        Path, "replace", lambda: of(r"\.piece\.\w+\.part$", 2), system(errno.EACCES),
        SinkError, "000002.piece can't be written: Permission denied", kept=2,
    ),
    "the manifest can't be written": Fault(
        os, "fsync", lambda: of(r"manifest", 3), system(errno.ENOSPC),
        SinkError, f"manifest.json can't be written: {DISK}", kept=2,
    ),
    "a finished piece can't be read": Fault(
        Path, "open", lambda: of(r"000003\.piece$", 1), system(errno.EIO),
        SinkError, "000003.piece can't be read: Input/output error", kept=PIECES,
    ),
    "the joined file can't be written": Fault(
        Carrier, "mux", lambda: at(12), ffmpeg(errno.ENOSPC),
        SinkError, f"out.mkv can't be written: {DISK}", kept=PIECES,
    ),
    "the joined file can't be finished": Fault(
        Carrier, "finish", lambda: at(0), ffmpeg(errno.EIO),
        SinkError, "out.mkv can't be finished: Input/output error", kept=PIECES,
    ),
    "the joined file does not get onto the disk": Fault(
        os, "fsync", lambda: of(r"joined\.mkv$"), system(errno.EIO),
        SinkError, "out.mkv can't be given its name: Input/output error", kept=PIECES,
    ),
    "the output can't be given its name": Fault(
        Path, "replace", lambda: of(r"joined\.mkv$"), system(errno.EACCES),
        SinkError, "out.mkv can't be given its name: Permission denied", kept=PIECES,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_loses_nothing_that_was_finished(
    name: str,
    *,
    source: Path,
    uninterrupted: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    fault, output = FAULTS[name], tmp_path / "out.mkv"
    real, due = getattr(fault.owner, fault.attribute), fault.when()

    def failing(*arguments: Any, **options: Any) -> Any:
        if due(*arguments):
            raise fault.error
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(fault.owner, fault.attribute, failing)
        assert vsr(source, output, "--quiet") == fault.kind.exit_code
    told = capfd.readouterr().err
    assert ONE_LINE.fullmatch(told)
    assert re.search(fault.message, told)
    assert stage_threads() == []
    assert not output.exists()
    assert len(list((tmp_path / "out.mkv.vsr").glob("*.piece"))) >= fault.kept
    assert vsr(source, output, "--quiet") == 0
    assert output.read_bytes() == uninterrupted
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("share", [0.4, 1.0, 1.6])
def test_a_full_disk_loses_nothing_that_was_finished(
    share: float, source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A real one, in the pieces, between them and in the joining; then it grows, and the same command goes on."""
    larger = ("--scale", "4")  # so that the disk's blocks are small beside a piece
    assert vsr(source, tmp_path / "out.mkv", *larger) == 0
    uninterrupted = (tmp_path / "out.mkv").read_bytes()
    capfd.readouterr()
    with small_disk(tmp_path / "disk", int(len(uninterrupted) * share)) as disk:
        output = disk / "out.mkv"
        assert vsr(source, output, *larger) == SinkError.exit_code
        told = capfd.readouterr().err.splitlines()
        assert re.search(rf"can't be (written|finished): {DISK}", told[-1])
        assert any("the disk may be full before the end" in line for line in told)
        kept = re.search(rf"(\d) of {PIECES} pieces are kept", "".join(told))
        assert kept is not None
        assert int(kept[1]) >= int(PIECES * min(share, 1.0)) - 1
        assert not output.exists()
        subprocess.run(["mount", "-o", f"remount,size={1 << 24}", str(disk)], check=True)
        assert vsr(source, output, *larger) == 0
        assert output.read_bytes() == uninterrupted
        assert f"{kept[1]} of {PIECES} pieces are there from an earlier run" in capfd.readouterr().err


def test_pieces_that_cannot_be_removed_are_told_of(
    source: Path,
    uninterrupted: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The output is whole by then: that is no failure."""
    real, due = Path.unlink, of(r"000001\.piece$")

    def failing(path: Path, missing_ok: bool = False) -> None:
        if due(path):
            raise system(errno.EACCES)
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", failing)
    assert vsr(source, tmp_path / "out.mkv") == 0
    told = capfd.readouterr().err
    assert "the output is whole, but its pieces are still there: " in told
    assert "out.mkv.vsr can't be cleared: Permission denied" in told
    assert (tmp_path / "out.mkv").read_bytes() == uninterrupted
