"""What an installed copy promises to tools: its dependencies, its version, its types, its help."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from importlib import metadata, resources

import pytest
from packaging.requirements import Requirement

import aiowatchtower

PUBLIC_MODULES = ("aiowatchtower", "aiowatchtower.testing")


def _required() -> dict[str, Requirement]:
    requirements = map(Requirement, metadata.requires("aiowatchtower") or ())
    return {r.name: r for r in requirements if not (r.marker and "extra" in str(r.marker))}


def _public_names() -> Iterator[tuple[str, object]]:
    for module in map(importlib.import_module, PUBLIC_MODULES):
        for name in module.__all__:
            thing = getattr(module, name)
            yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing):
                own = ((n, m) for n, m in vars(thing).items() if not n.startswith("_"))
                methods = ((n, m) for n, m in own if callable(m) or isinstance(m, property))
                yield from ((f"{module.__name__}.{name}.{n}", m) for n, m in methods)


def test_needs_three_packages():
    """It uses two, and isal where that has wheels; of three that aiobotocore brings it bounds the release."""
    brought = {"aiohttp", "idna", "urllib3"}
    assert sorted(_required()) == sorted({"aiobotocore", "anyio", "isal"} | brought)


@pytest.mark.parametrize(
    ("system", "machine", "is_wanted"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("win32", "AMD64", True),
        ("win32", "ARM64", False),
        ("darwin", "arm64", True),
        ("darwin", "x86_64", False),
        ("linux", "ppc64le", False),
    ],
)
def test_igzip_is_wanted_where_it_has_wheels(system, machine, is_wanted):
    """No platform has to compile igzip to install the library."""
    here = {"platform_python_implementation": "CPython"}
    marker = _required()["isal"].marker
    assert marker is not None
    assert marker.evaluate({**here, "sys_platform": system, "platform_machine": machine}) is (
        is_wanted
    )


@pytest.mark.parametrize("name", ["aiobotocore", "aiohttp", "anyio", "idna", "isal", "urllib3"])
def test_dependencies_have_lower_bounds_only(name):
    """The library never holds back an application's upgrades."""
    assert [specifier.operator for specifier in _required()[name].specifier] == [">="]


def test_version_is_the_installed_one():
    """`__version__` and the metadata agree."""
    assert aiowatchtower.__version__ == metadata.version("aiowatchtower")


def test_types_are_shipped():
    """Type checkers read the library's own annotations."""
    assert resources.files("aiowatchtower").joinpath("py.typed").is_file()


def test_license_is_shipped():
    """The metadata names the licence, and the text comes along."""
    found = metadata.metadata("aiowatchtower")
    assert found["License-Expression"] == "Apache-2.0"
    assert "LICENSE" in (found.get_all("License-File") or [])


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(thing, id=name)
        for name, thing in _public_names()
        if callable(thing) or isinstance(thing, property)
    ],
)
def test_public_names_explain_themselves(thing):
    """Every public class and function, and each of their methods, has a docstring of its own."""
    assert inspect.getdoc(thing)


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_all_names_what_there_is(module):
    """`__all__` names things that exist."""
    found = importlib.import_module(module)
    assert not [name for name in found.__all__ if not hasattr(found, name)]
