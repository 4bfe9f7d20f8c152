"""The command line's root: registers each command and turns every error into one line and an exit code."""

import sys
from contextlib import suppress

import typer
from typer.main import get_command

from vsr.cli.bench import bench
from vsr.cli.calibrate import calibrate
from vsr.cli.compare import compare
from vsr.cli.doctor import doctor
from vsr.cli.evaluate import evaluate
from vsr.cli.export import export
from vsr.cli.info import info
from vsr.cli.live import live
from vsr.cli.models import models
from vsr.cli.run import run
from vsr.cli.shown import shown_in_line
from vsr.cli.signals import listen
from vsr.cli.train import train
from vsr.errors import UsageError, VsrError

_INTERRUPTED = 130

app = typer.Typer(invoke_without_command=True, add_completion=False, pretty_exceptions_enable=False)
app.command("run")(run)
app.command("live")(live)
app.command("info")(info)
app.command("models")(models)
app.command("doctor")(doctor)
app.command("eval")(evaluate)
app.command("compare")(compare)
app.command("bench")(bench)
app.command("train")(train)
app.command("calibrate")(calibrate)
app.command("export")(export)


@app.callback()
def root(context: typer.Context) -> None:
    """Video super-resolution: any video in, a sharper and larger one out."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the ``vsr`` command; exits with 0, a VsrError's code (see vsr.errors) or 130 on Ctrl-C.

    ``arguments`` are for callers from Python, whose signal handlers are left alone; None takes the process's own.
    """
    if arguments is None:
        listen()
    try:
        result = get_command(app).main(arguments, prog_name="vsr", standalone_mode=False)
        sys.stdout.flush()
    except VsrError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        result = _INTERRUPTED
    except typer.TyperException as error:
        words = getattr(error, "format_message", error.__str__)()
        _fail(f"{words} See 'vsr --help'.", UsageError.exit_code)
    except OSError as error:  # of a name or a folder that the system does not even let be looked at, or of a full disk
        _drop_what_cannot_be_printed()
        where = "" if error.filename is None else f"{error.filename}: "
        _fail(f"{where}{error.strerror or error}", VsrError.exit_code)
    if result == _INTERRUPTED:  # typer turns Ctrl-C into this result
        _fail("interrupted; nothing was written under the output's name", _INTERRUPTED)
    sys.exit(result if isinstance(result, int) else 0)


def _drop_what_cannot_be_printed() -> None:
    """Python would try once more in the end, and complain in its own words."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            sys.stdout.close()


def _fail(message: str, code: int) -> None:
    print(f"vsr: {shown_in_line(message)}", file=sys.stderr)
    sys.exit(code)
