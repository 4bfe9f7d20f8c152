"""A hundred damaged files: each upscaled or refused in one line; no crash, no hang, no memory without end."""

from pathlib import Path

from tests.hostile.clips import make_clips
from tests.hostile.fuzz import cases, fuzz

_SEED = 20


def test_mutated_files_are_upscaled_or_refused(tmp_path: Path) -> None:
    codes = []
    for case, ended in fuzz(cases(make_clips(tmp_path), 100, _SEED)):
        assert not ended.fault, f"{case}: {ended.fault}\n{ended.said}"
        codes.append(ended.code)
    assert 20 < codes.count(0) < 80  # the mutations do damage, and not only that
