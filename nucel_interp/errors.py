"""Errors a user can act on: each says what was asked, what was found and what to do."""


class NucelError(Exception):
    """Something the user can mend; the command line prints it in one line and exits with 1."""


class InputError(NucelError):
    """The given sequence, track or motif file cannot be used as it is."""


class OutputError(NucelError):
    """An output exists already, or cannot be written."""


class NucelWarning(UserWarning):
    """Something the user should know, though the run goes on."""
