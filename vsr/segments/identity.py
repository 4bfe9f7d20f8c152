"""What a piece depends on: the source it is of and the settings it was made with, as plain values to compare."""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import vsr
from vsr.errors import SourceError
from vsr.io.inventory import ffmpeg_version
from vsr.io.opening import is_sequence, is_url, pictures_of, without_password
from vsr.io.target import Target
from vsr.networks.loading import LoadedNetwork
from vsr.plan import Plan
from vsr.spec import PipelineSpec

_LIBRARIES = ("torch", "openvino", "tensorrt", "tensorrt-rtx-cu13")
_SAMPLES = 64
_SAMPLE_BYTES = 1 << 16


def settings_of(spec: PipelineSpec, plan: Plan, target: Target) -> dict[str, Any]:
    """Everything that the encoded frames depend on besides the source, in JSON's types.

    Of a cluster, whose machines each choose for themselves, backend and precision are what was asked for.
    """
    encoding, size = plan.encoding, plan.size
    placement = plan.placement if spec.cluster is None else spec
    settings = {
        "vsr": vsr.__version__,
        "ffmpeg": ffmpeg_version(),
        **{library: _version(library) for library in _LIBRARIES},
        "container": target.container,
        "codec": encoding.codec,
        "pix_fmt": encoding.pix_fmt,
        **{f"encoder option {name}": value for name, value in encoding.options.items()},
        "quantiser": encoding.qscale,
        "width": size.width,
        "height": size.height,
        "sample aspect ratio": str(size.sample_aspect_ratio),
        "network": plan.network.name,
        "weights": weights_digest(plan.network.loaded, placement.precision),
        "passes": plan.network.passes,
        "backend": placement.backend,
        "precision": placement.precision,
        "batch_size": spec.batch_size,
        "interlaced": spec.interlaced,
        "video_stream": spec.video_stream,
        "frame_rate": None if spec.frame_rate is None else str(spec.frame_rate),
        "hwaccel": spec.hwaccel,
        "on_corrupt": spec.on_corrupt,
        "segment": spec.segment_s,
    }
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def _version(library: str) -> str | None:
    """None where it is not installed. One machine's may be built for CUDA and another's not: ``2.9.0+cu130``."""
    try:
        return version(library).partition("+")[0]
    except PackageNotFoundError:
        return None


def weights_digest(loaded: LoadedNetwork, precision: str) -> str:
    """Digest of all that the passes of a network have learned, and of what their card says they are for."""
    digest = hashlib.sha256()
    if loaded.card is not None:
        digest.update(repr((loaded.card.network, sorted(loaded.card.options.items()))).encode())
    for name, tensor in loaded.network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy())
    if precision == "int8" and loaded.int8 is not None:
        digest.update(repr(sorted(loaded.int8.ranges.items())).encode())
    return digest.hexdigest()


def source_identity(source: str) -> dict[str, Any]:
    """Size and a digest of a file, or of numbered pictures; of a large one 64 samples. Raises SourceError.

    Of a network source there is nothing but its address.
    """
    if is_url(source):
        return {"address": without_password(source)}
    try:
        files = pictures_of(source) if is_sequence(source) else [Path(source)]
        sizes = [file.stat().st_size for file in files]
        digest = hashlib.sha256(repr([(file.name, size) for file, size in zip(files, sizes, strict=True)][1:]).encode())
        for file in files if len(files) <= _SAMPLES else files[:: -(-len(files) // _SAMPLES)]:
            _sample(file, digest.update)
    except OSError as exc:
        raise SourceError(f"{source} can't be read: {exc.strerror}") from exc
    return {"files": len(files), "bytes": sum(sizes), "sha256": digest.hexdigest()}


def _sample(file: Path, update: Callable[[bytes], object]) -> None:
    """The beginning, the end, and places evenly between them; all of a small file."""
    size = file.stat().st_size
    with file.open("rb") as content:
        for place in range(_SAMPLES):
            start = max(size - _SAMPLE_BYTES, 0) * place // (_SAMPLES - 1)
            content.seek(start)
            update(content.read(_SAMPLE_BYTES))


def difference(then: dict[str, Any], now: dict[str, Any]) -> str:
    """What differs, in words; empty where nothing does."""
    changed = sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
    return ", ".join(f"{key} was {then.get(key)!s:.80} and is {now.get(key)!s:.80}" for key in changed)
