"""Outputs appear whole or not at all."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nucel_interp.errors import NucelWarning, OutputError
from nucel_interp.io import partial
from nucel_interp.io.outputs import OutputFolder, check_free, open_atomic, write_atomic
from nucel_interp.io.provenance import file_sha256, folder_sha256, run_info
from nucel_interp.io.tables import write_json


def fill(folder: Path, text: str = "new") -> None:
    (folder / "motifs.tsv").write_text(text)
    write_json(run_info(["nucel-interp", "motifs"], seed=0), folder / "run.json")


def failing_run(path: Path, problem: BaseException, *, force: bool = False) -> None:
    with OutputFolder(path, force=force) as folder:
        fill(folder)
        raise problem


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_folder_appears_whole(tmp_path):
    with OutputFolder(tmp_path / "deep" / "out") as folder:
        fill(folder)
        assert not (tmp_path / "deep" / "out").exists()
    assert everything(tmp_path) == {"deep", "deep/out", "deep/out/motifs.tsv", "deep/out/run.json"}


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_remains_after_a_failure(tmp_path, problem):
    with pytest.raises(problem):
        failing_run(tmp_path / "deep" / "out", problem())
    assert everything(tmp_path) == set()


def test_an_earlier_output_is_replaced_only_with_force(tmp_path):
    with OutputFolder(tmp_path / "out") as folder:
        fill(folder, "old")
        (folder / "stale.tsv").touch()
    with pytest.raises(OutputError, match="--force"), OutputFolder(tmp_path / "out"):
        pytest.fail("must refuse before any work is done")
    with OutputFolder(tmp_path / "out", force=True) as folder:
        fill(folder)
        assert (tmp_path / "out" / "motifs.tsv").read_text() == "old"
    assert everything(tmp_path) == {"out", "out/motifs.tsv", "out/run.json"}
    assert (tmp_path / "out" / "motifs.tsv").read_text() == "new"


def test_a_failed_run_with_force_keeps_the_earlier_output(tmp_path):
    with OutputFolder(tmp_path / "out") as folder:
        fill(folder, "old")
    with pytest.raises(RuntimeError):
        failing_run(tmp_path / "out", RuntimeError(), force=True)
    assert everything(tmp_path) == {"out", "out/motifs.tsv", "out/run.json"}
    assert (tmp_path / "out" / "motifs.tsv").read_text() == "old"


@pytest.mark.parametrize("run", [None, "{}", "[]", "not json", '{"versions": {"other": "1"}}'])
@pytest.mark.parametrize("force", [False, True])
def test_a_foreign_folder_is_never_replaced(tmp_path, run, force):
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    if run is not None:
        (home / "run.json").write_text(run)
    before = everything(tmp_path)
    with pytest.raises(OutputError, match=r"run\.json"), OutputFolder(home, force=force):
        pytest.fail("must refuse")
    assert everything(tmp_path) == before


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "out").mkdir()
    with OutputFolder(tmp_path / "out") as folder:
        fill(folder)
    assert (tmp_path / "out" / "run.json").exists()


def test_the_working_folder_is_not_replaced(tmp_path, monkeypatch):
    with OutputFolder(tmp_path / "out") as folder:
        fill(folder)
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(OutputError, match="inside it"), OutputFolder(".", force=True):
        pytest.fail("must refuse")


def slow_run(path: Path) -> None:
    with OutputFolder(path) as folder:
        fill(folder)
        path.mkdir()
        fill(path, "theirs")


def test_a_folder_that_another_run_filled_meanwhile_is_kept(tmp_path):
    with pytest.raises(OutputError):
        slow_run(tmp_path / "out")
    assert (tmp_path / "out" / "motifs.tsv").read_text() == "theirs"
    assert everything(tmp_path) == {"out", "out/motifs.tsv", "out/run.json"}


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="is a file"), OutputFolder(tmp_path / "out", force=True):
        pytest.fail("must refuse")
    with (
        pytest.raises(OutputError, match="cannot be written"),
        OutputFolder(tmp_path / "out" / "x"),
    ):
        pytest.fail("must refuse")
    with pytest.raises(OutputError, match="several files"):
        OutputFolder("-")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; runs for other users")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"), OutputFolder(tmp_path / "out"):
        pytest.fail("must refuse")


def test_a_full_disk_is_explained_and_other_errors_are_left_alone(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "profile.h5")
    with pytest.raises(OutputError, match="No space left on device: make room"):
        failing_run(tmp_path / "out", full)
    with pytest.raises(FileNotFoundError):
        failing_run(tmp_path / "out", FileNotFoundError(errno.ENOENT, "No such file", "genome.fa"))
    assert everything(tmp_path) == set()


def run_on_a_full_disk(path: Path) -> None:
    with OutputFolder(path) as folder:
        (folder / "motifs.tsv").symlink_to("/dev/full")
        (folder / "motifs.tsv").write_text("x")


def test_a_full_disk_for_real(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full (Linux)")
    with pytest.raises(OutputError, match="No space left"):
        run_on_a_full_disk(tmp_path / "out")
    assert everything(tmp_path) == set()


def test_write_atomic(tmp_path, capsys):
    path = tmp_path / "deep" / "a.tsv"
    write_atomic(path, "one\n")
    with pytest.raises(OutputError, match="--force"):
        write_atomic(path, "two\n")
    assert path.read_text() == "one\n"
    write_atomic(path, b"two\n", force=True)
    assert path.read_text() == "two\n"
    assert everything(tmp_path) == {"deep", "deep/a.tsv"}
    with pytest.raises(OutputError, match="is a folder"):
        write_atomic(tmp_path, "x", force=True)
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomic(path / "under a file", "x")
    write_atomic("-", "to the terminal\n")
    assert capsys.readouterr().out == "to the terminal\n"


def test_run_info_states_command_inputs_and_versions(tmp_path):
    (tmp_path / "in.fa").write_text(">x\nACGT\n")
    info = run_info(["nucel-interp", "motifs"], inputs=[tmp_path / "in.fa", "-"], seed=3)
    assert info["seed"] == 3
    assert info["inputs"][0]["sha256"] == file_sha256(tmp_path / "in.fa")
    assert len(info["inputs"][0]["sha256"]) == 64
    assert info["inputs"][1]["sha256"] is None
    assert {"nucel-interp", "torch", "numpy"} <= set(info["versions"])
    write_json(info, tmp_path / "run.json")
    assert json.loads((tmp_path / "run.json").read_text())["command"] == ["nucel-interp", "motifs"]


def test_folder_digest_covers_weights_and_config(tmp_path):
    for name in ("config.json", "model.safetensors", "README.md"):
        (tmp_path / name).write_text(name)
    assert list(folder_sha256(tmp_path)) == ["config.json", "model.safetensors"]


WRITER = """
import sys
from nucel_interp.io.outputs import open_atomic, write_atomic
path, kind = sys.argv[1:]
if kind == "bytes":
    write_atomic(path, b"one\\ntwo\\n")
