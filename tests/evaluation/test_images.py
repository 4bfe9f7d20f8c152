"""Folders of images: what counts as one, and cropping."""

from pathlib import Path

import numpy as np
import pytest

from vsr.errors import SourceError
from vsr.evaluation.images import crop_to_multiple, list_images


def test_images_come_sorted_and_nothing_else_does(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "c.txt", "d.webp"):
        (tmp_path / name).touch()
    (tmp_path / "e.png").mkdir()
    assert [file.name for file in list_images(tmp_path)] == ["a.jpg", "b.PNG", "d.webp"]
    assert [file.name for file in list_images(tmp_path, "*.jpg")] == ["a.jpg"]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no images in"):
        list_images(tmp_path)
    with pytest.raises(SourceError, match="does not exist"):
        list_images(tmp_path / "absent")


@pytest.mark.parametrize(("scale", "wanted"), [(1, (7, 11)), (2, (6, 10)), (3, (6, 9)), (4, (4, 8))])
def test_cropping_drops_the_last_rows_and_columns(scale: int, wanted: tuple[int, int]) -> None:
    pixels = np.arange(7 * 11 * 3, dtype=np.uint8).reshape(7, 11, 3)
    cropped = crop_to_multiple(pixels, scale)
    assert cropped.shape[:2] == wanted
    assert np.array_equal(cropped, pixels[: wanted[0], : wanted[1]])
