"""Ratios between rows: a network against the first, a precision or backend against the first, vsr against its peers."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from vsr.benchmark.cases import Case
from vsr.benchmark.measuring import Sample
from vsr.benchmark.peers.contender import Contender
from vsr.benchmark.timing import Timing

Kind = Literal["network", "backend", "precision", "peer"]


@dataclass(frozen=True)
class Ratio:
    """How one row stands to another; each a median of the ratios within the rounds."""

    kind: Kind
    """In what the two differ."""
    row: str
    over: str
    upscale_time: float | None
    """Milliseconds a frame of the upscale stage over the other's; None for a peer, which tells no stages."""
    fps: float
    """Frames a second end to end, without an encoder, over the other's."""


def make_ratios(
    samples: Sequence[tuple[Case, Sequence[Sample]]], peers: Sequence[tuple[Contender, Sequence[Timing]]]
) -> tuple[Ratio, ...]:
    """Each row over the first that differs from it in one thing only, and over the peers on the same clip.

    Of peers that run vsr's networks these are the ones with the row's own network, and with the first row's.
    """
    found = []
    for index, (case, rounds) in enumerate(samples):
        for kind in ("network", "backend", "precision"):
            others = (other for other in samples[:index] if _differ_in(case, other[0], kind))
            first = next(others, None)
            if first is not None:
                found.append(_between_cases(kind, (case, rounds), first))
        found += [
            _against_peer((case, rounds), peer)
            for peer in peers
            if (peer[0].width, peer[0].height) == (case.width, case.height)
            and peer[0].network in (None, case.network, samples[0][0].network)
        ]
    return tuple(found)


def _differ_in(case: Case, other: Case, kind: str) -> bool:
    """Equal in all that matters but ``kind``; weights belong to the network, a device to the backend."""
    own = {"network": ("network", "weights"), "backend": ("backend", "device"), "precision": ("precision",)}[kind]
    differing = {field.name for field in fields(Case) if getattr(case, field.name) != getattr(other, field.name)}
    return own[0] in differing and differing <= set(own)


def _between_cases(kind: Kind, one: tuple[Case, Sequence[Sample]], other: tuple[Case, Sequence[Sample]]) -> Ratio:
    def over(figure: Callable[[Sample], float]) -> float:
        return statistics.median(figure(a) / figure(b) for a, b in zip(one[1], other[1], strict=True))

    return Ratio(
        kind,
        one[0].label,
        other[0].label,
        upscale_time=over(lambda sample: sample.upscale.ms),
        fps=over(lambda sample: sample.without_encoder.timing.fps),
    )


def _against_peer(one: tuple[Case, Sequence[Sample]], peer: tuple[Contender, Sequence[Timing]]) -> Ratio:
    pairs = zip(one[1], peer[1], strict=True)
    fps = statistics.median(sample.without_encoder.timing.fps / theirs.fps for sample, theirs in pairs)
    return Ratio("peer", one[0].label, peer[0].label, upscale_time=None, fps=fps)
