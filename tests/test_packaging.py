"""What is packed, and which version it says, wherever it is built from."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path

import pytest

import napari_cropzoom

ROOT = Path(__file__).parents[1]
PACKAGED = Path(napari_cropzoom.__file__).with_name("napari.yaml")
FILES = (
    "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "napari.yaml", ".gitattributes",
    ".git_archival.txt",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    find_spec("hatch_vcs") is None or shutil.which("git") is None, reason="needs hatch-vcs and git"
)


def git(folder, *arguments):
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """A git repository with one commit of the files there are now, and no tag."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "All")
    return folder


def hatchling(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def version_of(folder):
    return hatchling(folder, "version")


def shallow_clone(repository, folder):
    git(repository, "clone", "--quiet", "--depth", "1", repository.as_uri(), str(folder))
    return folder


def archive(repository, folder):
    """Unpack what ``git archive`` gives, as a download of the source from a website is made."""
    git(repository, "archive", "--format=tar", f"--output={folder}.tar", "HEAD")
    with tarfile.open(f"{folder}.tar") as packed:
        packed.extractall(folder, filter="data")
    return folder


def test_the_wheel_carries_the_manifest_its_entry_point_and_the_types(repository, tmp_path):
    hatchling(repository, "build", "--target", "wheel", "--directory", str(tmp_path))
    [path] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        assert wheel.read("napari_cropzoom/napari.yaml") == PACKAGED.read_bytes()
        entry = next(name for name in names if name.endswith("entry_points.txt"))
        assert "napari-cropzoom = napari_cropzoom:napari.yaml" in wheel.read(entry).decode()
        metadata = Parser().parsestr(
            wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
        )
    assert "napari_cropzoom/py.typed" in names
    assert "napari_cropzoom/core/boxes.py" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"napari_cropzoom"}
    assert {url.partition(",")[0] for url in metadata.get_all("Project-URL")} >= {"Homepage", "Issues"}


def test_a_tag_is_the_version_in_every_way_to_build(repository, tmp_path):
    git(repository, "tag", "v7.8.9")
    assert version_of(repository) == "7.8.9"
    assert version_of(shallow_clone(repository, tmp_path / "shallow")) == "7.8.9"
    assert version_of(archive(repository, tmp_path / "archive")) == "7.8.9"

    hatchling(repository, "build", "--target", "sdist", "--directory", str(tmp_path))
    with tarfile.open(tmp_path / "napari_cropzoom-7.8.9.tar.gz") as sdist:
        sdist.extractall(tmp_path, filter="data")
    unpacked = tmp_path / "napari_cropzoom-7.8.9"
    assert version_of(unpacked) == "7.8.9"
    assert {path.name for path in unpacked.iterdir()} >= {"src", "README.md", "LICENSE", "PKG-INFO"}
    assert not (unpacked / "sample_data").exists()


@pytest.mark.skipif(not (ROOT / "napari.yaml").is_symlink(), reason="this checkout has no links itself")
@pytest.mark.parametrize("settings", [(), ("core.symlinks=false", "core.autocrlf=true")])
def test_a_checkout_without_links_and_with_windows_line_ends_packs_the_same(
    repository, tmp_path, settings
):
    options = [f"--config={each}" for each in settings]
    git(repository, "clone", "--quiet", *options, repository.as_uri(), str(tmp_path / "clone"))
    clone = tmp_path / "clone"
    assert b"\r\n" not in (clone / "src" / "napari_cropzoom" / "app.py").read_bytes()
    assert (clone / "napari.yaml").is_symlink() == (not settings)
    hatchling(clone, "build", "--target", "sdist", "--directory", str(tmp_path))
    [path] = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        packed = next(each for each in sdist.getmembers()
                      if each.name.endswith("/src/napari_cropzoom/napari.yaml"))  # fmt: skip
        assert packed.isfile()
        content = sdist.extractfile(packed)
        assert content is not None
        assert content.read() == PACKAGED.read_bytes()


def test_a_wheel_made_of_the_sdist_is_a_plugin_too(repository, tmp_path):
    """`pip install` of an sdist builds a wheel of what is in it."""
    hatchling(repository, "build", "--target", "sdist", "--directory", str(tmp_path))
    [path] = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        sdist.extractall(tmp_path, filter="data")
    unpacked = tmp_path / path.name.removesuffix(".tar.gz")
    hatchling(unpacked, "build", "--target", "wheel", "--directory", str(tmp_path))
    [made] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(made) as wheel:
        assert wheel.read("napari_cropzoom/napari.yaml") == PACKAGED.read_bytes()


def test_without_a_tag_it_builds_too(repository, tmp_path):
    assert version_of(repository).startswith("0.1.")
    assert version_of(shallow_clone(repository, tmp_path / "shallow")).startswith("0.1.")
    assert version_of(archive(repository, tmp_path / "archive"))
    plain = shutil.copytree(repository, tmp_path / "plain", ignore=shutil.ignore_patterns(".git"))
    assert version_of(plain) == "0.1.0"


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    """`conda` has no extras: what is optional for pip is left to the person there too."""
    names = {"opencv-python-headless": "py-opencv"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {}
    for line in project["dependencies"]:
        name, _, version = line.partition(">=")
        wanted[names.get(name, name)] = version.removesuffix(".84")
    run = (ROOT / "conda" / "meta.yaml").read_text().partition("  run:\n")[2].partition("\n\n")[0]
    lines = [line.removeprefix("    - ") for line in run.splitlines()]
    assert lines.pop(0) == "python >={{ python_min }},<3.14"
    assert dict(line.split(" >=") for line in lines) == wanted
    assert project["requires-python"] == ">=3.11,<3.14"
