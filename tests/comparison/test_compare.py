"""A comparison's whole way: what the page says is true of its own pictures, and nothing half-written stays."""

import base64
import json
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.io.making import Recipe, make
from vsr.comparison.compare import compare
from vsr.comparison.inputs import Input
from vsr.comparison.rendering import Rgb, difference
from vsr.comparison.spec import ComparisonSpec
from vsr.errors import SinkError, SourceError, UsageError
from vsr.evaluation.metrics import luma, psnr_y, ssim_y
from vsr.io.still import read_rgb, write_rgb
from vsr.notices import Notices
from vsr.spec import PipelineSpec

LARGER = Recipe(size=(128, 96), options={"crf": "30"})


def figures(page: Path) -> dict[str, Any]:
    (block,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', page.read_text("utf-8"))
    return dict(json.loads(block))


def pictures(page: Path) -> list[list[Rgb]]:
    """By moment, in the order A, B, reference."""
    moments = re.findall(r"<div>((?:<img alt=\"\" src=\"[^\"]*\">)+)</div>", page.read_text("utf-8"))
    result: list[list[Rgb]] = []
    for moment in moments:
        result.append([])
        for content in re.findall(r";base64,([^\"]*)", moment):
            file = page.with_name("embedded")
            file.write_bytes(base64.b64decode(content, validate=True))
            result[-1].append(read_rgb(file))
    return result


def run(a: Path, b: Path, notices: Notices | None = None, **options: Any) -> tuple[dict[str, Any], list[list[Rgb]]]:
    options.setdefault("page", str(b.with_name("page.html")))
    result = compare(ComparisonSpec(str(a), str(b), **options), notices=notices)
    return figures(result.page), pictures(result.page)


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return make(tmp_path / "a.mp4")


@pytest.fixture
def b(tmp_path: Path) -> Path:
    return make(tmp_path / "b.mkv", LARGER)


def test_scores_are_those_of_the_pictures_shown(a: Path, b: Path) -> None:
    told, shown = run(a, b, frames=3)
    assert [frame["moment"] for frame in told["frames"]] == [1, 5, 8]
    assert told["pairs"] == [["B", "A"]]
    assert told["times"] == [pytest.approx(i * 0.04) for i in range(10)]
    psnr, ssim, distance = (curve["lines"][0] for curve in told["curves"])
    for frame, (first, second) in zip(told["frames"], shown, strict=True):
        assert first.shape == second.shape == (96, 128, 3)
        assert frame["how"] == "lossless (PNG)"
        assert psnr[frame["moment"]] == pytest.approx(psnr_y(second, first, border=0))
        assert ssim[frame["moment"]] == pytest.approx(ssim_y(second, first, border=0))
        assert distance[frame["moment"]] == pytest.approx(np.abs(luma(first) - luma(second)).mean())
    (mean,) = told["means"]
    assert mean["psnr_y"] == pytest.approx(np.mean(psnr))
    assert (mean["least_psnr_y"], mean["least_at_s"]) == (min(psnr), told["times"][psnr.index(min(psnr))])
    assert mean["ssim_y"] == pytest.approx(np.mean(ssim))
    assert mean["equal_frames"] == 0


def test_with_a_reference_both_are_scored_by_it_at_its_size(a: Path, b: Path, tmp_path: Path) -> None:
    reference = make(tmp_path / "reference.mp4", Recipe(size=(96, 72)))
    notices = Notices()
    told, shown = run(a, b, notices, reference=str(reference), frames=2)
    assert told["pairs"] == [["A", "reference"], ["B", "reference"]]
    assert [item["name"] for item in told["inputs"]] == ["a.mp4", "b.mkv", "reference.mp4"]
    for frame, (first, second, truth) in zip(told["frames"], shown, strict=True):
        assert first.shape == second.shape == truth.shape == (72, 96, 3)
        lines = told["curves"][0]["lines"]
        assert lines[0][frame["moment"]] == pytest.approx(psnr_y(first, truth, border=0))
        assert lines[1][frame["moment"]] == pytest.approx(psnr_y(second, truth, border=0))
    assert "A is scaled up from 64x48 to 96x72 (bicubic)" in notices.said
    assert "B is scaled down from 128x96 to 96x72 (bicubic)" in notices.said
    assert set(notices.said) <= set(told["notes"])


def test_equal_videos_have_no_finite_psnr(a: Path) -> None:
    told, _ = run(a, a)
    assert told["curves"][0]["lines"] == [[None] * 10]
    assert told["means"][0]["psnr_y"] is None
    assert told["means"][0]["equal_frames"] == 10
    assert told["means"][0]["ssim_y"] == pytest.approx(1)


def test_every_thins_the_scores_and_frames_come_from_what_is_scored(a: Path, b: Path) -> None:
    told, shown = run(a, b, every=4)
    assert told["times"] == [pytest.approx(t) for t in (0, 0.16, 0.32)]
    assert len(shown) == len(told["frames"]) == 3


def test_frames_of_a_variable_rate_meet_by_time(a: Path, tmp_path: Path) -> None:
    b = make(tmp_path / "b.mp4", Recipe(pts=(0, 256, 1024, 2816)))  # 0, 20, 80 and 220 ms
    told, shown = run(a, b)
    assert told["times"] == [pytest.approx(0.04 * i) for i in range(7)]
    seconds = [second for _, second in shown]
    stays = [np.array_equal(before, after) for before, after in pairwise(seconds)]
    assert stays == [False, False, True, True, True, False]  # 0, 20, 80, 80, 80, 80, 220 ms


def test_the_common_span_is_told(a: Path, tmp_path: Path) -> None:
    short = make(tmp_path / "short.mp4", Recipe(pts=(0, 512, 1024)))
    notices = Notices()
    told, _ = run(a, short, notices)
    assert len(told["times"]) == 3
    assert any(said.startswith("A goes beyond the span") for said in notices.said)
    assert any("3 frames of A are scored, every frame from 0.000 s to 0.080 s" in said for said in notices.said)


def test_no_common_time_is_refused_and_can_be_aligned(a: Path, tmp_path: Path) -> None:
    late = make(tmp_path / "late.mkv", Recipe(pts=tuple(12800 * 60 + 512 * i for i in range(10))))
    with pytest.raises(UsageError, match=r"no time in common.*--align-starts"):
        run(a, late)
    assert not list(tmp_path.glob("*page.html*"))
    told, _ = run(a, late, align_starts=True)
    assert len(told["times"]) == 10


@pytest.mark.parametrize(
    ("recipe", "size"),
    [
        (Recipe(rotation=(90, False)), (64, 48)),
        (Recipe(sample_aspect_ratio=Fraction(2)), (48, 128)),
        (Recipe(sample_aspect_ratio=Fraction(1, 2)), (96, 64)),
        (Recipe(rotation=(90, False), sample_aspect_ratio=Fraction(2)), (128, 48)),
    ],
    ids=["turned", "wide pixels", "narrow pixels", "turned with wide pixels"],
)
def test_pictures_are_upright_with_square_pixels(recipe: Recipe, size: tuple[int, int], tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mp4", recipe)
    _, ((picture, _),) = run(clip, clip, frames=1)
    assert picture.shape == (*size, 3)


def test_a_turned_picture_shows_its_corner_where_players_do(tmp_path: Path) -> None:
    upright, turned = make(tmp_path / "a.mp4"), make(tmp_path / "b.mp4", Recipe(rotation=(90, False)))
    _, ((first, _),) = run(upright, upright, frames=1)
    _, ((second, _),) = run(turned, turned, frames=1, overwrite=True)
    assert psnr_y(second, np.ascontiguousarray(np.rot90(first)), border=0) > 30


def test_pictures_are_compared_without_time(tmp_path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    noisy = np.clip(random + 3.0, 0, 255).astype(np.uint8)
    for name, content in (("a.png", random), ("b.png", noisy)):
        write_rgb(tmp_path / name, content)
    told, ((first, second),) = run(tmp_path / "a.png", tmp_path / "b.png")
    assert told["still"] is True
    assert np.array_equal(first, random)
    assert np.array_equal(second, noisy)
    assert told["means"][0]["psnr_y"] == pytest.approx(psnr_y(noisy, random, border=0))


def test_side_by_sides_hold_both_pictures_and_their_amplified_difference(a: Path, b: Path, tmp_path: Path) -> None:
    _, shown = run(a, b, frames=2, png_folder=str(tmp_path / "side"))
    names = ["001_of_002_at_0.080s.png", "002_of_002_at_0.280s.png"]
    assert sorted(file.name for file in (tmp_path / "side").iterdir()) == names
    for name, (first, second) in zip(names, shown, strict=True):
        expected = np.hstack((first, second, difference(first, second, 8)))
        assert np.array_equal(read_rgb(tmp_path / "side" / name), expected)


def test_sound_is_let_go_as_frames_are_read(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", Recipe(audio=("aac",)))
    with Input("A", str(clip), None) as opened:
        waiting = [len(opened.source.packets) for _ in opened.frames()]
    assert len(waiting) == 10
    assert max(waiting) == 0


def test_a_picture_and_a_video_are_refused(a: Path, tmp_path: Path) -> None:
    write_rgb(tmp_path / "b.png", np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(UsageError, match="A is a video, B is a picture"):
        run(a, tmp_path / "b.png")


def test_too_small_for_ssim_is_refused(tmp_path: Path) -> None:
    write_rgb(tmp_path / "small.png", np.zeros((10, 64, 3), np.uint8))
    with pytest.raises(UsageError, match="64x10 are too small"):
        run(tmp_path / "small.png", tmp_path / "small.png")


def test_a_damaged_input_leaves_nothing_behind(a: Path, tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.mkv", Recipe(pts=tuple(512 * i for i in range(100)))).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SourceError):
        run(tmp_path / "whole.mkv", tmp_path / "cut.mkv", png_folder=str(tmp_path / "side"))
    assert sorted(tmp_path.iterdir()) == before


def test_a_failure_while_writing_leaves_nothing_behind(
    a: Path, b: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vsr.comparison.page.Page.finish", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SinkError, match=r"page\.html.*No space left"):
        run(a, b, png_folder=str(tmp_path / "side"))
    assert sorted(tmp_path.iterdir()) == before


def test_existing_outputs_stay_unless_they_may_be_replaced(a: Path, b: Path, tmp_path: Path) -> None:
    page, folder = tmp_path / "page.html", tmp_path / "side"
    page.write_text("mine")
    folder.mkdir()
    (folder / "mine.png").write_text("mine")
    with pytest.raises(UsageError, match="exists already; --overwrite"):
        run(a, b)
    with pytest.raises(UsageError, match="not empty; --overwrite"):
        run(a, b, page=str(tmp_path / "other.html"), png_folder=str(folder))
    assert page.read_text() == "mine"
    run(a, b, frames=1, png_folder=str(folder), overwrite=True)
    assert page.read_text().startswith("<!doctype html>")
    assert sorted(file.name for file in folder.iterdir()) == ["001_of_001_at_0.200s.png", "mine.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "--frames is 0"),
        ({"frames": 201}, "1 to 200"),
        ({"every": 0}, "--every is 0"),
        ({"page": "page.png"}, r"ends in \.html"),
    ],
)
def test_senseless_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ComparisonSpec("a.mp4", "b.mp4", **options)


def test_the_page_goes_beside_b_or_into_a_folder(tmp_path: Path) -> None:
    assert ComparisonSpec("x/a.mp4", "y/b.mp4").page_path == Path("y/b.compare.html")
    assert ComparisonSpec("a.mp4", "b.mp4", page=str(tmp_path)).page_path == tmp_path / "b.compare.html"


def test_long_pixels_make_no_picture_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = make(tmp_path / "long.mkv", Recipe(sample_aspect_ratio=Fraction(16)))
    monkeypatch.setattr(PipelineSpec, "max_pixels", 64 * 16 * 48 - 1)
    with pytest.raises(UsageError, match="1024x48, more than 49151 pixels"):
        run(long, long)
