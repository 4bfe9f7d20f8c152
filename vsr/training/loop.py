"""The training loop: from a recipe and images to averaged weights, with checkpoints and scores on the way."""

import copy
import math
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import torch

from vsr.errors import UsageError
from vsr.evaluation.benchmark import BenchmarkResult, evaluate_folder
from vsr.networks import Network, build
from vsr.networks.base import MultiScale
from vsr.networks.checkpoint_files import read_tensors
from vsr.networks.reparam import adopt_deployed_
from vsr.networks.weights import find_weights
from vsr.training.checkpoint import FILE_NAME, Checkpoint, read_checkpoint, write_checkpoint
from vsr.training.data import Batch, TrainingImages, batches
from vsr.training.early_stopping import EarlyStopping
from vsr.training.journal import Journal
from vsr.training.on_device import batches_on, fits
from vsr.training.perceptual import perceptual_loss
from vsr.training.recipe import Recipe
from vsr.training.samples import sample_pictures
from vsr.training.step import TrainingStep

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class TrainingPlan:
    """What to train, on what, where to."""

    recipe: Recipe
    images: TrainingImages
    out: Path
    eval_folders: tuple[Path, ...] = ()
    """Scored on the way and at the end; by the first a recipe with ``patience`` stops early."""
    device: torch.device = _CPU
    compiled: bool = False
    """Compile the step with torch.compile."""
    resume: bool = False
    stop_after: int | None = None
    """Stop (with a checkpoint) after this many steps of the whole; None goes to the recipe's end."""


