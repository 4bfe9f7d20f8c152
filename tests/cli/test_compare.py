"""``vsr compare`` from the command line: what it prints, where it writes, and its exit codes."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.io.making import Recipe, make


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A small clip and one of the same at twice the size."""
    return make(tmp_path / "small.mp4"), make(tmp_path / "large.mkv", Recipe(size=(128, 96)))


def test_the_page_appears_beside_b_and_the_scores_are_printed(vsr: Run, pair: tuple[Path, Path]) -> None:
    small, large = pair
    code, out, err = vsr("compare", small, large, "--frames", 2)
    assert code == 0
    page = large.with_name("large.compare.html")
    assert "small.mp4" in page.read_text("utf-8")
    first, second = out.splitlines()
    assert first == f"{page}: 2 of 10 scored frames shown"
    assert second.startswith("B against A: PSNR-Y ")
    assert "vsr: note: A is scaled up from 64x48 to 128x96 (bicubic)" in err


def test_a_reference_scores_both(vsr: Run, pair: tuple[Path, Path]) -> None:
    small, large = pair
    code, out, _ = vsr("compare", small, large, "--reference", large, "--frames", 1)
    assert code == 0
    assert "A against reference: PSNR-Y " in out
    assert "B against reference: PSNR-Y equal, SSIM-Y 1.0000, mean difference 0.00" in out


def test_quiet_says_nothing(vsr: Run, pair: tuple[Path, Path]) -> None:
    assert vsr("compare", *pair, "--frames", 1, "--quiet") == (0, "", "")


def test_an_existing_page_is_replaced_only_when_asked(vsr: Run, pair: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    code, _, err = vsr("compare", *pair, "--out", page)
    assert (code, page.read_text()) == (2, "mine")
    assert "--overwrite" in err
    assert vsr("compare", *pair, "--out", page, "--frames", 1, "-y")[0] == 0
    assert page.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("absent.mp4", "large.mkv"), 3),
        (("small.mp4", "large.mkv", "--out", "page.png"), 2),
        (("small.mp4", "large.mkv", "--frames", "0"), 2),
        (("small.mp4", "large.mkv", "--frame-rate", "fast"), 2),
        (("small.mp4", "."), 2),
        (("small.mp4", "large.mkv", "--out", "absent/page.html"), 4),
        (("small.mp4", "large.mkv", "--png", "absent/side"), 4),
        (("small.mp4", "large.mkv", "--png", "small.mp4"), 2),
    ],
)
def test_errors_are_one_line_with_their_code(
    vsr: Run, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int
) -> None:
    folder = pair[0].parent
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    got, out, err = vsr("compare", *arguments)
    assert (got, out) == (code, "")
    assert err.startswith("vsr: ")
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before
