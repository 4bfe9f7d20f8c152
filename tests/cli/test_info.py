"""``vsr info``: what it says is true of the file, and its plan is what ``vsr run`` then does."""

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.cli.conftest import Run
from vsr.errors import BackendError

SAMPLE = Path(__file__).parents[2] / "samples" / "big-buck-bunny.mp4"


@pytest.fixture
def info(vsr: Run) -> Callable[..., dict[str, Any]]:
    """The JSON of a successful ``vsr info``."""

    def run(*arguments: object) -> dict[str, Any]:
        code, out, err = vsr("info", *arguments, "--json")
        assert code == 0, err
        return dict(json.loads(out))

    return run


def make_clip(path: Path, pts: tuple[int, ...] = (0, 1, 2, 3), codec: str = "libx264", **settings: Any) -> Path:
    """A grey 64x48 clip at 25 fps; ``settings`` are attributes of the stream or of its codec context."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, settings.pop("pix_fmt", "yuv420p")
        stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
        rotation = settings.pop("rotation", None)
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number in pts:
            grey = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90 + number, np.uint8), "rgb24")
            frame = grey.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_the_sample_is_described_as_it_is(info: Callable[..., dict[str, Any]]) -> None:
    facts = info(SAMPLE)
    assert [(s["index"], s["type"], s["codec"]) for s in facts["streams"]] == [
        (0, "video", "h264"),
        (1, "audio", "aac"),
    ]
    assert facts["streams"][0]["disposition"] == ["default"]
    video = facts["video"]
    assert (video["width"], video["height"], video["displayed"]) == (480, 270, [480, 270])
    assert (video["frame_rate"], video["variable_rate"], video["start_s"]) == ("25", False, 0.0)
    assert (video["frames_declared"], video["duration_s"]) == (72, pytest.approx(2.88))
    color = video["color"]
    assert (color["matrix"], color["matrix_name"], color["range"]) == (1, "BT.709", "limited")
    assert (video["pixels"], video["interlaced"], video["hdr_kind"], video["hdr"]) == ("4:2:0 8-bit", False, None, {})
    assert facts["container"]["metadata"]["title"].startswith("Big Buck Bunny")
    assert facts["run"]["displayed"] == [960, 540]


def test_the_plan_is_what_the_run_does(info: Callable[..., dict[str, Any]], vsr: Run, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4")
    facts = info(clip)
    code, out, err = vsr("run", clip, tmp_path / "out.mp4", "--json", "-")
    assert code == 0, err
    report, plan = json.loads(out), facts["run"]
    assert {key: plan[key] for key in ("width", "height", "codec", "pix_fmt", "encoder_options", "requested")} == {
        key: report["result"][key] for key in ("width", "height", "codec", "pix_fmt", "encoder_options", "requested")
    }
    assert report["color"]["output"].items() <= plan["color"].items()
    assert plan["network"].items() <= report["network"].items()
    assert (plan["backend"], plan["precision"]) == (report["backend"], report["precision"])
    assert facts["notices"] == report["notices"]


def test_fates_of_the_other_streams_are_those_of_a_run(info: Callable[..., dict[str, Any]]) -> None:
    (sound,) = info(SAMPLE)["run"]["streams"]
    assert (sound["index"], sound["action"], sound["target"], sound["sentence"]) == (1, "copy", "aac", "")


def test_nothing_is_written(info: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    clip = make_clip(tmp_path / "in.mp4")
    info(clip)
    assert list(tmp_path.iterdir()) == [clip]


def test_pixel_shape_and_rotation_give_the_shown_size(info: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", sample_aspect_ratio=Fraction(4, 3), rotation=90)
    facts = info(clip)
    assert (facts["video"]["width"], facts["video"]["height"]) == (64, 48)
    assert facts["video"]["displayed"] == [48, 85]
    assert "quarter turn" in facts["video"]["orientation"]
    assert facts["run"]["displayed"] == [96, 171]


def test_unequal_frame_durations_are_a_variable_rate(info: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    assert info(make_clip(tmp_path / "even.mp4"))["video"]["variable_rate"] is False
    assert info(make_clip(tmp_path / "uneven.mp4", pts=(0, 1, 4, 5, 9)))["video"]["variable_rate"] is True


def test_hdr_and_guesses_are_named(info: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    tags: Any = {"colorspace": 9, "color_primaries": 9, "color_trc": 16, "color_range": 1}
    video = info(make_clip(tmp_path / "hdr.mp4", codec="libx265", pix_fmt="yuv420p10le", **tags))["video"]
    assert (video["hdr_kind"], video["color"]["primaries_name"], video["pixels"]) == ("PQ", "BT.2020", "4:2:0 10-bit")
    facts = info(make_clip(tmp_path / "untagged.mp4"))
    assert "matrix" in facts["video"]["color"]["guessed"]
    assert any("BT.601" in notice for notice in facts["notices"])


def test_a_container_that_cannot_be_written_is_planned_as_matroska(
    info: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    nameless = tmp_path / "clip"
    shutil.copy(make_clip(tmp_path / "in.mp4"), nameless)
    facts = info(nameless)
    assert facts["run"]["container"] == "matroska"
    assert any(".mkv" in notice for notice in facts["notices"])


def test_a_picture_is_a_still(info: Callable[..., dict[str, Any]], vsr: Run, tmp_path: Path) -> None:
    picture = make_clip(tmp_path / "in.png", pts=(0,), codec="png", pix_fmt="rgb24")
    facts = info(picture)
    assert facts["video"]["still"] is True
    assert (facts["run"]["codec"], facts["run"]["width"]) == ("png", 128)
    assert "a still picture" in vsr("info", picture)[1]


def test_the_text_says_what_the_json_says(vsr: Run) -> None:
    code, out, err = vsr("info", SAMPLE)
    assert (code, err) == (0, "")
    for words in ("480x270", "BT.709", "25 fps", "960x540", "libx264", "audio stream #1 (aac) is copied", "lrsrn x2"):
        assert words in out


def test_a_run_that_would_be_refused_is_told_beside_the_facts(
    info: Callable[..., dict[str, Any]], vsr: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BackendError("no such device")

    monkeypatch.setattr("vsr.survey.make_plan", refuse)
    facts = info(SAMPLE)
    assert facts["run"] == {"refused": "no such device"}
    assert facts["video"]["width"] == 480
    assert "'vsr run' would refuse: no such device" in vsr("info", SAMPLE)[1]


@pytest.mark.parametrize("name", ["missing.mp4", "empty.mp4", "text.mp4"])
def test_what_is_no_video_gets_one_line_and_exit_code_3(vsr: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video")
    code, out, err = vsr("info", tmp_path / name)
    assert (code, out, err.count("\n")) == (3, "", 1)


def test_an_unknown_stream_is_refused(vsr: Run) -> None:
    code, out, err = vsr("info", SAMPLE, "--video-stream", 7)
    assert (code, out) == (3, "")
    assert "#7" in err
