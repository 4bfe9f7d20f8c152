"""Where compiled artefacts are kept between runs, and what makes a name for one. Deleting the folder is always safe."""

import hashlib
import os
import sys
from pathlib import Path


def folder(kind: str) -> Path:
    """The folder for artefacts of ``kind`` ("openvino", "tensorrt"), made when it is first written to.

    Under ``VSR_CACHE`` where that is set, else in the user's cache folder as the platform has it.
    """
    given = os.environ.get("VSR_CACHE")
    if given:
        return Path(given) / kind
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "vsr" / kind
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "vsr" / "Cache" / kind
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vsr" / kind


def key(*parts: object) -> str:
    """A name that changes with any of ``parts``, each taken by its repr."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:32]
