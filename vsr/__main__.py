"""``python -m vsr``: the command line."""

from vsr.cli.app import main

main()