elif kind == "text":
    write_atomic(path, "one\\ntwo\\n")
else:
    with open_atomic(path) as stream:
        stream.writelines(["one\\n", "two\\n"])
"""
NAMES = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link", "/dev/fd/3", "-"]


def shell(script, *arguments, cwd):
    """A user's line, with "$@" the program that writes to the place named first."""
    command = ["bash", "-c", f"set -o pipefail; {script}", "bash"]
    command += [sys.executable, "-c", WRITER, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize("kind", ["bytes", "text", "lines"])
@pytest.mark.parametrize("name", NAMES)
def test_standard_output_and_open_files_are_written_to_where_they_stand(tmp_path, name, kind):
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "kept").write_text("kept\n")
    redirect = "3>&1 " if name == "/dev/fd/3" else ""
    piped = shell(f'"$@" {redirect} | cat', name, kind, cwd=tmp_path)
    assert (piped.stdout, piped.stderr) == ("one\ntwo\n", "")
    to_file = "3" if name == "/dev/fd/3" else ""
    done = shell(f'"$@" {to_file}>> kept && "$@" {to_file}> new', name, kind, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "kept").read_text() == "kept\none\ntwo\n"
    assert (tmp_path / "new").read_text() == "one\ntwo\n"


def test_process_substitution(tmp_path):
    done = shell('"$@" >(cat > got) lines; wait', cwd=tmp_path)
    assert done.stderr == ""
    assert (tmp_path / "got").read_text() == "one\ntwo\n"


