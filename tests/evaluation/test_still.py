"""Still images: what is written comes back, and damaged or foreign files are one clear error."""

from pathlib import Path

import av
import numpy as np
import pytest

from vsr.errors import SinkError, SourceError
from vsr.io.still import read_rgb, write_rgb


def test_png_round_trip_is_exact_whatever_the_name(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (13, 7, 3), dtype=np.uint8)
    path = tmp_path / "100% %03d of it.png"
    write_rgb(path, pixels)
    assert np.array_equal(read_rgb(path), pixels)


def test_grey_file_is_replicated(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
    encoder = av.VideoCodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 8, 6, "gray"
    frame = av.VideoFrame.from_ndarray(grey, format="gray")
    path = tmp_path / "grey.png"
    path.write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]))
    assert np.array_equal(read_rgb(path), np.repeat(grey[:, :, None], 3, axis=2))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain text",
        b"\x89PNG\r\n\x1a\n and nothing more",
        b"\xff\xd8\xff\xe0 no picture",
        b"#EXTM3U\n/etc/passwd\n",
    ],
)
def test_damaged_or_foreign_file_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"can't read image .*image\.png") as caught:
        read_rgb(path)
    assert "\n" not in str(caught.value)


def test_truncated_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    write_rgb(path, np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(SourceError, match="can't read image"):
        read_rgb(path)


def test_missing_file_and_unwritable_place(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read_rgb(tmp_path / "absent.png")
    with pytest.raises(SinkError, match="can't write image"):
        write_rgb(tmp_path / "absent" / "image.png", np.zeros((4, 4, 3), np.uint8))
