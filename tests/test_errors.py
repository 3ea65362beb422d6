"""One root for the errors of all packages, by which the programs know what a user can mend."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

from nucel_runtime.errors import NucelError

PACKAGES = ("nucel_runtime", "nucel_model", "nucel_genome", "nucel_pretrain", "nucel_interp")
OPTIONAL = {"nucel_model.triton_profile", "nucel_model.triton_rope"}
"""Modules that a machine without a GPU need not have the libraries of."""


def exceptions(package: str) -> set[type[Exception]]:
    """Every exception class that a package defines, warnings left out."""
    top = importlib.import_module(package)
    found: set[type[Exception]] = set()
    for module in pkgutil.walk_packages(top.__path__, f"{package}."):
        if module.name.endswith("__main__") or module.name in OPTIONAL:
            continue
        for _, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(value, Exception) and value.__module__.startswith(f"{package}."):
                found.add(value)
    return {kind for kind in found if not issubclass(kind, Warning)}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_error_of_a_package_has_the_one_root_and_stands_in_its_errors_module(package):
    found = exceptions(package)
    assert found
    for kind in found:
        assert issubclass(kind, NucelError), kind
        assert kind.__module__ == f"{package}.errors", kind


def test_the_public_error_is_the_root_and_catches_those_of_the_packages_below(tmp_path):
    import nucel_interp as ni
    from nucel_genome import Genome
    from nucel_model import from_pretrained

    assert ni.NucelError is NucelError
    with pytest.raises(ni.NucelError, match="no model folder"):
        from_pretrained(tmp_path / "nowhere")
    with pytest.raises(ni.NucelError, match=r"(?i)no such file"):
        Genome.open(tmp_path / "nowhere.fa", cache=tmp_path)


def test_errors_of_models_are_value_errors_as_before():
    from nucel_model import ConfigError, FolderError

    assert issubclass(ConfigError, ValueError)
    assert issubclass(FolderError, ValueError)


def test_programs_take_no_other_error_for_one_that_a_user_can_mend():
    from nucel_interp.errors import InputError
    from nucel_runtime.program import in_one_line

    class Unplanned(Exception):
        """Of a module of ours, yet not one of our errors."""

    Unplanned.__module__ = "nucel_interp.anything"
    assert in_one_line(InputError("the file\nis empty")) == "the file is empty"
    assert in_one_line(Unplanned("oh")).startswith("unexpected Unplanned: oh")
