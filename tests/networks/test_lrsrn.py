"""LRSRN: the published sizes and the image anchor."""

import pytest
import torch
import torch.nn.functional as F

from vsr.networks import build, parameter_count
from vsr.networks.lrsrn import LRSRN


@pytest.mark.parametrize(("scale", "parameters"), [(2, 41_356), (3, 45_691), (4, 51_760)])
def test_deployed_size_is_the_published_one(scale: int, parameters: int) -> None:
    assert parameter_count(build("lrsrn", scale).deploy()) == parameters


def test_training_form_at_x2_has_the_published_size() -> None:
    assert parameter_count(build("lrsrn", 2)) == 333_196


def test_x3_expands_head_and_tail_too() -> None:
    def has_branches(part: object) -> bool:
        return hasattr(part, "expand")

    assert [has_branches(LRSRN(scale).head) for scale in (2, 3, 4)] == [False, True, False]
    assert [has_branches(LRSRN(scale).tail) for scale in (2, 3, 4)] == [False, True, False]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_nearest_anchor_adds_the_nearest_upscaled_input(scale: int) -> None:
    network = LRSRN(scale, anchor="nearest", expand=8)
    plain = LRSRN(scale, anchor="none", expand=8)
    plain.load_state_dict(network.state_dict())
    x = torch.rand(1, 3, 6, 5)
    torch.testing.assert_close(network(x) - plain(x), F.interpolate(x, scale_factor=scale, mode="nearest"))


def test_fresh_network_with_anchor_starts_nearer_to_the_image_than_the_plain_form() -> None:
    x = torch.rand(1, 3, 16, 16)
    truth = F.interpolate(x, scale_factor=2, mode="nearest")
    torch.manual_seed(0)
    anchored = (LRSRN(2, anchor="nearest")(x) - truth).abs().mean()
    torch.manual_seed(0)
    plain = (LRSRN(2, anchor="none")(x) - truth).abs().mean()
    assert anchored < 0.2 * plain


def test_deployed_weights_load_into_a_deployed_form_directly() -> None:
    trained = LRSRN(2, expand=8).deploy()
    fresh = LRSRN(2).deploy()
    fresh.load_state_dict(trained.state_dict())
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(fresh(x), trained(x))
