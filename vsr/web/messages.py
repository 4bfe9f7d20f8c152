"""What a page may say, each message checked field by field; there is nothing that takes a path or a command."""

import json
from dataclasses import dataclass
from typing import Any

LONGEST_OFFER = 64 * 1024
"""Bytes of a message with a session description."""
LONGEST_COMMAND = 4 * 1024
_LONGEST_NAME = 200


class RefusedMessage(Exception):  # noqa: N818 - no failure of this program: it ends that viewer's connection
    """Not one of the messages below."""


@dataclass(frozen=True)
class Offer:
    """A browser's session description: to watch, or (``camera``) to send its camera."""

    sdp: str
    camera: bool


@dataclass(frozen=True)
class CameraOff:
    """The browser sends its camera no longer."""


@dataclass(frozen=True)
class Split:
    """Where the line between before and after stands, 0 the left edge to 1 the right; None: after only."""

    position: float | None


@dataclass(frozen=True)
class Choose:
    """Another network or scale; whether it is offered is not known here."""

    network: str | None = None
    scale: int | None = None


@dataclass(frozen=True)
class Pause:
    """Pause or go on."""

    on: bool


Message = Offer | CameraOff | Split | Choose | Pause

_FIELDS: dict[str, dict[str, Any]] = {
    "watch": {"sdp": str},
    "camera": {"sdp": str},
    "camera-off": {},
    "split": {"position": (int, float, type(None))},
    "network": {"name": str},
    "scale": {"factor": int},
    "pause": {"on": bool},
}


def parse(text: str) -> Message:
    """The message in ``text``. Raises RefusedMessage for anything that isn't exactly one, or is too long."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise RefusedMessage("not JSON") from exc
    if not isinstance(said, dict) or not isinstance(said.get("type"), str) or said["type"] not in _FIELDS:
        raise RefusedMessage("no such message")
    kind = said.pop("type")
    longest = LONGEST_OFFER if kind in ("watch", "camera") else LONGEST_COMMAND
    if len(text.encode()) > longest:
        raise RefusedMessage(f"longer than {longest} bytes")
    _check_fields(said, _FIELDS[kind])
    return _message(kind, said)


def _check_fields(said: dict[str, Any], fields: dict[str, Any]) -> None:
    if said.keys() != fields.keys():
        raise RefusedMessage("other fields than expected")
    for name, kinds in fields.items():
        value = said[name]
        # True is an int to Python.
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise RefusedMessage(f"{name} is of another kind")


def _message(kind: str, said: dict[str, Any]) -> Message:
    match kind:
        case "watch" | "camera":
            return Offer(said["sdp"], camera=kind == "camera")
        case "camera-off":
            return CameraOff()
        case "split":
            position = said["position"]
            if position is not None and not 0 <= position <= 1:  # also NaN, which JSON of Python lets through
                raise RefusedMessage("position is not between 0 and 1")
            return Split(position)
        case "network":
            if len(said["name"]) > _LONGEST_NAME:
                raise RefusedMessage("name is too long")
            return Choose(network=said["name"])
        case "scale":
            return Choose(scale=said["factor"])
        case _:
            return Pause(said["on"])
