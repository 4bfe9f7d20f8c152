"""What is known of a job's pieces, as JSON: strict to read, for the folder may have come from somebody else."""

import itertools
import json
import types
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, get_args, get_type_hints

from vsr.segments.contract import Piece, PieceRecord

_FORMAT = 1
_SHA256_LENGTH = 64
_LARGEST = (1 << 63) - 1
"""Of numbers: timestamps have no more bits."""
T = TypeVar("T", Piece, PieceRecord)


@dataclass(frozen=True)
class Manifest:
    """A job as it stands. It holds no paths: the names of files follow from the pieces' numbers."""

    settings: dict[str, Any]
    source: dict[str, Any]
    pieces: tuple[Piece, ...]
    done: tuple[PieceRecord, ...] = ()
    joined_bytes: int | None = None
    """Size of the joined file, written before it gets its name; None while pieces are missing."""

    def as_json(self) -> bytes:
        """As ``parse`` reads it."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1).encode()


def parse(text: bytes) -> Manifest:
    """Raises ValueError, which says what is wrong, for anything that ``as_json`` can't have written."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"it is not JSON ({exc})") from exc
    names = {"format", *(field.name for field in fields(Manifest))}
    if not isinstance(content, dict) or content.keys() != names:
        raise ValueError("it has other entries than a manifest")
    if content.pop("format") != _FORMAT:
        raise ValueError("it is of another version of vsr")
    if not (isinstance(content["settings"], dict) and isinstance(content["source"], dict)):
        raise ValueError("settings and source must be objects")  # noqa: TRY004 - one kind of error for whatever is wrong
    pieces, done = _rows(Piece, content["pieces"]), _rows(PieceRecord, content["done"])
    _check(pieces, done)
    size = content["joined_bytes"]
    if not (size is None or (type(size) is int and size >= 0)):
        raise ValueError(f"joined_bytes is {size!r}")
    return Manifest(content["settings"], content["source"], pieces, done, size)


def _rows(kind: type[T], rows: object) -> tuple[T, ...]:
    if not isinstance(rows, list):
        raise ValueError("pieces must be in a list")  # noqa: TRY004 - one kind of error for whatever is wrong
    return tuple(_row(kind, row) for row in rows)


def _row(kind: type[T], row: object) -> T:
    hints = get_type_hints(kind)
    if not isinstance(row, dict) or row.keys() != hints.keys():
        raise ValueError(f"a {kind.__name__} has other entries than it should")
    for name, value in row.items():
        accepted = get_args(hints[name]) if isinstance(hints[name], types.UnionType) else (hints[name],)
        if type(value) not in accepted or (isinstance(value, int) and abs(value) > _LARGEST):
            raise ValueError(f"{name} is {value!r:.40}")
    return kind(**row)


def _check(pieces: tuple[Piece, ...], done: tuple[PieceRecord, ...]) -> None:
    if not pieces or [piece.index for piece in pieces] != list(range(len(pieces))):
        raise ValueError("its pieces are not numbered in order")
    if any(before.end is None or before.end != after.start for before, after in itertools.pairwise(pieces)):
        raise ValueError("its pieces do not follow each other")
    indices = [record.index for record in done]
    if len(set(indices)) < len(indices) or not all(0 <= index < len(pieces) for index in indices):
        raise ValueError("it has records of pieces that are not there")
    if any(record.frames < 0 or record.size < 0 or len(record.sha256) != _SHA256_LENGTH for record in done):
        raise ValueError("its records are of no pieces")
