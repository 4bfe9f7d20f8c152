"""Which networks an evaluation is about."""

import pytest

from vsr.errors import NetworkError, UsageError
from vsr.evaluation.subjects import load_subjects
from vsr.networks import available, entry


def names(*arguments: object) -> list[tuple[str, int, str | None]]:
    subjects = load_subjects(*arguments)  # type: ignore[arg-type]
    return [(one.network.name, one.network.scale, one.weights_name) for one in subjects]


def test_named_networks_come_scale_by_scale_with_their_default_weights() -> None:
    lrsrn = entry("lrsrn")
    wanted = [("bicubic", 2, None), ("lrsrn", 2, lrsrn.default_weights(2))]
    wanted += [("bicubic", 3, None), ("lrsrn", 3, lrsrn.default_weights(3))]
    assert names(("bicubic", "lrsrn", "bicubic"), (2, 3)) == wanted


def test_all_is_every_network_that_is_ready_and_every_file_that_ships() -> None:
    ready = [one.name for one in available() if 2 in one.ready_scales()]
    assert [one[0] for one in names(("all",), (2,))] == ready
    every_file = names(("all",), (2,), "all")
    shipped = [name for one in available() for name in one.shipped_weights() if f"{one.name}_x2_" in name]
    assert [one[2] for one in every_file if one[2]] == shipped
    assert ("bicubic", 2, None) in every_file


def test_a_file_says_what_it_is_for() -> None:
    assert names((), (), "lrsrn_x3_clean") == [("lrsrn", 3, "lrsrn_x3_clean")]
    assert names(("lrsrn",), (3,), "lrsrn_x3_clean") == [("lrsrn", 3, "lrsrn_x3_clean")]
    assert names((), ()) == names(("lrsrn",), (2,))


def test_a_network_is_left_out_of_scales_it_is_not_ready_for() -> None:
    assert names(("bicubic",), (2, 8)) == [("bicubic", 2, None)]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((("bicubic", "srgan"), (2,)), NetworkError, "no network 'srgan'"),
        ((("bicubic",), (7, 8)), NetworkError, "no scale 7"),
        ((("bicubic", "lrsrn"), (2,), "some.safetensors"), UsageError, "fits one network at one scale"),
        ((("lrsrn",), (2, 3), "some.safetensors"), UsageError, "fits one network at one scale"),
        ((("lrsrn",), (2,), "lrsrn_x3_clean"), NetworkError, "x3"),
        ((("litesrnet",), (), "lrsrn_x3_clean"), NetworkError, "lrsrn"),
    ],
)
def test_what_can_not_be_loaded_is_refused(arguments: tuple[object, ...], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        names(*arguments)
