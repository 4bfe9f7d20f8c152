"""The loop: it learns, it resumes on the same curve, and a damaged checkpoint is one clear line."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from vsr.errors import UsageError
from vsr.evaluation.benchmark import BenchmarkResult, ImageScore
from vsr.networks import Network
from vsr.training.checkpoint import FILE_NAME, read_checkpoint
from vsr.training.data import load_training_images
from vsr.training.journal import Journal
from vsr.training.loop import Trainer, TrainingPlan
from vsr.training.recipe import Recipe, parse_recipe


class LossLog(Journal):
    """Keeps each reported loss."""

    def __init__(self, out: Path) -> None:
        self.text = io.StringIO()
        super().__init__(out, Console(file=self.text, width=200))
        self.losses: dict[int, float] = {}

    def progress(self, step: int, steps: int, loss: float, rate: float, seconds: float) -> None:
        """Keep the loss and report as usual."""
        self.losses[step] = loss
        super().progress(step, steps, loss, rate, seconds)


def train(
    recipe: Recipe, photographs: Path, out: Path, *, resume: bool = False, stop_after: int | None = None
) -> tuple[Trainer, LossLog]:
    out.mkdir(exist_ok=True)
    images = load_training_images(photographs, recipe)
    plan = TrainingPlan(recipe, images, out, (photographs,), resume=resume, stop_after=stop_after)
    with LossLog(out) as journal:
        trainer = Trainer(plan, journal)
        trainer.run()
    return trainer, journal


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return trainer.average.state_dict()


def psnr_y(trainer: Trainer) -> float:
    (result,) = trainer.scores(trainer.average.deploy()).values()
    return result.psnr_y


def test_a_resumed_run_is_the_run_that_never_stopped(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    recipe_table["log_every"] = 1
    recipe = parse_recipe(recipe_table, name="small")
    whole, whole_log = train(recipe, photographs, tmp_path / "whole")
    # Once within each stage: at step 12 the second begins, with a fresh optimiser.
    for stop in (7, 12, 15):
        out = tmp_path / f"stopped_{stop}"
        _, first_log = train(recipe, photographs, out, stop_after=stop)
        resumed, second_log = train(recipe, photographs, out, resume=True)
        assert first_log.losses | second_log.losses == whole_log.losses
        assert min(second_log.losses) == stop + 1
        for name, tensor in weights(whole).items():
            assert torch.equal(tensor, weights(resumed)[name]), name


def test_statistics_freeze_at_the_stage_that_says_so_even_if_resumed_within(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    recipe_table.update(network="repsr", options={"blocks": 1, "channels": 8, "expand": 4})
    recipe_table["stages"][1]["freeze_statistics"] = True
    recipe = parse_recipe(recipe_table, name="small")
    after_first, _ = train(recipe, photographs, tmp_path / "run", stop_after=12)
    train(recipe, photographs, tmp_path / "run", resume=True, stop_after=14)
    resumed, _ = train(recipe, photographs, tmp_path / "run", resume=True)
    whole, _ = train(recipe, photographs, tmp_path / "whole")
    statistics = "body.0.norm.running_mean"
    frozen, final = after_first.network.state_dict()[statistics], whole.network.state_dict()[statistics]
    assert frozen.abs().max() > 0
    assert torch.equal(frozen, final)
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, weights(resumed)[name]), name


def scripted(recipe: Recipe, out: Path, scores: list[float], **plan: Any) -> tuple[Trainer, LossLog]:
    """A run whose evaluations give ``scores``, whatever it learns."""
    remaining = iter(scores)

    class Scripted(Trainer):
        def scores(self, deployed: Network) -> dict[str, BenchmarkResult]:
            return {"scripted": BenchmarkResult((ImageScore("one", next(remaining), 0.9),))}

    out.mkdir(exist_ok=True)
    with LossLog(out) as journal:
        trainer = Scripted(TrainingPlan(recipe, out=out, eval_folders=(Path("scripted"),), **plan), journal)
        trainer.run()
    return trainer, journal


def test_training_stops_where_nothing_is_gained_and_keeps_the_best(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsr.training.loop.sample_pictures", lambda network, folder: {})
    recipe_table.update(evaluate_every=2, patience=2)
    recipe = parse_recipe(recipe_table, name="small")
    images = load_training_images(photographs, recipe)
    trainer, journal = scripted(recipe, tmp_path / "run", [30, 32, 31, 32], images=images)
    network, step = trainer.result()
    assert (trainer.step, step) == (8, 4)
    assert "stopping: nothing gained in 2 evaluations over step 4" in journal.text.getvalue()
    at_best, _ = scripted(recipe, tmp_path / "best", [30, 32], images=images, stop_after=4)
    for name, tensor in weights(at_best).items():
        assert torch.equal(tensor, network.state_dict()[name]), name
    # Neither a resumed run nor a finished one forgets what it has seen.
    scripted(recipe, tmp_path / "resumed", [30, 32, 31], images=images, stop_after=7)
    resumed, _ = scripted(recipe, tmp_path / "resumed", [32], images=images, resume=True)
    finished, _ = scripted(recipe, tmp_path / "resumed", [], images=images, resume=True)
    assert (resumed.step, resumed.result()[1]) == (finished.step, finished.result()[1]) == (8, 4)


def test_the_last_step_may_be_the_best(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vsr.training.loop.sample_pictures", lambda network, folder: {})
    recipe_table.update(evaluate_every=8, patience=3)
    recipe = parse_recipe(recipe_table, name="small")
    images = load_training_images(photographs, recipe)
    trainer, _ = scripted(recipe, tmp_path / "run", [30, 29, 31], images=images)
    assert trainer.result()[1] == trainer.step == 18


def test_early_stopping_needs_scores(photographs: Path, recipe_table: dict[str, Any], tmp_path: Path) -> None:
    recipe = parse_recipe({**recipe_table, "patience": 1}, name="small")
    plan = TrainingPlan(recipe, load_training_images(photographs, recipe), tmp_path)
    with LossLog(tmp_path) as journal, pytest.raises(UsageError, match="'small' stops early by its scores"):
        Trainer(plan, journal)


@pytest.mark.parametrize(
    "network", [{}, {"network": "packed", "options": {"blocks": 1, "channels": 16}}], ids=["rgb", "packed"]
)
def test_training_sharpens(
    network: dict[str, Any], photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    recipe_table.update(network)
    recipe_table["stages"] = [{"steps": 40, "lr": 4e-3, "batch": 8, "patch": 16, "warmup": 5, "precision": "fp32"}]
    recipe_table["ema_decay"] = 0.8
    recipe = parse_recipe(recipe_table, name="small")
    untrained, _ = train(recipe, photographs, tmp_path / "untrained", stop_after=0)
    trained, _ = train(recipe, photographs, tmp_path / "trained")
    assert psnr_y(trained) > psnr_y(untrained) + 0.4


def test_scores_and_progress_are_reported_as_plain_lines(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    _, journal = train(parse_recipe(recipe_table, name="small"), photographs, tmp_path / "run")
    lines = journal.text.getvalue().splitlines()
    assert sorted(journal.losses) == [4, 8, 12, 16, 18]
    assert sum(line.startswith("step 8/18") for line in lines) == 1
    assert sum(line.startswith("step 10  photographs x2: ") and " dB" in line for line in lines) == 1


def test_checkpoints_that_do_not_fit_are_one_clear_line(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    recipe = parse_recipe(recipe_table, name="small", sha256="a")
    with pytest.raises(UsageError, match="nothing to resume"):
        train(recipe, photographs, tmp_path / "run", resume=True)
    train(recipe, photographs, tmp_path / "run", stop_after=3)
    with pytest.raises(UsageError, match="it was begun with --steps-factor 1"):
        train(recipe.lengthened(2), photographs, tmp_path / "run", resume=True)
    path = tmp_path / "run" / FILE_NAME
    assert read_checkpoint(path, recipe_sha256="a").step == 3
    with pytest.raises(UsageError, match="the recipe has changed"):
        read_checkpoint(path, recipe_sha256="b")
    for content in (b"", b"no checkpoint", path.read_bytes()[:2000]):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="damaged or no checkpoint") as caught:
            train(recipe, photographs, tmp_path / "run", resume=True)
        assert "\n" not in str(caught.value)


def test_a_checkpoint_needs_a_torch_whose_unpickler_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({}, tmp_path / FILE_NAME)
    monkeypatch.setattr(torch, "__version__", type(torch.__version__)("2.9.1"))
    with pytest.raises(UsageError, match=r"torch 2\.9\.1 can't read.*install torch 2\.10 or newer"):
        read_checkpoint(tmp_path / FILE_NAME, recipe_sha256="")


def test_a_run_that_diverges_says_so_and_keeps_the_last_good_checkpoint(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    recipe_table["gradient_clip"] = 0
    recipe_table["stages"] = [
        {"steps": 5, "lr": 1e-3, "batch": 2, "patch": 12},
        {"steps": 15, "lr": 1e20, "batch": 2, "patch": 12, "schedule": "constant"},
    ]
    with pytest.raises(UsageError, match=r"the loss is (nan|inf) at step \d+: lower lr"):
        train(parse_recipe(recipe_table, name="small"), photographs, tmp_path / "run")
    kept = read_checkpoint(tmp_path / "run" / FILE_NAME, recipe_sha256="")
    assert kept.step == 5
    assert all(bool(tensor.isfinite().all()) for tensor in kept.average.values())


def test_scalars_and_pictures_are_kept_where_tensorboard_is_installed(
    photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    _, journal = train(parse_recipe(recipe_table, name="small"), photographs, tmp_path / "run")
    events = accumulators.EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    assert {event.step: event.value for event in events.Scalars("loss")} == pytest.approx(journal.losses)
    assert [event.step for event in events.Scalars("photographs_x2/psnr_y")] == [10]
    # Each picture is its low, upscaled and original form side by side.
    assert events.Tags()["images"] == [f"samples_x2/{number}" for number in range(4)]
    (picture,) = events.Images("samples_x2/0")
    assert (picture.step, picture.width, picture.height) == (10, 3 * 80, 64)


def test_a_missing_tensorboard_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    text = io.StringIO()
    with Journal(tmp_path, Console(file=text, width=200)) as journal:
        journal.progress(1, 2, 0.5, 1e-3, 1.0)
    assert "TensorBoard is not installed" in text.getvalue()
    assert "step 1/2" in text.getvalue()


def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    text = io.StringIO()
    with Journal(tmp_path, Console(file=text, width=120, force_terminal=True)) as journal:
        journal.progress(3, 9, 0.5, 1e-3, 1.0)
    assert "3/9" in text.getvalue()
    assert "step 3/9" not in text.getvalue()
