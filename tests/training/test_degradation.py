"""Degradation "video": aligned with the clean picture, always the same, within its ranges, and clean in its share."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from vsr.errors import UsageError
from vsr.evaluation.imresize import downscale
from vsr.io.roundtrip import Coding, code_clip
from vsr.training.data import load_training_images, make_batch
from vsr.training.degradation import CODECS, MovingPicture, Treatment, VideoDegradation, degrade, draw
from vsr.training.recipe import Recipe, parse_recipe
from vsr.training.run import TrainingRequest, run_training

Pixels = npt.NDArray[np.uint8]


def picture(scale: int = 2, side: int = 96) -> MovingPicture:
    """Texture of every direction, without a period, so that a shift shows."""
    soft = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (1, 1, side * scale, side * scale)))
    for _ in range(2):
        soft = torch.nn.functional.avg_pool2d(soft, 2 * scale + 1, 1, scale)
    grey = (128 + 45 * soft[0, 0] / soft.std()).clip(0, 255).byte().numpy()
    return MovingPicture(np.stack([grey] * 3, -1), scale)


WHOLE = (slice(0, 96), slice(0, 96))


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def error(a: Pixels, b: Pixels) -> float:
    return float(np.square(a.astype(float) - b)[4:-4, 4:-4].mean())


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("offset", [(0, 0), (1, 0), (5, 2), (-1, -4), (-6, 3)])
def test_moving_the_picture_is_reducing_another_part_of_it(scale: int, offset: tuple[int, int]) -> None:
    moving = picture(scale)
    down, right = (part + 8 * scale for part in offset)
    part = moving.high[down : down + 48 * scale, right : right + 48 * scale]
    seen = moving.low((slice(8, 56), slice(8, 56)), offset)
    # Away from the border, where the part alone knows nothing of the rest.
    np.testing.assert_array_equal(seen[2:-2, 2:-2], downscale(part, scale)[2:-2, 2:-2])


def test_beyond_the_border_the_picture_is_repeated() -> None:
    moving = picture()
    seen = moving.low(WHOLE, (-10, 0))
    np.testing.assert_array_equal(seen[:5], np.broadcast_to(moving.low(WHOLE)[:1], (5, 96, 3)))


@pytest.mark.parametrize("wanted", [0, 1, 4])
@pytest.mark.parametrize("step", [(0, 0), (3, -2), (-6, 5)])
def test_degraded_picture_lies_where_the_clean_one_does(wanted: int, step: tuple[int, int]) -> None:
    moving, clean = picture(), picture().low(WHOLE)
    treatment = Treatment(step, frames=5, wanted=wanted, blur_sigma=0.4, coding=Coding("h264", 24))
    result = degrade(moving, WHOLE, treatment, random())
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    errors = {shift: error(np.roll(result, shift, (0, 1)), clean) for shift in shifts}
    assert min(errors, key=lambda shift: errors[shift]) == (0, 0)
    assert errors[0, 0] < 0.2 * min(value for shift, value in errors.items() if shift != (0, 0))


def test_a_clean_treatment_is_the_bicubic_reduction() -> None:
    moving = picture()
    np.testing.assert_array_equal(degrade(moving, WHOLE, Treatment(), random()), downscale(moving.high, 2))


def test_noise_and_blur_have_their_sigma() -> None:
    moving, clean = picture(), picture().low(WHOLE).astype(float)
    noisy = degrade(moving, WHOLE, Treatment(noise_sigma=4.0), random())
    assert (noisy - clean).std() == pytest.approx(4.0, abs=0.2)
    line = MovingPicture(np.full((64, 64, 3), 20, np.uint8), 1)
    line.high[32] = 250
    box = (slice(0, 64), slice(0, 64))
    blurred = degrade(line, box, Treatment(blur_sigma=1.5), random())[:, 0, 0].astype(float) - 20
    weights = blurred / blurred.sum()
    assert (weights * (np.arange(64) - 32) ** 2).sum() == pytest.approx(1.5**2, rel=0.05)
    turned = MovingPicture(np.ascontiguousarray(line.high.transpose(1, 0, 2)), 1)
    np.testing.assert_array_equal(degrade(turned, box, Treatment(blur_sigma=1.5), random())[0, :, 0] - 20, blurred)


def test_draws_repeat_with_the_seed_and_cover_their_ranges() -> None:
    ranges = VideoDegradation()
    draws = [draw(ranges, 2, random(seed)) for seed in range(2000)]
    assert draws == [draw(ranges, 2, random(seed)) for seed in range(2000)]
    coded = [(treatment, treatment.coding) for treatment in draws if treatment.coding is not None]
    assert len(coded) / 2000 == pytest.approx(1 - ranges.clean_share, abs=0.03)
    assert all(treatment == Treatment() for treatment in draws if treatment.coding is None)
    for kind in CODECS:
        mine = [coding for _, coding in coded if coding.codec == kind.codec]
        assert len(mine) / len(coded) == pytest.approx(kind.share, abs=0.04)
        assert {coding.effort for coding in mine} == set(kind.efforts)
        qualities = [coding.quality for coding in mine]
        assert kind.best <= min(qualities) <= kind.best + 3
        assert kind.poorest - 3 <= max(qualities) <= kind.poorest
    assert {coding.matrix for _, coding in coded} == {"bt601", "bt709"}
    assert {coding.b_frames for _, coding in coded} == {0, 3}
    moving = [treatment for treatment, coding in coded if coding.codec != "jpeg"]
    assert {treatment.frames for treatment in moving} == set(range(3, 9))
    assert {treatment.wanted for treatment in moving} == set(range(8))
    assert all(treatment.wanted < treatment.frames for treatment in moving)
    assert {part for treatment in moving for part in treatment.step} == set(range(-6, 7))
    for name, most in (("blur_sigma", ranges.blur_sigma), ("noise_sigma", ranges.noise_sigma)):
        strengths = np.array([getattr(treatment, name) for treatment, _ in coded])
        assert 0.9 * most < strengths.max() <= most
        assert np.mean(strengths > 0) == pytest.approx(getattr(ranges, name.replace("sigma", "share")), abs=0.03)


def test_shares_of_the_codecs_are_a_whole() -> None:
    assert sum(kind.share for kind in CODECS) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", CODECS, ids=lambda kind: kind.codec)
def test_each_codec_takes_the_ends_of_its_range(kind: Any) -> None:
    clip = np.stack([picture().low(WHOLE, (time, 2 * time)) for time in range(3)])
    for effort in kind.efforts:
        best, poorest = (
            error(code_clip(clip, Coding(kind.codec, quality, effort), 1), clip[1])
            for quality in (kind.best, kind.poorest)
        )
        assert 0 < best < poorest


@pytest.fixture
def video_table(recipe_table: dict[str, Any]) -> dict[str, Any]:
    return {**recipe_table, "degradation": "video", "video": {"versions": 3, "tile": 20, "frames": 3}}


@pytest.fixture
def recipe(video_table: dict[str, Any]) -> Recipe:
    return parse_recipe(video_table, name="small")


def test_each_tile_comes_in_several_versions_of_one_picture(photographs: Path, recipe: Recipe) -> None:
    # 40x32 low-resolution pixels: two tiles of 20x32 each.
    images = load_training_images(photographs, recipe).of_scale[2]
    assert len(images) == 4 * 2 * 3
    for first in range(0, len(images), 3):
        versions = images[first : first + 3]
        assert all(version.low.shape == (32, 20, 3) for version in versions)
        assert all(version.high.shape == (64, 40, 3) for version in versions)
        assert all(np.shares_memory(version.high, versions[0].high) for version in versions)
    differing = [not np.array_equal(images[i].low, images[i + 1].low) for i in range(0, len(images), 3)]
    assert sum(differing) >= 5


def test_tiles_are_aligned_and_their_detail_is_that_of_the_clean_picture(
    photographs: Path, video_table: dict[str, Any]
) -> None:
    video_table["video"] |= {"clean_share": 1}
    clean = load_training_images(photographs, parse_recipe(video_table, name="small")).of_scale[2]
    bicubic = {**video_table, "degradation": "bicubic"}
    del bicubic["video"]
    whole = load_training_images(photographs, parse_recipe(bicubic, name="small")).of_scale[2]
    for number, image in enumerate(whole):
        left, right = clean[6 * number], clean[6 * number + 3]
        np.testing.assert_array_equal(np.concatenate((left.low, right.low), 1), image.low)
        np.testing.assert_array_equal(np.concatenate((left.high, right.high), 1), image.high)
    video_table["video"] |= {"clean_share": 0}
    coded = load_training_images(photographs, parse_recipe(video_table, name="small")).of_scale[2]
    for one, other in zip(clean, coded, strict=True):
        np.testing.assert_array_equal(one.detail, other.detail)
        assert not np.array_equal(one.low, other.low)


def test_loading_again_gives_the_same_batches_and_another_seed_others(photographs: Path, recipe: Recipe) -> None:
    low, high = make_batch(load_training_images(photographs, recipe), recipe, 3)
    again, _ = make_batch(load_training_images(photographs, recipe), recipe, 3)
    other, _ = make_batch(load_training_images(photographs, replace(recipe, seed=2)), recipe, 3)
    assert low.shape == (4, 3, 12, 12)
    assert high.shape == (4, 3, 24, 24)
    assert torch.equal(low, again)
    assert not torch.equal(low, other)


def test_card_tells_what_was_drawn_from(photographs: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'network = "lrsrn"\nscale = 2\ndegradation = "video"\n[video]\nversions = 1\nframes = 2\n'
        "[[stages]]\nsteps = 2\nlr = 1e-3\nbatch = 2\npatch = 12\n"
    )
    request = TrainingRequest(str(recipe), photographs, (), tmp_path / "out", resume=False, device="cpu")
    (path,) = run_training(request)
    card = json.loads(path.with_suffix(".json").read_text())
    assert (card["degradation"], card["data"]["images"]) == ("video", 4)
    assert card["training"]["video"] == {**vars(VideoDegradation()), "versions": 1, "frames": 2}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.update(video=3), r"\[video\]: must be a table, met 3"),
        (lambda table: table["video"].update(fog=1), r"\[video\]: unknown field 'fog'; known: versions, tile"),
        (lambda table: table["video"].update(clean_share=1.5), "'clean_share' must be from 0 to 1, met 1.5"),
        (lambda table: table["video"].update(noise_sigma=-1), "'noise_sigma' must be 0 or more, met -1"),
        (lambda table: table["video"].update(versions=0), "'versions' must be 1 or more, met 0"),
        (lambda table: table["video"].update(frames=2.5), "'frames' must be an integer, met 2.5"),
        (lambda table: table.update(degradation="bicubic"), r"\[video\] needs degradation = \"video\""),
    ],
)
def test_each_mistake_is_one_clear_line(
    video_table: dict[str, Any], spoil: Callable[[dict[str, Any]], object], message: str
) -> None:
    spoil(video_table)
    with pytest.raises(UsageError, match=message) as caught:
        parse_recipe(video_table, name="small")
    assert "\n" not in str(caught.value)
