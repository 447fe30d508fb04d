"""The public names."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import paglets_nb

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(module.name for module in pkgutil.walk_packages(paglets_nb.__path__, "paglets_nb."))
PROBE = """
import json, sys, threading
import paglets_nb
print(json.dumps({"threads": [t.name for t in threading.enumerate()], "modules": sorted(sys.modules)}))
"""


def test_public_names_are_sorted() -> None:
    """``__all__`` is sorted and names nothing twice."""
    assert list(paglets_nb.__all__) == sorted(set(paglets_nb.__all__))


@pytest.mark.parametrize("name", paglets_nb.__all__)
def test_public_name_is_there(name: str) -> None:
    """Every public name can be imported from the package."""
    assert getattr(paglets_nb, name) is not None
    assert name in dir(paglets_nb)


@pytest.mark.parametrize("name", MODULES)
def test_module_exports_what_it_says(name: str) -> None:
    """Every name in a module's ``__all__`` is one of the module's, and none stands there twice."""
    module = importlib.import_module(name)
    exported = list(getattr(module, "__all__", []))
    assert len(exported) == len(set(exported))
    assert not [entry for entry in exported if not hasattr(module, entry)]


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that is not public fails as it does in any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = paglets_nb.Nonsense


def test_import_is_cheap() -> None:
    """Importing the package starts no thread and imports neither IPython, anyio, zmq nor jupyter_client."""
    run = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    found = json.loads(run.stdout)
    assert found["threads"] == ["MainThread"]
    heavy = {"IPython", "anyio", "ipykernel", "ipywidgets", "jupyter_client", "msgspec", "zmq"}
    assert not heavy & set(found["modules"])
