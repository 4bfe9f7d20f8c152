"""``vsr doctor``: what this machine offers, what it lacks and what to do about it."""

import json
from typing import Annotated, Any

import typer


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """Tell the machine, versions, backends, hardware codecs and optional packages, and why something can't be used."""
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.machine import examine

    facts = examine()
    print(json.dumps(facts, indent=2) if as_json else "\n".join(describe(facts)))


def describe(facts: dict[str, Any]) -> list[str]:
    """The lines for a person."""
    return [
        "versions",
        "  " + ", ".join(f"{name} {number}" for name, number in facts["versions"].items()),
        "",
        "machine",
        *_machine(facts["machine"]),
        "",
        "backends",
        *(_backend(name, backend) for name, backend in facts["backends"].items()),
        f"  a run takes    {_default(facts['default'])}",
        "",
        "encoders",
        *(f"  {name:<14} {'present' if there else 'not in this FFmpeg'}" for name, there in facts["encoders"].items()),
        "",
        "hardware decoding and encoding",
        *(_hardware(kind, hardware) for kind, hardware in facts["hardware_codecs"].items()),
        "",
        "optional packages",
        *(f"  {name:<14} {_optional(package)}" for name, package in facts["optional"].items()),
    ]


def _machine(machine: dict[str, Any]) -> list[str]:
    memory = machine["memory_bytes"]
    lines = [
        f"  system         {machine['system']}",
        f"  processor      {machine['cpu']}, {machine['cores']} cores, {', '.join(machine['capability'])}",
        f"  threads        {machine['threads']} for the network",
        f"  memory         {_gigabytes(memory) if memory else 'unknown'}",
    ]
    for gpu in machine["gpus"]:
        about = f"{_gigabytes(gpu['memory_bytes'])}, compute capability {gpu['compute_capability']}"
        lines.append(f"  {gpu['device']:<14} {gpu['name']}, {about}")
    if not machine["gpus"]:
        without = "; this PyTorch is built without CUDA" if machine["cuda"] is None else ""
        lines.append(f"  GPU            none that PyTorch can use{without}")
    return lines


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


def _backend(name: str, backend: dict[str, Any]) -> str:
    if backend["unavailable"]:
        return f"  {name:<14} {backend['unavailable']}"
    devices = ", ".join(f"{device} ({precision})" for device, precision in backend["devices"].items())
    return f"  {name:<14} {backend['summary']}: {devices}"


def _default(default: dict[str, Any]) -> str:
    if "refused" in default:
        return f"nothing: {default['refused']}"
    return f"{default['backend']} on {default['device']} in {default['precision']}"


def _hardware(kind: str, hardware: dict[str, Any]) -> str:
    reason = hardware["unavailable"]
    return f"  {kind:<14} " + (reason or f"--hwaccel {kind}; --codec {', '.join(hardware['encoders'])}")


def _optional(package: dict[str, Any]) -> str:
    return f"{package['problem'] or package['version']}; for {package['use']}"
