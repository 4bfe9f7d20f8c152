"""One training step: forward, loss, backward, clip, update, average."""

from collections.abc import Callable

import torch

from vsr.networks import Network
from vsr.networks.base import MultiScale
from vsr.networks.reparam import freeze_statistics_
from vsr.training.data import Batch
from vsr.training.ema import WeightAverage
from vsr.training.losses import pixel_loss
from vsr.training.perceptual import PerceptualLoss
from vsr.training.recipe import Recipe, Stage
from vsr.training.views import views


class TrainingStep:
    """Trains ``network``, in place, a step at a time, and keeps the average of its weights."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        perceptual: PerceptualLoss | None,
        *,
        compiled: bool,
        say: Callable[[str], None],
    ) -> None:
        self.network = network
        self.average = WeightAverage(network, recipe.ema_decay)
        self.compiled = compiled
        """Whether the forward and backward passes run compiled: no longer, once that has failed."""
        self._clip = recipe.gradient_clip
        self._say = say
        self._device = next(network.parameters()).device
        self._views = views(recipe, network.domain, self._device)
        self._perceptual = None if perceptual is None else perceptual.to(self._device)
        self.begin(recipe.stages[0])

    def begin(self, stage: Stage) -> None:
        """Begin ``stage``, with a fresh optimiser."""
        self.stage = stage
        if stage.freeze_statistics:
            freeze_statistics_(self.network)
        on_gpu = self._device.type == "cuda"
        parameters = self.network.parameters()
        self.optimizer = torch.optim.Adam(parameters, lr=0.0, betas=(0.9, 0.99), foreach=not on_gpu, fused=on_gpu)
        # On a GPU the launches of so many small kernels cost more than the kernels; a CUDA graph launches them at once.
        mode = "reduce-overhead" if on_gpu else "default"
        self._fast_loss = torch.compile(self._loss, dynamic=False, mode=mode) if self.compiled else self._loss

    def __call__(self, batch: Batch, rate: float) -> torch.Tensor:
        """Train on ``batch`` at the learning rate ``rate``; returns the loss before the update, on the device."""
        low, high = (part.to(self._device, non_blocking=True) for part in batch)
        if isinstance(self.network, MultiScale):
            self.network.use_scale(high.shape[-1] // low.shape[-1])
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self._loss_and_gradients(low, high)
        if self._clip > 0:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._clip)
        self.optimizer.step()
        self.average.update(self.network)
        return loss

    def _loss_and_gradients(self, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        try:
            loss: torch.Tensor = self._fast_loss(low, high)
            loss.backward()  # type: ignore[no-untyped-call]
        except RuntimeError as exc:
            if not self.compiled:
                raise
            self.compiled, self._fast_loss = False, self._loss
            reason = (str(exc).strip() or type(exc).__name__).splitlines()[0]
            self._say(f"going on without compiling the step, which failed: {reason}")
            return self._loss_and_gradients(low, high)
        # A CUDA graph writes the next step's loss where this one's lies.
        return loss.detach().clone()

    def _loss(self, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        """Loss of one batch of RGB in [0, 1], in the stage's precision."""
        stage = self.stage
        low, high = self._views[low.shape[-1]](low), self._views[high.shape[-1]](high)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=stage.precision == "bf16"):
            result = self.network(low)
        loss = pixel_loss(result.float(), high, stage.loss, stage.luma_weight)
        if self._perceptual is None or stage.perceptual_weight == 0:
            return loss
        with torch.autocast(self._device.type, torch.bfloat16, enabled=stage.precision == "bf16"):
            seen: torch.Tensor = self._perceptual(result, high)
        return loss + stage.perceptual_weight * seen
