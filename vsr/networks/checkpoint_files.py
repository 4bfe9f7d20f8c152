"""Reading tensors from weights files of others, which are not trusted: safetensors, PyTorch pickles, ONNX."""

import hashlib
import os
import re
import stat
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from vsr.errors import NetworkError
from vsr.networks.onnx_files import onnx_tensors
from vsr.networks.unpickling import check_unpickler, unpickled

MOST_BYTES = 1 << 30
"""Of a file; the largest networks that upscale video have a tenth of that."""
MOST_VALUES = 1 << 28
"""In all tensors together: a small file may claim a tensor of any shape."""
_MOST_TENSORS = 1 << 16
_MOST_WRAPPERS = 4
"""Around the tensors: a pickle may hold itself."""

_WRAPPERS = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net", "generator")
"""Where a checkpoint keeps the network's tensors, the ones to prefer first."""
_BESIDE = re.compile(
    r"(epochs?|iter(ation)?s?|(global_)?steps?|loss(es)?|psnr|ssim|lr|learning_rate|time|date|seed|version)|"
    r"(optim(izer)?|(lr_)?schedulers?|scaler|optimizer_states|callbacks|loops)(_state(_dict)?)?|stat_dict|best_.*|"
    r"params|hyper_parameters|hparams_name|pytorch-lightning_version|config|cfg|opt|args|arch(itecture)?|name|scale"
)
"""What a checkpoint may hold beside them that says nothing about the network's maths."""
_PREFIXES = ("module.", "_orig_mod.", "netG.", "net_g.", "generator.", "model.", "net.")
"""In front of every name where a wrapper around the network was saved."""


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    """The tensors in the file ``path``, on the CPU, under their names there, and the file's sha256 (hexadecimal).

    Nothing in the file is ever run. Raises NetworkError on a file that can't be read, holds anything but tensors, is
    damaged, or claims more than it could need.
    """
    content = _content(path)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise NetworkError(f"{path} has an unknown extension; weights are one of: {', '.join(_READERS)}")
    tensors = read(content, path)
    _check(tensors, path)
    return tensors, hashlib.sha256(content).hexdigest()


def without_prefix(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """``tensors`` under the names that they have inside the network, without the prefix of whatever wrapped it."""
    stripped = dict(tensors)
    while prefix := next((one for one in _PREFIXES if all(name.startswith(one) for name in stripped)), ""):
        stripped = {name.removeprefix(prefix): tensor for name, tensor in stripped.items()}
    return stripped


def _content(path: Path) -> bytes:
    """All of the file, read once: what is hashed is what is used."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise NetworkError(f"{path} is no ordinary file; give a file of weights")
            if status.st_size > MOST_BYTES:
                raise NetworkError(
                    f"{path} has {status.st_size / 1e9:.1f} GB, more than the {MOST_BYTES / 1e9:.1f} GB that vsr reads"
                )
            return file.read(MOST_BYTES)
    except OSError as exc:
        raise NetworkError(f"can't read weights {path}: {exc.strerror or exc}") from exc


def _safetensors(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    try:
        return safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError, struct.error, TypeError, RuntimeError) as exc:
        raise NetworkError(f"{path} is not a safetensors file ({exc}); get it again") from exc


def _pickled(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    check_unpickler(path, NetworkError, ", or give a .safetensors file")
    try:
        checkpoint = unpickled(content)
    except Exception as exc:
        # Damaged bytes may raise anything at all in an unpickler.
        wanted = re.search(r"GLOBAL ([\w.]+)", str(exc))
        if wanted:
            raise NetworkError(
                f"{path} holds a Python object, {wanted[1]}, beside tensors; vsr runs nothing from a weights file: "
                "give a .safetensors file, or the state_dict saved alone"
            ) from exc
        reason = " ".join(str(exc).partition(".")[0].split()) or type(exc).__name__
        raise NetworkError(f"{path} is damaged or no PyTorch file ({reason}); get it again") from exc
    return _state_dict(checkpoint, path)


def _state_dict(checkpoint: Any, path: Path) -> dict[str, torch.Tensor]:
    """The network's tensors within a checkpoint: all of it, or the part under a known name."""
    content = checkpoint
    for _ in range(_MOST_WRAPPERS):
        if not isinstance(content, Mapping) or _all_tensors(content):
            break
        content = content[_wrapper(content, path)]
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise NetworkError(f"{path} holds no named tensors; save the network's state_dict")
    if not _all_tensors(content):
        raise NetworkError(f"{path} wraps its tensors more than {_MOST_WRAPPERS} times; save the state_dict alone")
    return dict(content)


def _wrapper(content: Mapping[Any, Any], path: Path) -> str:
    """The known name under which ``content`` keeps the tensors."""
    wrapper = next((name for name in _WRAPPERS if isinstance(content.get(name), Mapping)), None)
    if wrapper is None:
        raise NetworkError(f"{path} holds no state_dict under a known name ({', '.join(_WRAPPERS)})")
    for name in content:
        if name != wrapper and not (isinstance(name, str) and _BESIDE.fullmatch(name)):
            raise NetworkError(f"{path} holds {name!r} beside '{wrapper}', which vsr does not know; save that alone")
    return wrapper


def _all_tensors(content: Mapping[Any, Any]) -> bool:
    return all(isinstance(value, torch.Tensor) for value in content.values())


def _check(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Plain dense numbers, in sane amounts: shapes are checked before anything of their size is made."""
    if not tensors:
        raise NetworkError(f"{path} holds no tensors")
    if len(tensors) > _MOST_TENSORS or sum(tensor.numel() for tensor in tensors.values()) > MOST_VALUES:
        raise NetworkError(f"{path} claims more than {_MOST_TENSORS:,} tensors or {MOST_VALUES:,} values; get it again")
    for name, tensor in tensors.items():
        plain = type(tensor) in (torch.Tensor, torch.nn.Parameter)
        dense = plain and tensor.layout is torch.strided and tensor.device.type == "cpu"
        if not dense:
            raise NetworkError(f"{path}: tensor '{name}' is no plain dense array; convert it")


def _onnx(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    return onnx_tensors(content, path)


_READERS: Mapping[str, Callable[[bytes, Path], dict[str, torch.Tensor]]] = {
    ".safetensors": _safetensors,
    ".pth": _pickled,
    ".pt": _pickled,
    ".ckpt": _pickled,
    ".onnx": _onnx,
}
