"""A progress bar on a terminal: frames, speed, time left and the stage that limits; silence elsewhere."""

import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vsr.pipeline import Progress as RunProgress


class ProgressBar:
    """Pass ``update`` to ``vsr.pipeline.run``."""

    def __init__(self, *, enabled: bool):
        self._bar: Progress | None = None
        if enabled and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.completed:.0f}/{task.fields[expected]} frames"),
                BarColumn(),
                TextColumn("{task.fields[fps]:.2f} fps, limited by {task.fields[bottleneck]},"),
                TimeRemainingColumn(),
                TextColumn("left"),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", total=None, expected="?", fps=0.0, bottleneck="start")

    def update(self, state: RunProgress) -> None:
        """Show where the run stands."""
        if self._bar is not None:
            total = state.frames_expected
            self._bar.update(
                self._task, completed=state.frames, total=total, expected=total or "?", fps=state.fps,
                bottleneck=state.bottleneck,
            )  # fmt: skip

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
