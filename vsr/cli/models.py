"""``vsr models``: the networks that vsr knows and the weights that ship."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vsr.networks import NetworkEntry


def models(*, as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """List each network with its scales, parameters and paper, and the shipped weights with their measured scores."""
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.networks import available

    facts = [network_facts(entry) for entry in available()]
    print(json.dumps(facts, indent=2) if as_json else "\n\n".join("\n".join(describe(network)) for network in facts))


def network_facts(entry: "NetworkEntry") -> dict[str, Any]:
    """One network in plain values."""
    return {
        "name": entry.name,
        "summary": entry.summary,
        "paper": entry.paper,
        "domain": entry.domain,
        "trained": entry.trained,
        "parameters": {scale: entry.parameters(scale) for scale in entry.scales},
        "weights": [_weights_facts(entry, name) for name in entry.shipped_weights()],
    }


def _weights_facts(entry: "NetworkEntry", name: str) -> dict[str, Any]:
    card = entry.shipped_card(name)
    return {
        "name": name,
        "default_for": [scale for scale in entry.scales if entry.default_weights(scale) == name],
        "scale": card.scale if card else None,
        "parameters": card.parameters if card else None,
        "degradation": card.degradation if card else None,
        "scores": {data: dict(values) for data, values in card.scores.items()} if card else {},
        "recipe": card.recipe if card else None,
        "date": card.date if card else None,
        "sha256": card.sha256 if card else None,
    }


def describe(network: dict[str, Any]) -> list[str]:
    """The lines for a person."""
    sizes = [f"x{scale} {count:,}" for scale, count in network["parameters"].items()]
    return [
        f"{network['name']}: {network['summary']}",
        f"  paper      {network['paper']}",
        f"  domain     {network['domain']}",
        f"  parameters {', '.join(sizes)}",
        *(_weights(weights) for weights in network["weights"]),
        *_missing(network),
    ]


def _missing(network: dict[str, Any]) -> list[str]:
    shipped = {weights["scale"] for weights in network["weights"]}
    missing = [f"x{scale}" for scale in network["parameters"] if scale not in shipped]
    return [f"  weights    none ship for {', '.join(missing)}"] if network["trained"] and missing else []


def _weights(weights: dict[str, Any]) -> str:
    default = ", ".join(f"default for x{scale}" for scale in weights["default_for"])
    scores = [
        f"{data} {values['psnr_y']:.2f} dB / {values['ssim_y']:.4f}" for data, values in weights["scores"].items()
    ]
    trained = f"trained on {weights['degradation']}" if weights["degradation"] else "no card"
    facts = [default, trained, *scores]
    return f"  weights    {weights['name']}: {', '.join(fact for fact in facts if fact)}"
