"""The command line: how it starts, what it says, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import warnings

import pytest
import typer
from typer.testing import CliRunner

from nucel_interp.cli import progress as progress_module
from nucel_interp.cli import terminal
from nucel_interp.cli.app import Group, app
from nucel_interp.cli.app import main as callback
from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.progress import say

COMMAND = [sys.executable, "-m", "nucel_interp"]

runner = CliRunner()


@pytest.fixture
def failing():
    """A program like ours whose one command does what the test says."""

    def make(body):
        program = typer.Typer(cls=Group, pretty_exceptions_enable=False, rich_markup_mode=None)
        program.callback()(callback)

        @program.command()
        def work() -> None:
            body()

        return program

    return make


def raiser(error: BaseException):
    def body():
        raise error

    return body


def test_help_names_the_commands_and_the_main_job():
    result = runner.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "info" in result.stdout
    assert "nucel-interp motifs" in result.stdout
    assert runner.invoke(app, ["-h"]).stdout == result.stdout


def test_version():
    from nucel_interp import __version__

    assert runner.invoke(app, ["--version"]).stdout == f"nucel-interp {__version__}\n"


@pytest.mark.parametrize(
    "call", [["no-such-command"], ["info", "--no-such-option"], ["info", "x"], []]
)
def test_a_wrong_call_exits_with_2(call):
    result = runner.invoke(app, call)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InputError("x.fa is empty"), "error: x.fa is empty\n"),
        (InputError("two\nlines"), "error: two lines\n"),
        (PermissionError(13, "Permission denied", "a.fa"), "error: a.fa: Permission denied (-v "),
        (MemoryError(), "error: out of memory"),
        (ZeroDivisionError("division by zero"), "error: unexpected ZeroDivisionError: division"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(failing, error, expected):
    result = runner.invoke(failing(raiser(error)), ["work"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(expected)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("call", [["-v", "work"], ["work", "-v"], ["work", "--verbose"]])
def test_verbose_shows_the_traceback_wherever_it_stands(failing, call):
    result = runner.invoke(failing(raiser(InputError("x"))), call)
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("error: x\n")


def test_interruption_exits_with_130(failing):
    assert runner.invoke(failing(raiser(KeyboardInterrupt())), ["work"]).exit_code == 130


def test_warnings_are_one_line_on_stderr(failing):
    def body():
        warnings.warn("two names\nwere equal", NucelWarning, stacklevel=1)
        say("done")

    result = runner.invoke(failing(body), ["work"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "warning: two names were equal\ndone\n"
    assert runner.invoke(failing(body), ["work", "-q"]).stderr == "warning: two names were equal\n"


def test_progress_writes_lines_where_there_is_no_terminal(failing, monkeypatch):
    monkeypatch.setattr(progress_module, "EVERY_SECONDS", 0.0)

    def body():
        with progress_module.progress("scoring", total=4) as step:
            for _ in range(2):
                step(2)

    result = runner.invoke(failing(body), ["work"])
    assert result.stderr.splitlines()[-1] == "scoring: 4 of 4 (100%)"
    assert runner.invoke(failing(body), ["work", "--quiet"]).stderr == ""


def test_progress_tells_speed_and_time_left_of_this_run_alone(monkeypatch, capsys):
    monkeypatch.setattr(progress_module, "EVERY_SECONDS", 20.0)
    now = 0.0
    with terminal.reporting():
        terminal.configure()
        on_progress = progress_module._lines(lambda: now)
        on_progress(500_000, 1_000_000, "reading with the model")  # of an earlier run
        now = 25.0
        on_progress(600_000, 1_000_000, "reading with the model")
        now = 50.0
        on_progress(3, 4, "scoring")
    assert capsys.readouterr().err.splitlines() == [
        "reading with the model: 600,000 of 1,000,000 (60%), 4,000 bases/s, 1:40 left",
        "scoring: 3 of 4 (75%)",
    ]


def test_progress_draws_a_bar_on_a_terminal(monkeypatch):
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with terminal.reporting():
        terminal.configure()
        with progress_module.reporter() as on_progress:
            on_progress(1, 2, "scoring [x]")
            on_progress(2, 2, "scoring [x]")
    assert "scoring [x]" in sys.stderr.getvalue()
    assert "2/2" in sys.stderr.getvalue()


def test_info_as_table_and_json():
    result = runner.invoke(app, ["info"])
    assert result.exit_code == 0, result.output
    rows = dict(line.split("\t") for line in result.stdout.splitlines())
    assert rows["python"] == sys.version.split()[0]
    assert {"torch", "attention backend", "motif scanner", "model", "threads"} <= set(rows)
    listed = json.loads(runner.invoke(app, ["info", "--format", "json"]).stdout)
    assert {row["what"] for row in listed} == set(rows) - {"what"}


def test_info_on_a_folder_that_is_no_model(tmp_path):
    result = runner.invoke(app, ["info", "--model", str(tmp_path / "nothing")])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is no model folder")
    assert result.stderr.count("\n") == 1


def test_a_closed_pipe_is_quiet():
    done = subprocess.run(
        ["bash", "-c", '"$@" info | true', "bash", *COMMAND],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


SLOW_RUN = """
import sys, time
from nucel_interp.cli.app import Group, app
from nucel_interp.io.outputs import OutputFolder

@app.command()
def slow():
    with OutputFolder(sys.argv.pop()) as folder:
        (folder / "part").touch()
        print("started", flush=True)
        time.sleep(60)

app(["slow"])
"""


def heeds_signals(ignored=()):
    """A test run started in the background ignores Ctrl-C, and its children would too."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_run_ended_from_outside_leaves_nothing(tmp_path, sent, code):
    run = subprocess.Popen(
        [sys.executable, "-c", SLOW_RUN, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_signals,
    )
    with run:
        assert run.stdout is not None
        assert run.stdout.readline() == "started\n"
        assert len(list(tmp_path.iterdir())) == 1  # the hidden folder
        started = time.monotonic()
        run.send_signal(sent)
        _, stderr = run.communicate(timeout=30)
    assert time.monotonic() - started < 30
    assert run.returncode == code
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def test_nohup_is_heeded(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-c", SLOW_RUN.replace("sleep(60)", "sleep(2)"), str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: heeds_signals([signal.SIGHUP]),
    )
    with run:
        assert run.stdout is not None
        assert run.stdout.readline() == "started\n"
        run.send_signal(signal.SIGHUP)
    assert run.returncode == 0
    assert (tmp_path / "out" / "part").exists()