class Trainer:
    """One run; ``result`` holds what it made, ``step`` and ``seconds`` say how far it came and how long it took."""

    def __init__(self, plan: TrainingPlan, journal: Journal) -> None:
        self.plan = plan
        self.recipe = plan.recipe
        self.journal = journal
        torch.manual_seed(self.recipe.seed)
        network = self._begin().to(plan.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        perceptual = perceptual_loss(self.recipe, network.domain, journal.say)
        self.perceptual = perceptual is not None
        """Whether VGG16 is part of the loss."""
        self._train = TrainingStep(network, self.recipe, perceptual, compiled=plan.compiled, say=journal.say)
        self.stopping = EarlyStopping(self.recipe.patience)
        if self.recipe.patience and not plan.eval_folders:
            raise UsageError(f"recipe '{self.recipe.name}' stops early by its scores; give a folder to score on")
        self.step = 0
        self.seconds = 0.0
        if plan.resume:
            self._restore()

    @property
    def network(self) -> Network:
        """The weights as they stand, in the training form."""
        return self._train.network

    @property
    def average(self) -> Network:
        """The averaged weights as they stand, in the training form."""
        return self._train.average.network

    def run(self) -> None:
        """Train to the end (early, if the recipe has ``patience``) or ``stop_after``."""
        last = self.recipe.steps if self.plan.stop_after is None else min(self.plan.stop_after, self.recipe.steps)
        started = time.monotonic() - self.seconds
        with closing(self._batches()) as stream:
            while self.step < last and not self.stopping.is_over:
                stage, step_in_stage = self.recipe.stage_at(self.step)
                if step_in_stage == 0:
                    self._train.begin(stage)
                rate = stage.rate_at(step_in_stage)
                loss = self._train(next(stream), rate)
                self.step += 1
                self.seconds = time.monotonic() - started
                self._report(loss, rate, ends=self.step == last)

    def result(self) -> tuple[Network, int]:
        """The averaged network in its training form and its step: the best, where early stopping keeps it."""
        if not self.stopping.weights:
            return self.average, self.step
        best = copy.deepcopy(self.average)
        best.load_state_dict(self.stopping.weights)
        return best, self.stopping.step

    def deployed(self, network: Network) -> tuple[Network, ...]:
        """``network`` in its deployed form at each scale of the recipe."""
        forms = []
        for scale in self.recipe.scales:
            if isinstance(network, MultiScale):
                network.use_scale(scale)
            forms.append(network.deploy().to(self.plan.device))
        return tuple(forms)

    def scores(self, deployed: Network) -> Mapping[str, BenchmarkResult]:
        """Scores of a deployed network by folder name."""
        return {folder.name: evaluate_folder(deployed, folder) for folder in self.plan.eval_folders}

    def _begin(self) -> Network:
        recipe = self.recipe
        network = build(recipe.network, recipe.scale, **recipe.options)
        present = network.scales if isinstance(network, MultiScale) else (network.scale,)
        if not set(recipe.scales) <= set(present):
            having = f"'{recipe.network}' has {list(present)} at once"
            raise UsageError(
                f"recipe '{recipe.name}': 'scales' are {list(recipe.scales)}, but {having}; give one 'scale'"
            )
        if recipe.start:
            path = find_weights(recipe.start)
            fresh = adopt_deployed_(network, read_tensors(path)[0])
            self.journal.say(f"begins from {path.stem}" + (f"; fresh: {', '.join(fresh)}" if fresh else ""))
        return network

    def _batches(self) -> Generator[Batch]:
        images, device = self.plan.images, self.plan.device
        if device.type == "cuda" and fits(images, device):
            return batches_on(device, images, self.recipe, self.step)
        if device.type == "cuda":
            self.journal.say("the images are too large to be kept on the GPU: each step's patches are sent there")
        return batches(images, self.recipe, self.step)

    def _report(self, loss: torch.Tensor, rate: float, *, ends: bool) -> None:
        recipe = self.recipe
        if self.step % recipe.log_every == 0 or ends:
            self.journal.progress(self.step, recipe.steps, float(loss), rate, self.seconds)
        saves = self.step % recipe.checkpoint_every == 0 or ends
        if saves and not math.isfinite(loss):
            raise UsageError(f"the loss is {float(loss)} at step {self.step}: lower lr or gradient_clip in the recipe")
        if self._is_scored():
            self._evaluate()
        # After the evaluation, whose outcome a resumed run must know.
        if saves or self.stopping.is_over:
            self._save()

    def _is_scored(self) -> bool:
        """Whether to evaluate after this step. The last is scored with the result, unless it must be to be chosen."""
        if self.step == self.recipe.steps:
            return self.recipe.patience > 0
        return self.step % self.recipe.evaluate_every == 0

    def _evaluate(self) -> None:
        folders = self.plan.eval_folders
        if not folders:
            return
        psnrs = []
        for deployed in self.deployed(self.average):
            scores = self.scores(deployed)
            self.journal.scores(self.step, deployed.scale, scores)
            self.journal.pictures(self.step, deployed.scale, partial(sample_pictures, deployed, folders[0]))
            psnrs.append(scores[folders[0].name].psnr_y)
        if self.recipe.patience > 0:
            best = self.stopping
            best.take(self.step, fmean(psnrs), self.average)
            if best.is_over:
                self.journal.say(f"stopping: nothing gained in {best.patience} evaluations over step {best.step}")

    def _save(self) -> None:
        checkpoint = Checkpoint(
            recipe_sha256=self.recipe.sha256,
            steps_factor=self.recipe.steps_factor,
            perceptual=self.perceptual,
            step=self.step,
            network=self.network.state_dict(),
            average=self.average.state_dict(),
            average_updates=self._train.average.updates,
            optimizer=self._train.optimizer.state_dict(),
            seconds=self.seconds,
            stopping=self.stopping.state(),
        )
        write_checkpoint(self.plan.out / FILE_NAME, checkpoint)

    def _restore(self) -> None:
        checkpoint = read_checkpoint(
            self.plan.out / FILE_NAME,
            recipe_sha256=self.recipe.sha256,
            steps_factor=self.recipe.steps_factor,
            perceptual=self.perceptual,
        )
        stage, _ = self.recipe.stage_at(checkpoint.step - 1)
        self._train.begin(stage)
        self.network.load_state_dict(checkpoint.network)
        self._train.optimizer.load_state_dict(checkpoint.optimizer)
        self.average.load_state_dict(checkpoint.average)
        self._train.average.updates = checkpoint.average_updates
        self.stopping = EarlyStopping(self.recipe.patience, **checkpoint.stopping)
        self.step = checkpoint.step
        self.seconds = checkpoint.seconds
