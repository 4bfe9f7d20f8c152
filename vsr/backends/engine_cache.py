"""Engines on disk: whole or not there, and never taken for what they are not."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from vsr.errors import SinkError
from vsr.export.writing import whole_files

_MAGIC = b"vsr engine 1\n"


class EngineCache:
    """A folder of engines. Each file says what it was made for and carries a digest of its content."""

    def __init__(self, folder: Path):
        self._folder = folder

    def read(self, name: str, made_for: Mapping[str, str]) -> tuple[bytes | None, str | None]:
        """(engine, None), (None, None) where there is none, or (None, why the file ``name`` can't be used)."""
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None, None
        except OSError as exc:
            return None, f"it can't be read ({exc.strerror or exc})"
        magic, header, engine = content[: len(_MAGIC)], *_split(content[len(_MAGIC) :])
        if magic != _MAGIC or not isinstance(header, dict):
            return None, "it is no engine of vsr"
        if header.pop("sha256", None) != hashlib.sha256(engine).hexdigest():
            return None, "it is damaged"
        for what, wanted in made_for.items():
            if header.get(what) != wanted:
                return None, f"it was made for {what} {header.get(what)}, not {wanted}"
        return engine, None

    def write(self, name: str, engine: bytes, made_for: Mapping[str, str]) -> str | None:
        """Keep ``engine`` under ``name``; None, or why that was not possible."""
        header = json.dumps({**made_for, "sha256": hashlib.sha256(engine).hexdigest()}).encode()
        return self.write_plain(name, _MAGIC + header + b"\n" + engine)

    def read_plain(self, name: str) -> bytes:
        """A file of the library's own, which checks it itself; empty where there is none."""
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return b""

    def write_plain(self, name: str, content: bytes) -> str | None:
        """Keep ``content`` under ``name``; None, or why that was not possible."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_files(self._folder / name) as (partial,):
                partial.write_bytes(content)
        except OSError as exc:
            return str(exc.strerror or exc)
        except SinkError as exc:
            return str(exc)
        return None


def _split(content: bytes) -> tuple[object, bytes]:
    """The header and what follows its line; None where it is no JSON."""
    line, _, rest = content.partition(b"\n")
    try:
        return json.loads(line), rest
    except ValueError:
        return None, rest
