"""The command line: one file per command, registered in `app.py`."""

from nucel_interp.cli.app import app

__all__ = ["app"]
