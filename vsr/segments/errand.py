"""A job as it goes to another machine: by paths on storage that both see, or with its files through the cluster."""

import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vsr.errors import SinkError, SourceError
from vsr.io.durable import write_whole
from vsr.segments.contract import Job, Piece, piece_name
from vsr.segments.identity import source_identity
from vsr.segments.parcels import Parcel, fetch, home_of


@dataclass(frozen=True)
class SharedErrand(Job):
    """Source and pieces lie under the same paths on every machine."""

    identity: dict[str, Any]
    """Of the source where the job is from."""

    def arrive(self) -> Job:
        """The job as this machine does it. Raises SourceError where this machine does not see its files."""
        remedy = "put source and output on storage that all nodes share under the same path, or give --ship"
        try:
            same = source_identity(self.spec.source) == self.identity
        except SourceError as exc:
            raise SourceError(f"node {platform.node()} can't read the source ({exc}); {remedy}") from exc
        if not same:
            raise SourceError(f"node {platform.node()} has another file as {self.spec.source}; {remedy}")
        if not (self.folder.is_dir() and os.access(self.folder, os.W_OK)):
            raise SourceError(f"node {platform.node()} can't write into {self.folder}; {remedy}")
        return Job(self.spec, self.folder, self.time_base, self.weights)

    def bring_back(self, piece: Piece) -> None:
        """Nothing has to be brought."""


@dataclass(frozen=True)
class ShippedErrand(Job):
    """The files come through the cluster; a machine keeps them until the job is over."""

    key: str
    """Of the parcels' place on a machine."""
    parcels: tuple[Parcel, ...]
    """The last one of a shelf is the file that the settings name."""

    def arrive(self) -> Job:
        """Fetch what is not here yet. Raises SinkError where there is no room for it."""
        home = home_of(self.key)
        try:
            files = fetch(home, self.parcels)
            pieces = home / "pieces"
            pieces.mkdir(exist_ok=True)
        except OSError as exc:
            raise SinkError(f"node {platform.node()} can't keep the source in {home}: {exc.strerror}") from exc
        spec = replace(
            self.spec,
            source=str(files["source"]),
            weights=str(files["weights"]) if "weights" in files else self.spec.weights,
            output=str(home / Path(self.spec.output).name),
        )
        return Job(spec, pieces, self.time_base, self.weights)

    def bring_back(self, piece: Piece) -> bytes:
        """The finished piece's file, which is gone from here then."""
        path = home_of(self.key) / "pieces" / piece_name(piece.index)
        content = path.read_bytes()
        path.unlink()
        return content


Errand = SharedErrand | ShippedErrand


def keep(errand: Job, piece: Piece, content: bytes) -> None:
    """Put a piece that was brought back where it belongs. Raises SinkError."""
    path = errand.folder / piece_name(piece.index)
    try:
        write_whole(path, content)
    except OSError as exc:
        raise SinkError(f"{path} can't be written: {exc.strerror}") from exc
