"""What a training run says while it goes: log lines or a progress bar; scalars and pictures for TensorBoard."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vsr.evaluation.benchmark import BenchmarkResult


class _Writer(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None: ...
    def add_image(self, tag: str, img_tensor: npt.NDArray[np.uint8], global_step: int, *, dataformats: str) -> None: ...
    def close(self) -> None: ...


class Journal:
    """Reports to stderr: a bar on a terminal, plain lines otherwise, as ``shown`` gives them; a context manager."""

    def __init__(self, out: Path, console: Console | None = None, *, shown: Callable[[str], str] = str) -> None:
        self._shown = shown
        self._console = console or Console(stderr=True, file=sys.stderr)
        self._writer = _writer(out, self._console)
        columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"))
        self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console)
        self._task = self._bar.add_task("training", total=None, state="")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._writer is not None:
            self._writer.close()

    def say(self, line: str) -> None:
        """One plain line."""
        self._console.print(self._shown(line), highlight=False, markup=False, soft_wrap=True)

    def progress(self, step: int, steps: int, loss: float, rate: float, seconds: float) -> None:
        """After ``step`` of ``steps``; ``seconds`` of training so far."""
        state = f"loss {loss:.5f}  lr {rate:.2e}  {step / max(seconds, 1e-9):.1f} steps/s"
        if self._console.is_terminal:
            self._bar.update(self._task, total=steps, completed=step, state=state)
        else:
            self.say(f"step {step}/{steps}  {state}")
        if self._writer is not None:
            self._writer.add_scalar("loss", loss, step)
            self._writer.add_scalar("learning_rate", rate, step)

    def scores(self, step: int, scale: int, scores: Mapping[str, BenchmarkResult]) -> None:
        """Scores at ``scale`` by folder name after ``step``."""
        for name, result in scores.items():
            self.say(f"step {step}  {name} x{scale}: {result.psnr_y:.3f} dB  SSIM {result.ssim_y:.4f}")
            if self._writer is not None:
                self._writer.add_scalar(f"{name}_x{scale}/psnr_y", result.psnr_y, step)
                self._writer.add_scalar(f"{name}_x{scale}/ssim_y", result.ssim_y, step)

    def pictures(self, step: int, scale: int, make: Callable[[], Mapping[str, npt.NDArray[np.uint8]]]) -> None:
        """Pictures (H,W,3) uint8 RGB by name after ``step``; ``make`` is not called where nothing keeps them."""
        if self._writer is not None:
            for name, pixels in make().items():
                self._writer.add_image(f"samples_x{scale}/{name}", pixels, step, dataformats="HWC")


def _writer(out: Path, console: Console) -> _Writer | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        console.print("TensorBoard is not installed, so no curves are kept (pip install tensorboard)", highlight=False)
        return None
    writer: _Writer = SummaryWriter(log_dir=str(out))
    return writer
