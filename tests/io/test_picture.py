"""Geometry, colour, depth and HDR of the output are the source's; only the size changes."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import vsr
from tests.clip_facts import read_clip
from tests.io.making import Recipe, make, picture

HDR_PARAMS = (
    "log-level=error:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)


def _side_data(path: Path) -> dict[str, bytes]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        side_data: Any = frame.side_data
        items = [side_data[i] for i in range(len(side_data))]
        return {item.type.name: bytes(item) for item in items}


@pytest.mark.parametrize("color", [(1, 1, 1, 1), (2, 1, 1, 1), (1, 6, 6, 6), (1, 5, 5, 6), (2, 5, 5, 6), (1, 9, 9, 14)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_colour_tags_are_kept(tmp_path: Path, color: tuple[int, int, int, int], suffix: str) -> None:
    source = make(tmp_path / f"in{suffix}", Recipe(color=color))
    vsr.upscale(source, tmp_path / f"out{suffix}", network="bicubic")
    assert read_clip(tmp_path / f"out{suffix}").color == color


def test_a_guessed_matrix_is_said_and_written(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Recipe(color=(1, 2, 2, 2), size=(64, 360)))
    report = vsr.upscale(source, tmp_path / "out.mp4", network="bicubic")
    assert any("BT.601" in notice for notice in report.notices)
    assert read_clip(tmp_path / "out.mp4").color[1] == 6
    assert "matrix" in report.color["source"]["guessed"]


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("libx264", "yuv422p", ".mkv"),
        ("libx264", "yuv444p", ".mp4"),
        ("libx265", "yuv420p10le", ".mp4"),
        ("libx265", "yuv444p12le", ".mkv"),
        ("prores_ks", "yuv422p10le", ".mov"),
        ("ffv1", "yuv420p", ".mkv"),
    ],
)
def test_depth_and_chroma_are_kept(tmp_path: Path, codec: str, pix_fmt: str, suffix: str) -> None:
    options = {"x265-params": "log-level=error"} if codec == "libx265" else {}
    source = make(tmp_path / f"in{suffix}", Recipe(codec=codec, pix_fmt=pix_fmt, options=options))
    vsr.upscale(source, tmp_path / f"out{suffix}", network="bicubic")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.video[0].pix_fmt == pix_fmt


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1"])
def test_static_hdr_metadata_is_written_again(tmp_path: Path, codec: str) -> None:
    recipe = Recipe(
        codec="libx265", pix_fmt="yuv420p10le", color=(1, 9, 9, 16), size=(96, 80), options={"x265-params": HDR_PARAMS}
    )
    source = make(tmp_path / "in.mkv", recipe)
    vsr.upscale(source, tmp_path / "out.mkv", network="bicubic", codec=codec)
    before, after = _side_data(source), _side_data(tmp_path / "out.mkv")
    assert after["CONTENT_LIGHT_LEVEL"] == before["CONTENT_LIGHT_LEVEL"]
    numbers = [
        np.frombuffer(data["MASTERING_DISPLAY_METADATA"], np.int32)[:20].reshape(10, 2) for data in (before, after)
    ]
    was, now = (pairs[:, 0] / pairs[:, 1] for pairs in numbers)
    np.testing.assert_allclose(now, was, rtol=1e-3, atol=2**-14)  # AV1 counts luminance in 1/16384 cd/m2
    assert read_clip(tmp_path / "out.mkv").color == (1, 9, 9, 16)


def test_an_encoder_that_cannot_write_hdr_says_so(tmp_path: Path) -> None:
    recipe = Recipe(codec="libx265", pix_fmt="yuv420p10le", color=(1, 9, 9, 16), options={"x265-params": HDR_PARAMS})
    report = vsr.upscale(make(tmp_path / "in.mkv", recipe), tmp_path / "out.mkv", network="bicubic", codec="ffv1")
    assert any("HDR10" in notice for notice in report.notices)


@pytest.mark.parametrize("rotation", [(90, False), (-90, False), (180, False), (0, True), (-90, True), (180, True)])
def test_orientation_is_carried_or_applied(tmp_path: Path, rotation: tuple[float, bool]) -> None:
    recipe = Recipe(rotation=rotation, pts=(0, 512), color=(1, 1, 1, 1))
    source = make(tmp_path / "in.mp4", recipe)
    vsr.upscale(source, tmp_path / "out.mkv", network="bicubic")
    assert _side_data(tmp_path / "out.mkv")["DISPLAYMATRIX"][:32] == _side_data(source)["DISPLAYMATRIX"][:32]
    report = vsr.upscale(source, tmp_path / "out.ts", network="bicubic", crf=1)
    assert any("orientation" in notice for notice in report.notices)
    assert "DISPLAYMATRIX" not in _side_data(tmp_path / "out.ts")
    with av.open(str(tmp_path / "out.ts")) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="gray")[::2, ::2].astype(int)
    stored = picture(replace(recipe, rotation=None), 0).to_ndarray(format="gray").astype(int)
    turned = {
        (turn, flip): np.rot90(stored, turn)[:, :: -1 if flip else 1] for turn in range(4) for flip in (False, True)
    }
    errors = {key: np.abs(shown - one).mean() for key, one in turned.items() if one.shape == shown.shape}
    assert min(errors, key=errors.__getitem__) == (round(rotation[0] / 90) % 4, rotation[1])


def test_sample_aspect_ratio_and_odd_sizes(tmp_path: Path) -> None:
    anamorphic = make(tmp_path / "in.mp4", Recipe(sample_aspect_ratio=Fraction(64, 45)))
    vsr.upscale(anamorphic, tmp_path / "out.mp4", network="bicubic")
    assert read_clip(tmp_path / "out.mp4").sample_aspect_ratio == Fraction(64, 45)
    odd = make(tmp_path / "odd.mkv", Recipe(codec="ffv1", size=(65, 49)))
    vsr.upscale(odd, tmp_path / "x2.mkv", network="bicubic")
    assert (read_clip(tmp_path / "x2.mkv").width, read_clip(tmp_path / "x2.mkv").height) == (130, 98)
    report = vsr.upscale(odd, tmp_path / "x3.mkv", network="bicubic", scale=3)
    assert any("even" in notice for notice in report.notices)
    assert (read_clip(tmp_path / "x3.mkv").width, read_clip(tmp_path / "x3.mkv").height) == (196, 148)


def test_exact_and_named_sizes(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Recipe())
    vsr.upscale(source, tmp_path / "exact.mp4", network="bicubic", to="150x100")
    exact = read_clip(tmp_path / "exact.mp4")
    assert (exact.width, exact.height) == (150, 100)
    assert exact.shown[0] / exact.shown[1] == pytest.approx(4 / 3, rel=1e-3)


def test_transparency_is_kept_where_it_can_be_and_its_loss_said(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mov", Recipe(codec="prores_ks", pix_fmt="yuva444p10le"))
    vsr.upscale(source, tmp_path / "out.mov", network="bicubic")
    with av.open(str(tmp_path / "out.mov")) as container:
        assert "yuva" in str(container.streams.video[0].pix_fmt)
    report = vsr.upscale(source, tmp_path / "out.mp4", network="bicubic")
    assert any("transparency" in notice for notice in report.notices)


def test_interlaced_video_is_deinterlaced_with_a_notice(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Recipe(options={"x264-params": "tff=1"}))
    report = vsr.upscale(source, tmp_path / "out.mkv", network="bicubic")
    assert any("deinterlaced" in notice for notice in report.notices)
    assert report.frames_in == report.frames_out == 10
    assert read_clip(tmp_path / "out.mkv").pts_s == read_clip(source).pts_s
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert not any(frame.interlaced_frame for frame in container.decode(video=0))


def test_interlaced_video_can_stay_so(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Recipe(options={"x264-params": "tff=1"}))
    report = vsr.upscale(source, tmp_path / "out.mkv", network="bicubic", interlaced="keep")
    assert any("interlaced" in notice for notice in report.notices)
    with av.open(str(tmp_path / "out.mkv")) as container:
        frames = list(container.decode(video=0))
    assert [frame.interlaced_frame for frame in frames] == [True] * 10
    assert read_clip(tmp_path / "out.mkv").pts_s == read_clip(source).pts_s


def test_closed_captions_ride_along(tmp_path: Path) -> None:
    """Captions (CEA-708 in SEI) of a broadcast stream are side data of frames, not a stream."""
    source = tmp_path / "in.ts"
    captions = bytes([0xFC, 0x94, 0x2C, 0xFC, 0x94, 0x2C])
    make(source, Recipe(options={"bf": "0"}))
    _insert_captions(source, tmp_path / "captions.ts", captions)
    vsr.upscale(tmp_path / "captions.ts", tmp_path / "out.mp4", network="bicubic")
    assert _side_data(tmp_path / "captions.ts")["A53_CC"] == captions
    assert _side_data(tmp_path / "out.mp4")["A53_CC"] == captions


def _insert_captions(source: Path, target: Path, captions: bytes) -> None:
    """Put a user_data_registered SEI (ATSC A/53 part 4) before each picture's slice."""
    payload = b"\xb5\x00\x31GA94\x03" + bytes([0x40 | len(captions) // 3, 0xFF]) + captions + b"\xff"
    sei = b"\x00\x00\x00\x01\x06\x04" + bytes([len(payload)]) + payload + b"\x80"
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0], opaque=True)
        for packet in old.demux():
            if packet.size:
                content = bytes(packet)
                slice_at = min(
                    i for i in (content.find(b"\0\0\1" + bytes([t])) for t in (0x65, 0x41, 0x01, 0x61)) if i >= 0
                )
                changed = av.Packet(content[:slice_at] + sei + content[slice_at:])
                changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
                changed.stream, changed.is_keyframe = stream, packet.is_keyframe
                new.mux(changed)
