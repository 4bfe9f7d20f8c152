"""A picture with an ICC profile ends no process: PyAV frees the profile's name twice where it looks at it."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.packet import Packet

from tests.hostile.clips import PROFILE, with_chunk
from tests.hostile.running import DEADLINE_S, Runner
from tests.io.making import Recipe, make, picture
from vsr.io.still import png


def _picture(path: Path) -> Path:
    pixels = picture(Recipe(), 0).to_ndarray(format="rgb24").astype(np.uint8)
    path.write_bytes(with_chunk(png(pixels), b"iCCP", PROFILE))
    return path


def _animation(path: Path) -> Path:
    made = make(path, Recipe(codec="apng", pix_fmt="rgb24"))
    path.write_bytes(with_chunk(made.read_bytes(), b"iCCP", PROFILE))
    return path


def _video(path: Path) -> Path:
    """Such pictures as the frames of a QuickTime file."""
    frame = _picture(path.with_suffix(".png")).read_bytes()
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = *Recipe().size, "rgb24"
        for index in range(3):
            packet = Packet(frame)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), True
            packet.pts = packet.dts = index
            output.mux(packet)
    return path


@pytest.fixture(params=["a.png", "a.apng", "a.mov"])
def profiled(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A source whose frames have a profile."""
    make_it = {"a.png": _picture, "a.apng": _animation, "a.mov": _video}[request.param]
    return make_it(tmp_path / request.param)


def test_it_is_upscaled_without_its_profile_which_is_said(profiled: Path, tmp_path: Path, runner: Runner) -> None:
    (tmp_path / "results").mkdir()
    output = tmp_path / "results" / ("out.png" if profiled.suffix == ".png" else "out.mkv")
    ended = runner.run(profiled, output, "--network", "bicubic")
    assert not ended.fault, ended
    assert ended.code == 0, ended
    assert ended.said.count("ICC profile") == 1


@pytest.mark.parametrize("command", ["info", "compare"])
def test_other_commands_survive_it_too(command: str, tmp_path: Path) -> None:
    path = str(_picture(tmp_path / "a.png"))
    arguments = [path] if command == "info" else [path, path, "--out", str(tmp_path / "page.html")]
    ended = subprocess.run(
        [sys.executable, "-m", "vsr", command, *arguments], timeout=2 * DEADLINE_S, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended
