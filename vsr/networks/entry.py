"""What the registry says of one network: its name, its builder, its options, and the weights that ship for it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from vsr.errors import NetworkError
from vsr.networks.base import Domain, Network, parameter_count
from vsr.networks.weights import SHIPPED_DIR, OptionValue, WeightsCard, find_weights, read_card

_KINDS = ("video", "clean")
"""Last part of a shipped file's name: what it was trained for. The first that ships is the default."""

Layers = Annotated[int, 64]
"""An option that counts layers, with its limit: each layer costs time and memory even where it has no numbers yet."""
Channels = Annotated[int, 4096]
"""An option that counts channels, with its limit."""


@dataclass(frozen=True)
class NetworkEntry:
    """One network: what it is and what ships for it."""

    name: str
    scales: tuple[int, ...]
    domain: Domain
    summary: str
    """One line."""
    paper: str
    builder: Callable[..., Network]
    """``builder(scale, **options)`` gives the training form; its keyword-only parameters are the options.

    One that is a number is ``Layers`` or ``Channels``.
    """
    trained: bool = True
    """False: there are no parameters, so no weights are needed."""

    def build(self, scale: int, /, **options: OptionValue) -> Network:
        """The training form with fresh weights; NetworkError on an unknown scale or option."""
        if scale not in self.scales:
            choices = ", ".join(str(one) for one in self.scales)
            raise NetworkError(f"network '{self.name}' has no scale {scale}; choose one of: {choices}")
        known = self._option_types()
        for option, value in options.items():
            if option not in known:
                raise NetworkError(
                    f"network '{self.name}' has no option '{option}'; it has: {', '.join(known) or 'none'}"
                )
            _check_option(f"{self.name} option {option}", known[option], value)
        return self.builder(scale, **options)

    def parameters(self, scale: int) -> int:
        """Parameters of the deployed form at ``scale``, biases included."""
        return parameter_count(self.build(scale).deploy())

    def shipped_weights(self) -> tuple[str, ...]:
        """Names of the weights of this network that are installed."""
        return tuple(sorted(file.stem for file in SHIPPED_DIR.glob(f"{self.name}_x*.safetensors")))

    def shipped_card(self, weights_name: str) -> WeightsCard | None:
        """The card of one of ``shipped_weights``."""
        return read_card(find_weights(weights_name))

    def default_weights(self, scale: int) -> str | None:
        """The shipped weights that ``load(weights=None)`` takes: for real video where there are any, else clean."""
        names = (f"{self.name}_x{scale}_{kind}" for kind in _KINDS)
        return next((name for name in names if name in self.shipped_weights()), None)

    def ready_scales(self) -> tuple[int, ...]:
        """The scales that need no weights or have some that ship."""
        return tuple(scale for scale in self.scales if not self.trained or self.default_weights(scale))

    def _option_types(self) -> Mapping[str, Any]:
        builder = self.builder.__init__ if inspect.isclass(self.builder) else self.builder
        hints = get_type_hints(builder, include_extras=True)
        parameters = inspect.signature(builder).parameters.values()
        return {one.name: hints[one.name] for one in parameters if one.kind is one.KEYWORD_ONLY}


def _check_option(what: str, kind: Any, value: OptionValue) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise NetworkError(f"{what} is '{value}'; choose one of: {', '.join(map(str, get_args(kind)))}")
    elif kind is bool:
        if not isinstance(value, bool):
            raise NetworkError(f"{what} is {value!r}; it is true or false")
    elif not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _limit(kind):
        raise NetworkError(f"{what} is {value!r}; it is a number from 1 to {_limit(kind)}")


def _limit(kind: Any) -> int:
    """Of ``Layers`` or ``Channels``, also where None may stand for it."""
    choices = (kind,) if get_origin(kind) is Annotated else get_args(kind)
    return next(int(get_args(one)[1]) for one in choices if get_origin(one) is Annotated)
