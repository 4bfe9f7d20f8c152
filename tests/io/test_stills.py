"""Pictures, numbered pictures and folders: in and out of the formats people have."""

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

import vsr
from tests.io.making import Recipe, make, picture
from vsr.errors import UsageError, VsrError
from vsr.folder import run_folder
from vsr.spec import make_spec


def _read(path: Path) -> npt.NDArray[np.int_]:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)


def _save(path: Path, pix_fmt: str = "rgb24", index: int = 0) -> Path:
    codec = {".png": "png", ".jpg": "mjpeg", ".webp": "libwebp", ".tif": "tiff", ".bmp": "bmp"}[path.suffix]
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as output:
        stream: Any = output.add_stream(codec, options={"quality": "95"} if codec == "libwebp" else {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        output.mux(stream.encode(picture(Recipe(pix_fmt=pix_fmt, color=(2, 5, 2, 2)), index)))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "pix_fmt", "expected"),
    [
        ("a.png", "rgb24", "rgb24"),
        ("a.png", "rgba", "rgba"),
        ("a.png", "gray", "gray"),
        ("a.png", "rgb48be", "rgb48be"),
        ("a.jpg", "yuvj420p", "yuvj420p"),
        ("a.jpg", "yuvj444p", "yuvj444p"),
        ("a.webp", "yuv420p", "yuv420p"),
        ("a.tif", "rgb24", "rgb24"),
        ("a.bmp", "bgr24", "bgr24"),
    ],
)
def test_a_picture_stays_what_it_is(tmp_path: Path, name: str, pix_fmt: str, expected: str) -> None:
    source = _save(tmp_path / name, pix_fmt)
    output = tmp_path / f"out{source.suffix}"
    report = vsr.upscale(source, output, network="bicubic")
    assert report.frames_out == 1
    with av.open(str(output)) as container:
        assert container.streams.video[0].pix_fmt == expected
    before, after = _read(source), _read(output)
    assert after.shape == (96, 128, 3)
    halved = after.reshape(48, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(halved - before).mean() < 4


def test_exif_orientation_is_applied_once(tmp_path: Path) -> None:
    plain = _save(tmp_path / "plain.jpg", "yuvj444p")
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + tiff
    content = plain.read_bytes()
    turned = tmp_path / "turned.jpg"
    turned.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:])
    vsr.upscale(turned, tmp_path / "out.png", network="bicubic")
    shown = _read(tmp_path / "out.png")
    assert shown.shape == (128, 96, 3)
    assert np.abs(shown[::2, ::2] - np.rot90(_read(plain), -1)).mean() < 8


def test_numbered_pictures_to_video_and_back(tmp_path: Path) -> None:
    for index in range(5):
        _save(tmp_path / f"in_{index + 1:03d}.png", index=index)
    video = tmp_path / "out.mkv"
    vsr.upscale(tmp_path / "in_%03d.png", video, network="bicubic", codec="ffv1", pix_fmt="bgr0")
    out = tmp_path / "out"
    out.mkdir()
    vsr.upscale(video, out / "f_%02d.png", network="bicubic")
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"f_{index:02d}.png" for index in range(1, 6)]
    assert _read(out / "f_05.png").shape == (192, 256, 3)
    assert np.abs(_read(out / "f_05.png")[1::4, 1::4] - _read(tmp_path / "in_005.png")).mean() < 8


def test_a_video_does_not_fit_into_one_picture(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv")
    with pytest.raises(UsageError, match="%05d"):
        vsr.upscale(source, tmp_path / "out.png", network="bicubic")
    assert not (tmp_path / "out.png").exists()


def test_a_folder_goes_file_by_file_and_one_failure_stops_nothing(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    make(source / "a.mkv")
    (source / "b.mp4").write_bytes(b"not a video")
    _save(source / "c.png")
    (source / "notes.txt").write_text("words")
    said: list[str] = []
    with pytest.raises(VsrError, match="1 of 3 files failed"):
        run_folder(make_spec(str(source), str(output), network="bicubic"), tell=said.append)
    assert sorted(path.name for path in output.iterdir()) == ["a.mkv", "c.png"]
    assert any("notes.txt" in line for line in said)


def test_the_library_gives_frames_to_bring_an_encoder_of_ones_own(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Recipe(rotation=(90, False)))
    frames = list(vsr.upscaled_frames(source, network="bicubic", scale=3))
    assert len(frames) == 10
    assert frames[0].rgb().shape == (192, 144, 3)
    assert frames[0].rgb().dtype == np.uint8
    assert [float(frame.time_s) for frame in frames[:3]] == [0.0, 0.04, 0.08]
