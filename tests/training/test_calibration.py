"""Calibration: the ranges that are found, what is left out, and ``vsr calibrate`` from photographs to a file of use."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from torch import nn
from typer.testing import CliRunner

from vsr.cli.calibrate import calibrate as calibrate_command
from vsr.errors import NetworkError, SourceError, UsageError, VsrError
from vsr.evaluation.benchmark import evaluate_folder
from vsr.evaluation.images import list_images
from vsr.networks import LoadedNetwork, WeightsCard, load, load_file
from vsr.networks.int8 import Range, read_calibration
from vsr.networks.weights import SHIPPED_DIR
from vsr.training import calibration
from vsr.training.calibration import CalibrationRequest, Observation, calibrate, nearest_range, observe, whole_range
from vsr.training.degradation import degrade

WEIGHTS = "ecbsr_x2_clean"
app = typer.Typer()
app.command("calibrate")(calibrate_command)


@pytest.fixture(autouse=True)
def few_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "PATCHES", 2)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of shipped weights, without their calibration."""
    for suffix in (".safetensors", ".json"):
        shutil.copy(SHIPPED_DIR / f"{WEIGHTS}{suffix}", tmp_path)
    return tmp_path / f"{WEIGHTS}.safetensors"


def request(photographs: Path, **changes: object) -> CalibrationRequest:
    return replace(CalibrationRequest(WEIGHTS, photographs, (photographs,)), **changes)  # type: ignore[arg-type]


def test_a_written_calibration_loads_and_scores_what_it_says(weights: Path, photographs: Path) -> None:
    arguments = ["--weights", str(weights), "--data", str(photographs), "--eval", str(photographs)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    loaded = load_file(weights)
    assert loaded.int8 is not None
    score = loaded.int8.scores["photographs"]
    assert score["float"] == pytest.approx(evaluate_folder(loaded.network, photographs).psnr_y, abs=1e-4)
    assert score["int8"] == pytest.approx(evaluate_folder(loaded.quantised(), photographs).psnr_y, abs=1e-4)
    assert score["float"] - score["int8"] == pytest.approx(score["loss"], abs=1.5e-4)
    assert loaded.int8.loss == score["loss"]


def test_the_same_seed_finds_the_same_and_another_does_not(photographs: Path) -> None:
    loaded = load_file(WEIGHTS)
    first, again, other = (calibrate(loaded, request(photographs, seed=seed), lambda _: None) for seed in (1, 1, 2))
    assert first == again
    assert first.ranges != other.ranges


def test_what_a_convolution_is_given_is_seen() -> None:
    network = load("lrsrn", 2).network
    inputs = [torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
    seen = observe(network, inputs)
    with torch.inference_mode():
        first = [nn.functional.relu(network.head(x)) for x in inputs]  # type: ignore[operator]
    assert seen["body.0"].high == pytest.approx(max(float(x.max()) for x in first))
    assert seen["body.0"].low == 0
    assert {name for name, one in seen.items() if one.is_picture} == {"head"}
    assert all(one.counts.sum() == (3 if name == "head" else 32) * 12 * 16 * 2 for name, one in seen.items())
    assert not network.head._forward_pre_hooks  # type: ignore[union-attr]


def test_outliers_are_clipped_and_even_values_are_not() -> None:
    even = Observation(0.0, 2.0, is_picture=False, counts=np.full(2048, 1e4))
    assert nearest_range(even) == whole_range(even)
    for low in (0.0, -1.0):
        values = np.linspace(low, 2.0, 2048)
        counts = np.where((values > low / 2) & (values < 1), 1e4, 0.0)
        counts[[0, -1]] = 1
        found = nearest_range(Observation(low, 2.0, is_picture=False, counts=counts))
        assert 0.99 <= found.high < 1.1
        assert 1.2 * low / 2 < found.low <= 0.99 * low / 2 or found.low == low == 0


@pytest.mark.parametrize("seen", [Observation(0.1, 0.8), Observation(is_picture=False)])
def test_pictures_are_whole_and_what_is_always_zero_has_a_range(seen: Observation) -> None:
    assert whole_range(seen) == nearest_range(seen) == Range(0.0, 1.0)


def test_what_costs_too_much_is_left_out(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ranges made useless for one convolution, that one has to go, and no other."""

    def useless(network: object, inputs: object, tell: object) -> tuple[str, dict[str, Range]]:
        method, ranges = choose(network, inputs, tell)  # type: ignore[arg-type]
        return method, {**ranges, "body.2": Range(0.0, 1e-3)}

    choose = calibration._choose
    monkeypatch.setattr(calibration, "_choose", useless)
    monkeypatch.setattr(calibration, "LARGEST_LOSS", 0.3)
    said: list[str] = []
    found = calibrate(load_file(WEIGHTS), request(photographs), said.append)
    assert found.left_out == ("body.2",)
    assert "body.2" not in found.ranges
    assert found.loss <= 0.3
    assert any("in floats: body.2" in line for line in said)


def test_a_loss_that_nothing_helps_against_is_said(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "LARGEST_LOSS", -100.0)
    said: list[str] = []
    found = calibrate(load_file(WEIGHTS), request(photographs), said.append)
    assert "int8 costs more than" in said[-1]
    assert len(found.ranges) == 1


def test_weights_for_video_are_calibrated_on_video(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    degraded = []
    real = degrade
    monkeypatch.setattr(calibration, "degrade", lambda *given: degraded.append(given[2]) or real(*given))  # type: ignore[func-returns-value]
    loaded, files = load("ecbsr", 2), list_images(photographs)
    card = WeightsCard("ecbsr", 2, "", degradation="video", training={"video": {"clean_share": 1.0}})
    assert len(list(calibration.draw_patches(files, loaded.network, card, 1))) == len(degraded) == 2
    assert all(treatment.coding is None for treatment in degraded)
    for plain in (None, replace(card, degradation="bicubic")):
        list(calibration.draw_patches(files, loaded.network, plain, 1))
    assert len(degraded) == 2


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"weights": "absent"}, NetworkError, "no weights 'absent'"),
        ({"weights": "fsrcnn_x2_clean"}, NetworkError, "can't be run in int8"),
        ({"data": Path("absent")}, SourceError, "absent"),
        ({"eval_folders": (Path("absent"),)}, SourceError, "absent"),
        ({"eval_folders": ()}, UsageError, "--eval"),
        ({"out": Path("/dev/null/x.json")}, NetworkError, "can't write"),
    ],
)
def test_a_wrong_request_is_refused(
    photographs: Path, changes: dict[str, object], error: type[VsrError], words: str
) -> None:
    with pytest.raises(error, match=words):
        calibration.run_calibration(request(photographs, **changes), lambda _: None)


def test_another_file_may_be_written(photographs: Path, weights: Path, tmp_path: Path) -> None:
    wanted = request(photographs, weights=str(weights), out=tmp_path / "deep" / "found.json")
    assert calibration.run_calibration(wanted, lambda _: None) == wanted.out
    assert read_calibration(weights) is None
    assert isinstance(load_file(weights), LoadedNetwork)
    assert (tmp_path / "deep" / "found.json").is_file()
