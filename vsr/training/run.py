"""A whole training, from the user's request to the weights file and its card."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from vsr.errors import BackendError, SinkError, UsageError
from vsr.evaluation.images import list_images
from vsr.networks import Network, parameter_count
from vsr.networks.weights import WeightsCard, write_weights
from vsr.training.data import TrainingImages, load_training_images
from vsr.training.journal import Journal
from vsr.training.loop import Trainer, TrainingPlan
from vsr.training.recipe import Recipe, read_recipe


@dataclass(frozen=True)
class TrainingRequest:
    """What the command line asks for."""

    recipe: str
    """Name of a recipe that ships, or the path of a TOML file."""
    data: Path
    eval_folders: tuple[Path, ...]
    out: Path
    resume: bool
    device: str
    steps_factor: int = 1
    """How many times as long as the recipe says."""
    compiled: bool | None = None
    """Compile the step with torch.compile; None does so on a GPU."""


def run_training(request: TrainingRequest, shown: Callable[[str], str] = str) -> tuple[Path, ...]:
    """Train, score, and write ``out/<recipe>.safetensors`` with its card, or one for each scale; returns the paths.

    ``shown`` makes a line, names of files in it, fit for a terminal.

    Everything that can be wrong with the request raises its VsrError before the first step.
    """
    recipe = read_recipe(request.recipe).lengthened(request.steps_factor)
    device = _device(request.device)
    compiled = device.type == "cuda" if request.compiled is None else request.compiled
    for folder in request.eval_folders:
        list_images(folder)
    _make_folder(request.out)
    with Journal(request.out, shown=shown) as journal:
        journal.say(f"reading {request.data}")
        images = load_training_images(request.data, recipe)
        journal.say(f"{images.files} images; recipe {recipe.name}, {recipe.steps} steps on {device}")
        plan = TrainingPlan(recipe, images, request.out, request.eval_folders, device, compiled, request.resume)
        trainer = Trainer(plan, journal)
        trainer.run()
        return finish(trainer, journal)


def finish(trainer: Trainer, journal: Journal) -> tuple[Path, ...]:
    """Score the result of ``trainer`` and write it with its card, for each scale."""
    network, step = trainer.result()
    return tuple(_write(trainer, deployed, step, journal) for deployed in trainer.deployed(network))


def _write(trainer: Trainer, deployed: Network, step: int, journal: Journal) -> Path:
    recipe = trainer.recipe
    scores = trainer.scores(deployed)
    journal.scores(step, deployed.scale, scores)
    card = WeightsCard(
        network=recipe.network,
        scale=deployed.scale,
        sha256="",
        options=recipe.options,
        parameters=parameter_count(deployed),
        recipe=recipe.name,
        recipe_sha256=recipe.sha256,
        degradation=recipe.degradation,
        steps=step,
        seed=recipe.seed,
        data=_data(trainer.plan.images, recipe),
        training=_training(trainer),
        scores={
            name: {"psnr_y": round(result.psnr_y, 4), "ssim_y": round(result.ssim_y, 5)}
            for name, result in scores.items()
        },
        date=datetime.now(UTC).date().isoformat(),
        torch_version=torch.__version__,
    )
    path = trainer.plan.out / f"{recipe.weights_name(deployed.scale)}.safetensors"
    write_weights(path, deployed, card)
    journal.say(f"wrote {path} and its card after {trainer.seconds:.0f} s of training")
    return path


def _data(images: TrainingImages, recipe: Recipe) -> dict[str, object]:
    return {"images": images.files, "files_sha256": images.digest, "note": recipe.data_note}


def _training(trainer: Trainer) -> dict[str, object]:
    recipe = trainer.recipe
    facts: dict[str, object] = {"device": trainer.plan.device.type, "steps_factor": recipe.steps_factor}
    if recipe.degradation == "video":
        facts["video"] = asdict(recipe.video)
    if any(stage.perceptual_weight > 0 for stage in recipe.stages):
        facts["perceptual"] = "VGG16" if trainer.perceptual else "left out: VGG16 was not installed"
    if recipe.patience > 0:
        facts["chosen_by"] = f"best of the evaluations on {trainer.plan.eval_folders[0].name}"
        facts["stopped_after"] = trainer.step
    return facts


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as exc:
        raise UsageError(f"no device '{name}'; choose cpu, cuda or cuda:N") from exc
    if device.type not in {"cpu", "cuda"}:
        raise UsageError(f"vsr does not train on '{name}'; choose cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BackendError(f"no device '{name}' here ({torch.cuda.device_count()} CUDA devices); choose --device cpu")
    return device


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SinkError(f"can't make the folder {out}: {exc.strerror or exc}; choose another --out") from exc
