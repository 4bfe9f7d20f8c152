"""The command line's root: registers each command and turns a VsrError into one line and an exit code."""

import sys

import typer

from vsr.errors import VsrError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def root() -> None:
    """Video super-resolution: any video in, a sharper and larger one out."""


def main() -> None:
    """Entry point of the ``vsr`` command."""
    try:
        app()
    except VsrError as error:
        print(f"vsr: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("vsr: interrupted", file=sys.stderr)
        sys.exit(130)
