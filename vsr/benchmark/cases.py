"""Cases: which network runs on which clip, where and how, decided before the first measurement."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch

from vsr import backends
from vsr.backends import PrecisionChoice
from vsr.benchmark.clips import Clip
from vsr.benchmark.spec import ALL_BACKENDS, BenchSpec
from vsr.errors import BackendError, NetworkError
from vsr.evaluation.cost import macs_per_pixel
from vsr.networks import Domain, LoadedNetwork, WeightsCard, entry, load, parameter_count
from vsr.networks.weights import write_weights
from vsr.placement import choose_placement
from vsr.plane_model import Precision
from vsr.spec import PipelineSpec


@dataclass(frozen=True)
class Case:
    """One combination, in plain values that another process can be given."""

    clip: str
    width: int
    height: int
    network: str
    scale: int
    weights: str | None
    """A shipped name or a file; None where the network has no parameters."""
    backend: str
    device: str
    precision: Precision
    batch_size: int
    codec: str
    preset: str | None

    @property
    def label(self) -> str:
        """In words, for tables."""
        return f"{self.network} x{self.scale} {self.width}x{self.height} {self.backend} {self.precision}"

    def pipeline(self, output: str) -> PipelineSpec:
        """The run that is measured."""
        return PipelineSpec(
            self.clip,
            output,
            scale=self.scale,
            network=self.network,
            weights=self.weights,
            backend=self.backend,
            device=self.device,
            precision=self.precision,
            batch_size=self.batch_size,
            codec=self.codec,
            preset=self.preset,
        )


@dataclass(frozen=True)
class NetworkFacts:
    """What a case's network is, whatever it runs on."""

    parameters: int
    gflop_per_pixel: float
    """Two operations for each multiply-accumulate of a convolution, for one pixel of the input."""
    domain: Domain
    weights: str | None
    """Their name; None where the network has no parameters."""
    untrained: bool
    """True for fresh weights, made for this benchmark."""
    set5_psnr_y: float | None
    """dB, from the card of the weights for clean input that ship; None where none do."""


@dataclass(frozen=True)
class Matrix:
    """The cases, in order, and what they are about."""

    cases: tuple[Case, ...]
    facts: dict[str, NetworkFacts]
    """By network."""
    refused: tuple[str, ...]
    """In words, the combinations that this machine can't run."""


def make_matrix(spec: BenchSpec, clips: Sequence[Clip], folder: Path) -> Matrix:
    """Every combination that this machine can run; fresh weights of untrained networks go to ``folder``.

    Raises NetworkError where a network can't be had, and BackendError where nothing is left to measure. A network that
    has no form for a precision is refused like a backend that can't compute in it.
    """
    subjects = [_load(spec, name, folder) for name in dict.fromkeys(spec.networks)]
    cases: dict[Case, None] = {}  # in order, each once: two precisions may come out as the same
    refused: dict[str, None] = {}
    for clip, subject, backend, precision in product(clips, subjects, _backends(spec), spec.precisions):
        try:
            cases[_placed(spec, clip, subject, backend, precision)] = None
        except (BackendError, NetworkError) as error:
            refused[f"{backend} {precision}: {error}"] = None
    if not cases:
        raise BackendError("; ".join(refused))
    return Matrix(tuple(cases), {subject.name: _facts(subject) for subject in subjects}, tuple(refused))


def _backends(spec: BenchSpec) -> tuple[str, ...]:
    if ALL_BACKENDS not in spec.backends:
        return spec.backends or (PipelineSpec("", "").backend,)
    usable = []
    for name in backends.names():
        try:
            backends.get(name)
        except BackendError:
            continue
        usable.append(name)
    return tuple(usable)


@dataclass(frozen=True)
class _Subject:
    name: str
    loaded: LoadedNetwork
    weights: str | None
    """By which another process can load it too."""
    untrained: bool


def _load(spec: BenchSpec, name: str, folder: Path) -> _Subject:
    chosen = entry(name)
    weights = chosen.default_weights(spec.scale)
    untrained = chosen.trained and weights is None and spec.scale in chosen.scales
    if untrained:
        if not spec.untrained:
            raise NetworkError(
                f"no weights ship for {name} x{spec.scale}; --untrained measures its speed with fresh ones"
            )
        weights = str(folder / f"{name}_x{spec.scale}_untrained.safetensors")
        # The same ones each time, so that what a backend has compiled and cached serves the next benchmark too.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            fresh = chosen.build(spec.scale).deploy()
        write_weights(Path(weights), fresh, WeightsCard(name, spec.scale, sha256=""))
    return _Subject(name, load(name, spec.scale, weights), weights, untrained)


def _placed(spec: BenchSpec, clip: Clip, subject: _Subject, backend: str, precision: PrecisionChoice) -> Case:
    """The combination with every ``auto`` decided as ``vsr run`` decides it. Raises BackendError or NetworkError."""
    wanted = PipelineSpec(
        str(clip.path), "", backend=backend, device=spec.device, precision=precision, batch_size=spec.batch_size
    )
    placement = choose_placement(wanted, subject.loaded, clip.info)
    known = backends.get(placement.backend).devices()
    if not any(name == placement.device or name.startswith(f"{placement.device}:") for name in known):
        raise BackendError(f"no device '{placement.device}'; it has: {', '.join(known)}")
    return Case(
        clip=str(clip.path),
        width=clip.info.width,
        height=clip.info.height,
        network=subject.name,
        scale=spec.scale,
        weights=subject.weights,
        backend=placement.backend,
        device=placement.device,
        precision=placement.precision,
        batch_size=spec.batch_size,
        codec=spec.codec,
        preset=spec.encoder_preset,
    )


def _facts(subject: _Subject) -> NetworkFacts:
    chosen, network = entry(subject.name), subject.loaded.network
    clean = f"{subject.name}_x{network.scale}_clean"
    card = chosen.shipped_card(clean) if clean in chosen.shipped_weights() else None
    return NetworkFacts(
        parameters=parameter_count(network),
        gflop_per_pixel=2 * macs_per_pixel(network) / 1e9,
        domain=network.domain,
        weights=subject.loaded.weights_name,
        untrained=subject.untrained,
        set5_psnr_y=None if card is None else card.scores.get("Set5", {}).get("psnr_y"),
    )
