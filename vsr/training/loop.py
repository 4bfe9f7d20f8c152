"""The training loop: from a recipe and images to averaged weights, with checkpoints and scores on the way."""

import math
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch

from vsr.errors import UsageError
from vsr.evaluation.benchmark import BenchmarkResult, evaluate_folder
from vsr.evaluation.metrics import luma_codes
from vsr.networks import Network, build
from vsr.networks.reparam import adopt_deployed_
from vsr.networks.weights import find_weights, read_tensors
from vsr.training.checkpoint import FILE_NAME, Checkpoint, read_checkpoint, write_checkpoint
from vsr.training.data import Batch, TrainingImages, batches
from vsr.training.ema import WeightAverage
from vsr.training.journal import Journal
from vsr.training.losses import pixel_loss
from vsr.training.recipe import Recipe, Stage
from vsr.training.schedule import learning_rate

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class TrainingPlan:
    """What to train, on what, where to."""

    recipe: Recipe
    images: TrainingImages
    out: Path
    eval_folders: tuple[Path, ...] = ()
    device: torch.device = _CPU
    resume: bool = False
    stop_after: int | None = None
    """Stop (with a checkpoint) after this many steps of the whole; None goes to the recipe's end."""


class Trainer:
    """One run; ``average`` holds its result, ``step`` and ``seconds`` say how far it came and how long it took."""

    def __init__(self, plan: TrainingPlan, journal: Journal) -> None:
        self.plan = plan
        self.recipe = plan.recipe
        self.journal = journal
        torch.manual_seed(self.recipe.seed)
        network = self._begin()
        self.network = network.to(plan.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self.average = WeightAverage(self.network, self.recipe.ema_decay)
        self.step = 0
        self.seconds = 0.0
        self.optimizer = self._fresh_optimizer()
        if plan.resume:
            self._restore(read_checkpoint(plan.out / FILE_NAME, self.recipe.sha256))

    def run(self) -> Network:
        """Train to the end (or ``stop_after``) and return the averaged network in its training form."""
        last = self.recipe.steps if self.plan.stop_after is None else min(self.plan.stop_after, self.recipe.steps)
        started = time.monotonic() - self.seconds
        with closing(batches(self.plan.images, self.recipe, self.step)) as stream:
            while self.step < last:
                stage, step_in_stage = self.recipe.stage_at(self.step)
                if step_in_stage == 0:
                    self.optimizer = self._fresh_optimizer()
                rate = learning_rate(stage.schedule, stage.lr, stage.warmup, stage.steps, step_in_stage)
                loss = self._train_step(next(stream), stage, rate)
                self.step += 1
                self.seconds = time.monotonic() - started
                self._report(loss, rate, last)
        return self.average.network

    def scores(self) -> Mapping[str, BenchmarkResult]:
        """Scores of the averaged, deployed network by folder name."""
        deployed = self.average.network.deploy().to(self.plan.device)
        return {folder.name: evaluate_folder(deployed, folder) for folder in self.plan.eval_folders}

    def _begin(self) -> Network:
        network = build(self.recipe.network, self.recipe.scale, **self.recipe.options)
        if self.recipe.start:
            path = find_weights(self.recipe.start)
            fresh = adopt_deployed_(network, read_tensors(path)[0])
            self.journal.say(f"begins from {path.stem}" + (f"; fresh: {', '.join(fresh)}" if fresh else ""))
        return network

    def _train_step(self, batch: Batch, stage: Stage, rate: float) -> torch.Tensor:
        low, high = (part.to(self.plan.device, non_blocking=True) for part in batch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.network.domain == "luma":
            low, high = luma_codes(low), luma_codes(high)
        with torch.autocast(self.plan.device.type, torch.bfloat16, enabled=stage.precision == "bf16"):
            result = self.network(low)
        loss = pixel_loss(result.float(), high, stage.loss, stage.luma_weight)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.gradient_clip)
        self.optimizer.step()
        self.average.update(self.network)
        return loss.detach()

    def _report(self, loss: torch.Tensor, rate: float, last: int) -> None:
        recipe, ends = self.recipe, self.step == last
        if self.step % recipe.log_every == 0 or ends:
            self.journal.progress(self.step, recipe.steps, float(loss), rate, self.seconds)
        if self.step % recipe.checkpoint_every == 0 or ends:
            if not math.isfinite(loss):
                raise UsageError(
                    f"the loss is {float(loss)} at step {self.step}: lower lr or gradient_clip in the recipe"
                )
            self._save()
        if self.step % recipe.evaluate_every == 0 and not ends:
            self.journal.scores(self.step, self.scores())

    def _fresh_optimizer(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.network.parameters(), lr=0.0, betas=(0.9, 0.99), foreach=True)

    def _save(self) -> None:
        checkpoint = Checkpoint(
            recipe_sha256=self.recipe.sha256,
            step=self.step,
            network=self.network.state_dict(),
            average=self.average.network.state_dict(),
            average_updates=self.average.updates,
            optimizer=self.optimizer.state_dict(),
            seconds=self.seconds,
        )
        write_checkpoint(self.plan.out / FILE_NAME, checkpoint)

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.network.load_state_dict(checkpoint.network)
        self.average.network.load_state_dict(checkpoint.average)
        self.average.updates = checkpoint.average_updates
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.step = checkpoint.step
        self.seconds = checkpoint.seconds
