"""The documentation as a site: it is built without a warning, and every page of it can be reached."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import DOCS

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install -e '.[docs]'")
pytest.importorskip("furo", reason="furo is not installed: pip install -e '.[docs]'")
pytest.importorskip("myst_parser", reason="MyST is not installed: pip install -e '.[docs]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(folder / "trees"),
        str(DOCS),
        str(folder / "html"),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder / "html"


def test_it_is_built_without_a_warning(site: Path) -> None:
    assert (site / "index.html").is_file()


def test_every_page_is_in_the_table_of_contents(site: Path) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).with_suffix(".html").as_posix()
        assert name == "index.html" or f'href="{name}"' in front, name


def test_the_api_is_told_from_its_docstrings(site: Path) -> None:
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in ("auricle.server.transcription.transcribe", "auricle.transports.asyncio.connect", "auricle.core.Start"):
        assert f'id="{name}"' in page, name


def test_a_link_that_leads_nowhere_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(
        (DOCS / "conf.py")
        .read_text(encoding="utf-8")
        .replace("Path(__file__).parents[1]", f"Path({str(DOCS.parent)!r})"),
        encoding="utf-8",
    )
    (tmp_path / "index.md").write_text("# A page\n\n[Nowhere](nowhere.md), [here](#not-here)\n", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(tmp_path), str(tmp_path / "html")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode != 0
    assert len(re.findall("xref_missing", built.stderr)) == 2
