"""Every check of this repository as a nox session: `nox -l` lists them."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nox

if TYPE_CHECKING:
    from collections.abc import Iterator

nox.needs_version = ">=2025.5.1"
# Not uv: it does not read pip's configuration, and a machine may reach its mirror only through that.
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_external_run = True
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = [
    "lint",
    "typing",
    "tests",
    "tests_lowest",
    "versions",
    "docs",
    "workflows",
    "build",
]

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml("pyproject.toml")
SUPPORTED = nox.project.python_versions(PYPROJECT)
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
DEPENDENCIES: list[str] = PYPROJECT["project"]["dependencies"]
LOWEST = [bound.replace(">=", "==") for bound in DEPENDENCIES]
CHECKED_BY_MYPY = ("src", "noxfile.py", "examples", "tests")


def pyenv_roots() -> Iterator[Path]:
    """Yield where pyenv may keep its versions: it need not be set up in the shell that runs nox."""
    if root := os.environ.get("PYENV_ROOT"):
        yield Path(root)
    if pyenv := shutil.which("pyenv"):
        asked = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            yield Path(asked.stdout.strip())
    yield Path.home() / ".pyenv"


def candidates(version: str) -> Iterator[str]:
    """Yield the files that might be a CPython of `version` ("3.12"), the preferred ones first."""
    name = f"python{version}"
    for folder in os.get_exec_path():
        if found := shutil.which(name, path=folder):
            yield found
    for root in dict.fromkeys(pyenv_roots()):
        for home in sorted(root.glob(f"versions/{version}.*"), key=_release, reverse=True):
            yield str(home / "bin" / name)


def _release(home: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in home.name.split(".") if part.isdigit())


def works(interpreter: str, version: str) -> bool:
    """Tell whether the file runs and is that CPython: pyenv's shims exist for versions that do not run."""
    program = "import platform; print(platform.python_implementation(), platform.python_version())"
    try:
        asked = subprocess.run(
            [interpreter, "-c", program], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return False
    return asked.returncode == 0 and asked.stdout.startswith(f"CPython {version}.")


@functools.cache
def interpreters() -> dict[str, str]:
    """Map each version to test, such as "3.12", to its interpreter; the one that runs nox comes first."""
    found = {RUNNING: sys.executable}
    for version in SUPPORTED:
        if version not in found:
            working = (path for path in candidates(version) if works(path, version))
            if interpreter := next(working, None):
                found[version] = interpreter
    return found


def _minor(param: nox.param) -> int:
    return int(str(param.id).partition(".")[2])


PYTHONS = [nox.param(path, id=version) for version, path in interpreters().items()]
on_every_python = nox.parametrize("python", PYTHONS)
OLDEST_FIRST = sorted(PYTHONS, key=_minor)
on_the_oldest_python = nox.parametrize("python", OLDEST_FIRST[:1])
on_the_pythons_between = nox.parametrize(
    "python", [each for each in OLDEST_FIRST[1:] if each is not PYTHONS[0]]
)


def group(*names: str) -> list[str]:
    """Return the requirements of dependency groups, for any pip."""
    return list(nox.project.dependency_groups(PYPROJECT, *names))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting; `-- --fix` mends what can be mended."""
    session.install(*group("lint"))
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix", ".")
        session.run("ruff", "format", ".")
        return
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", "--diff", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Check types with mypy on the oldest and newest Python, and that the public ones are complete."""
    session.install(".[check]", *group("typing", "ecosystem"))
    present = [path for path in CHECKED_BY_MYPY if (ROOT / path).exists()]
    for version in (SUPPORTED[0], SUPPORTED[-1]):
        session.run("mypy", "--python-version", version, *present)
    session.run("pyright", "--verifytypes", "aiowatchtower", "--ignoreexternal")


# Most tests wait for servers and processes: four at a time keep two cores busy, and whoever is done helps out.
AT_A_TIME = ("-n", "4", "--dist", "worksteal")
# Where one Python differs from another: asyncio, logging, threads, signals, tracebacks, opcodes.
DIFFERS = (
    "tests/lifecycle",
    "tests/intake",
    "tests/shipping",
    "tests/text",
    "tests/diagnostics",
    "tests/test_emit_cost.py",
)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite on this Python and measure its branches; `-- -k inbox` runs some, unmeasured."""
    session.log(f"the whole suite, on Python {RUNNING} alone: some three minutes on two idle cores")
    session.log("quicker: `smoke`; every Python found: `tests_all`; all sessions: `nox -l`")
    session.install(".", *group("tests", "ecosystem"))
    if session.posargs:
        session.run("pytest", *AT_A_TIME, *session.posargs)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *AT_A_TIME, "tests", "tests/ecosystem")
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session(default=False)
def tests_anywhere(session: nox.Session) -> None:
    """Run what needs no POSIX: no fork, no signal, no application server."""
    session.install(".[check]", *group("smoke"), "packaging", "pyyaml")
    parts = ("tests/core", "tests/text", "tests/config", "tests/shipping", "tests/diagnostics")
    session.run("pytest", *AT_A_TIME, *parts, "tests/faults/test_last_tries.py", *session.posargs)


@nox.session(default=False)
def smoke(session: nox.Session) -> None:
    """Run the pure parts and the deadlines in virtual time, few examples each: an answer in 20 seconds."""
    session.install(".", *group("smoke"))
    parts = ("tests/core", "tests/text", "tests/config", "tests/faults/test_last_tries.py")
    session.run("pytest", "-n", "2", "--hypothesis-profile", "smoke", *parts, *session.posargs)


@nox.session(default=False)
@on_every_python
def tests_all(session: nox.Session) -> None:
    """Run the whole suite on every Python found (PATH, pyenv)."""
    session.install(".", *group("tests"))
    session.run("pytest", *AT_A_TIME, *session.posargs)


@nox.session
@on_the_pythons_between
def versions(session: nox.Session) -> None:
    """Run what differs from Python to Python on those that neither `tests` nor `tests_lowest` runs on."""
    session.install(".", *group("tests"))
    session.run("pytest", *AT_A_TIME, "-m", "not servers", *DIFFERS, *session.posargs)


@nox.session
@on_the_oldest_python
def tests_lowest(session: nox.Session) -> None:
    """Run the suite on the oldest Python with the oldest dependencies that the package allows."""
    session.install(".", *LOWEST, *group("tests"))
    session.run("pytest", *AT_A_TIME, "-m", "not servers", *session.posargs)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look for published vulnerabilities in the oldest dependencies that the package allows, and in the newest."""
    session.install(*group("audit"))
    for name, wanted in (("oldest", LOWEST), ("newest", DEPENDENCIES)):
        requirements = Path(session.create_tmp()) / f"{name}.txt"
        requirements.write_text("\n".join(wanted), encoding="utf-8")
        report = requirements.with_suffix(".json")
        report.unlink(missing_ok=True)
        # 1: there are vulnerabilities, or nobody could be asked, and then there is no report.
        given = ("--requirement", str(requirements), "--format", "json", "--output", str(report))
        session.run("pip-audit", "--progress-spinner", "off", *given, success_codes=[0, 1])
        if not report.exists() or not report.read_text(encoding="utf-8").strip():
            session.skip("the database of vulnerabilities cannot be reached from here")
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
        vulnerable = {each["name"]: [found["id"] for found in each["vulns"]]
                      for each in packages if each.get("vulns")}  # fmt: skip
        if vulnerable:
            session.error(f"the {name} dependencies have published vulnerabilities: {vulnerable}")


@nox.session(default=False)
def examples(session: nox.Session) -> None:
    """Run only the tests of the examples, each as a user would run it."""
    session.install(".", *group("tests"))
    session.run("pytest", "tests/examples", *session.posargs)


@nox.session(default=False)
def aws_cli(session: nox.Session) -> None:
    """Ask the testing service and moto through the AWS CLI, version 1, and boto3, and compare the answers."""
    session.install(".", *group("tests"))
    # In an environment of its own: it wants one version of botocore, and aiobotocore another.
    folder = Path(session.create_tmp()) / "aws_cli"
    session.run("python", "-m", "venv", str(folder))
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    session.run(str(scripts / "pip"), "install", "-q", "awscli<2", external=True)
    path = str(scripts / ("aws.cmd" if sys.platform == "win32" else "aws"))
    session.run("pytest", "tests/testing/beside", *session.posargs, env={"AWS_CLI": path})


@nox.session(default=False)
def ecosystem(session: nox.Session) -> None:
    """Run the tests with structlog, loguru and others, and the examples under all servers and workers."""
    session.install(".", *group("tests", "ecosystem", "frameworks"))
    session.run("pytest", *AT_A_TIME, "tests/ecosystem", "tests/frameworks", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site strictly and run its code; `-- --serve` for authors, `-- --build FOLDER` builds only."""
    here = ROOT / "docs"
    if "--serve" in session.posargs:
        session.install("-e", ".", *group("docs"))
        parts = ("--watch", "src", "--watch", "CHANGELOG.md", "--re-ignore", "_pictures")
        session.run("sphinx-autobuild", *parts, str(here), str(here / "_build" / "html"))
        return
    builds_only = session.posargs[:1] == ["--build"]
    site = Path(session.posargs[1]) if builds_only else here / "_build" / "html"
    session.install(".[check]", *group("docs"))
    # -E: a build from nothing, so that a warning of an unchanged page is not missed.
    session.run(
        "sphinx-build", "-E", "-W", "--keep-going", "-q", "-b", "html", str(here), str(site)
    )
    session.run("python", str(here / "check_links.py"), str(site))
    if not builds_only:
        session.install(*group("tests", "ecosystem", "frameworks"))
        session.run("pytest", *AT_A_TIME, "tests/docs", *session.posargs)


def _run_demo(session: nox.Session) -> None:
    session.install(".", *group("demo"))
    session.run("python", "tests/demo/demo.py", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Serve the FastAPI example, and read its logs back from moto, or from `-- --endpoint-url URL`."""
    _run_demo(session)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure against what users pick today; `-- --quick` takes some minutes."""
    session.install(".", *group("bench"))
    session.run("python", "tests/bench/run.py", *session.posargs)


@nox.session(default=False)
def chaos(session: nox.Session) -> None:
    """Run seeded schedules of faults and prove that every record has one fate."""
    session.install(".", *group("smoke"))
    session.run("pytest", "tests/chaos")
    session.run("python", "tests/chaos/run.py", *session.posargs)


@nox.session(default=False)
@on_every_python
def stress(session: nox.Session) -> None:
    """Let many threads log while blocks are entered and left, and count; `-- --rounds 20` for longer."""
    session.install(".")
    session.run("python", "tests/stress/run.py", *session.posargs)


@nox.session(default=False)
def fleet(session: nox.Session) -> None:
    """Drive ten thousand simulated workers through what deployments go through; `-- --workers 500` is quick."""
    session.install(".", *group("smoke"))
    session.run("python", "tests/fleet/run.py", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """Check the workflows' security with zizmor, without asking GitHub."""
    session.install(*group("workflows"))
    session.run("zizmor", "--offline", "--persona=pedantic", ".github")


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Break one rule after the other and say which test sees it; `-- wake-up` breaks only that one."""
    session.install(*group("tests"), *PYPROJECT["project"]["dependencies"])
    session.run("python", "tests/mutants/run.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and the sdist, check both, import what each installs; `-- FOLDER` keeps them there."""
    session.install(*group("build"))
    dist = Path(session.posargs[0] if session.posargs else f"{session.create_tmp()}/dist")
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))
    built = sorted(str(path) for path in dist.iterdir())
    session.run("twine", "check", "--strict", *built)
    session.run("check-wheel-contents", *(path for path in built if path.endswith(".whl")))
    for archive in built:
        session.install("--force-reinstall", "--no-deps", archive)
        session.install(archive)
        session.run(
            "python", "-I", "-c", "import aiowatchtower as a; print(a.__version__, a.__file__)"
        )