def test_a_named_pipe_and_dev_null_need_no_force_and_stay(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write_atomic(pipe, "one\n")
    reader.join()
    assert got == ["one\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    write_atomic("/dev/null", "gone\n")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("place", ["/dev/stdout", "pipe"])
def test_a_stream_holds_no_folder(tmp_path, place):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="several files"):
        OutputFolder(tmp_path / place)


def test_a_closed_or_full_stream_is_said(tmp_path):
    with pytest.raises(OutputError, match="cannot be written: Bad file descriptor"):
        write_atomic("/dev/fd/987", "x")
    with pytest.raises(OutputError, match="No space left"), open_atomic("/dev/full") as stream:
        stream.write("x")


@pytest.mark.parametrize("force", [False, True])
def test_a_place_is_looked_at_before_the_work(tmp_path, force):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file is no folder"):
        check_free(tmp_path / "file" / "deep" / "out.tsv", force=force)
    with pytest.raises(OutputError, match="is a folder"):
        check_free(tmp_path, force=force)
    if Path("/proc/self").exists():
        with pytest.raises(OutputError, match="cannot be written"):  # whoever asks
            check_free("/proc/self/new/out.tsv", force=force)
    assert check_free(tmp_path / "new" / "out.tsv", force=force) == tmp_path / "new" / "out.tsv"
    assert everything(tmp_path) == {"file"}


def killed_run(out):
    """A process that is at work on ``out``, to be killed."""
    code = (
        "import sys, time\n"
        "from nucel_interp.io.outputs import OutputFolder, atomic_file\n"
        "out = sys.argv[1]\n"
        "with (atomic_file(out) if out.endswith('.tsv') else OutputFolder(out)):\n"
        "    print('started', flush=True); time.sleep(60)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE)
    assert run.stdout is not None
    assert run.stdout.readline() == b"started\n"
    return run


def write_again(out):
    if out.suffix == ".tsv":
        write_atomic(out, "x", force=True)
    else:
        with OutputFolder(out, force=True) as folder:
            fill(folder)


@pytest.mark.parametrize("name", ["out", "out.tsv"])
def test_what_a_killed_run_left_is_removed_and_a_live_run_is_let_alone(tmp_path, name):
    out = tmp_path / name
    with killed_run(out) as run:
        (left,) = tmp_path.iterdir()
        write_again(out)
        assert set(tmp_path.iterdir()) == {out, left}
        run.send_signal(signal.SIGKILL)
    assert left.exists()
    beside = tmp_path / left.name.replace(name, f"x{name}")  # of another output
    shutil.copytree(left, beside) if left.is_dir() else shutil.copy(left, beside)
    write_again(out)
    assert set(tmp_path.iterdir()) == {out, beside}


@pytest.mark.parametrize("why", ["another machine", "no locks"])
def test_what_may_be_of_a_live_run_elsewhere_is_named(tmp_path, monkeypatch, why):
    left = partial.hidden(tmp_path / "out", "partial")
    left.mkdir()
    if why == "no locks":
        monkeypatch.setattr(partial, "fcntl", None)
    else:
        monkeypatch.setattr(partial.platform, "node", lambda: "another")
    with pytest.warns(NucelWarning, match=left.name):
        write_again(tmp_path / "out")
    assert left.exists()


def test_a_signal_between_two_renames_brings_the_earlier_output_back(tmp_path, monkeypatch):
    with OutputFolder(tmp_path / "out") as folder:
        fill(folder, "old")
    rename = Path.rename

    def interrupted(self, target):
        if self.name.endswith(".partial"):
            raise SystemExit(143)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(SystemExit), OutputFolder(tmp_path / "out", force=True) as folder:
        fill(folder)
    assert everything(tmp_path) == {"out", "out/motifs.tsv", "out/run.json"}
    assert (tmp_path / "out" / "motifs.tsv").read_text() == "old"


def test_a_name_that_ends_in_gz_is_packed(tmp_path):
    for name in ("a.tsv.gz", "b.TSV.GZ"):
        write_atomic(tmp_path / name, "x\tö\n")
        assert gzip.decompress((tmp_path / name).read_bytes()) == "x\tö\n".encode()
    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.TSV.GZ").read_bytes()
    assert everything(tmp_path) == {"a.tsv.gz", "b.TSV.GZ"}
    with pytest.raises(OutputError, match="written plain or"):
        write_atomic(tmp_path / "a.tsv.bz2", "x")


def test_a_command_line_that_is_no_text_in_the_locale_is_kept_as_the_bytes_say():
    given = "/tmp/ö".encode().decode("ascii", "surrogateescape")
    info = run_info(["nucel-interp", given], inputs=[given])
    assert info["command"][1] == "/tmp/ö"
    assert info["inputs"] == [{"path": "/tmp/ö", "sha256": None}]
