"""A worker of a Ray cluster: an actor that stays where it is, with its GPU and its network, from piece to piece."""

import platform
from collections import deque
from dataclasses import dataclass
from importlib.metadata import version

import torch

from vsr.errors import VsrError
from vsr.segments.contract import Piece, PieceDone
from vsr.segments.errand import Errand
from vsr.segments.worker import Failed, News, Outcome, Workplace


def versions() -> dict[str, str]:
    """What must be the same on every machine of a job, so that pieces made apart belong together."""
    # One machine's torch may be built for CUDA and another's not: "2.9.0+cu130".
    return {"vsr": version("vsr"), "torch": torch.__version__.partition("+")[0], "av": version("av")}


@dataclass(frozen=True)
class Introduction:
    """Who a worker is."""

    node: str
    versions: dict[str, str]


class Station:
    """The actor. ``make`` is at work while ``news`` is asked what came of it so far."""

    def __init__(self, threads: int | None):
        if threads is not None:
            torch.set_num_threads(threads)
        self._news: deque[News] = deque()
        self._workplace = Workplace(self._news.append)

    def introduce(self) -> Introduction:
        """The first call: the actor is up."""
        return Introduction(platform.node(), versions())

    def make(self, errand: Errand, piece: Piece) -> tuple[Outcome, bytes | None]:
        """The outcome, and the piece's file where it can't lie where it belongs."""
        try:
            job = errand.arrive()
        except VsrError as error:
            return Failed(error), None
        outcome = self._workplace.make(job, piece)
        return outcome, errand.bring_back(piece) if isinstance(outcome, PieceDone) else None

    def news(self) -> list[News]:
        """What there is to tell since the last time."""
        return [self._news.popleft() for _ in range(len(self._news))]
