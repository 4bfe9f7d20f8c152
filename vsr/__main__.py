"""The command line, as ``vsr`` and as ``python -m vsr``: a clean end also while it is still being loaded."""

import sys


def main() -> None:
    """Entry point; loading PyTorch takes seconds, in which Ctrl-C would print a traceback."""
    try:
        from vsr.cli.app import main as command_line
    except KeyboardInterrupt:
        print("vsr: interrupted before anything was begun", file=sys.stderr)
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
