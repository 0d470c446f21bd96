"""The local corpus: what is found, what never is, how it keeps up, what it may cost."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groqnb.local.parts import corpus_index
from groqnb.local.parts.built_in import BuiltIn, Outcome, Settings
from groqnb.local.parts.corpus import Corpus
from groqnb.local.parts.corpus_build import build
from groqnb.local.parts.corpus_docstrings import read_module
from groqnb.local.parts.corpus_domains import country_weight, is_wanted
from groqnb.local.parts.corpus_folder import Folder
from groqnb.local.parts.corpus_secrets import is_secret_name, without_secrets
from groqnb.local.parts.visit_website import VisitWebsite
from groqnb.local.parts.web_search import BrowserSearch, WebSearch, query_of

QUESTIONS = [
    ("How do I read a CSV file with pandas?", "pandas/pandas.read_csv"),
    ("merge two dataframes on a column", "pandas/pandas.DataFrame.merge"),
    ("How can I fill missing values in a DataFrame?", "pandas/pandas.DataFrame.fillna"),
    ("pandas pivot table", "pandas/pandas.pivot_table"),
    ("How do I drop duplicate rows?", "pandas/pandas.DataFrame.drop_duplicates"),
    ("convert a string to a datetime with pandas", "pandas/pandas.to_datetime"),
    ("evenly spaced numbers over an interval numpy", "numpy/numpy.linspace"),
    ("What does np.where do?", "numpy/numpy.where"),
    ("singular value decomposition", "numpy/numpy.linalg.svd"),
    ("compute the percentile of an array", "numpy/numpy.percentile"),
    ("numpy stack arrays along a new axis", "numpy/numpy.stack"),
    ("solve a system of linear equations", "numpy/numpy.linalg.solve"),
    ("matplotlib add a legend to the axes", "matplotlib/matplotlib.axes.Axes.legend"),
    ("scatter plot with different marker sizes", "matplotlib/matplotlib.axes.Axes.scatter"),
    ("plot a pie chart", "matplotlib/matplotlib.axes.Axes.pie"),
    ("save a figure as PNG", "matplotlib/matplotlib.figure.Figure.savefig"),
    ("parse command line arguments", "argparse.ArgumentParser"),
    ("count hashable objects like a multiset", "collections.Counter"),
    ("copy a directory tree recursively", "shutil.copytree"),
    ("cache function results least recently used", "functools.lru_cache"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of what notebooks use most, made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def real(cache: Path) -> Iterator[Corpus]:
    corpus = Corpus(None, cache)
    corpus.search("pandas numpy matplotlib")
    end = time.monotonic() + 120
    while corpus.search("pandas numpy matplotlib argparse").ready < 4 and time.monotonic() < end:
        time.sleep(0.2)
    for question in ("pandas", "numpy", "matplotlib", "python"):
        corpus.search(question)
    yield corpus
    corpus.close()


@pytest.mark.parametrize(("question", "page"), QUESTIONS)
def test_a_question_finds_its_page_among_the_first_three(
    real: Corpus, question: str, page: str
) -> None:
    found = real.search(question).results
    assert page in [result.page.path for result in found[:3]]
    assert all(0 < result.score <= 1 for result in found)
    assert [result.score for result in found] == sorted((r.score for r in found), reverse=True)


@pytest.mark.parametrize(
    "question",
    ["What is the weather in Tokyo?", "Who won the football world cup?", "History of Bonsai trees"],
)
def test_what_only_the_web_knows_is_not_found(real: Corpus, question: str) -> None:
    assert real.search(question).results == []


def test_a_found_page_can_be_opened_by_its_address(real: Corpus) -> None:
    found = real.search("How do I read a CSV file with pandas?").results[0]
    assert found.page.url == "local://pandas.pydata.org/pandas/pandas.read_csv"
    assert "(installed copy)" in found.page.title
    page = real.page(found.page.url)
    assert page is not None
    assert "comma-separated values" in page.text
    assert real.page("local://pandas.pydata.org/pandas/pandas.read_nothing") is None
    assert real.page("https://pandas.pydata.org/pandas/pandas.read_csv") is None


def test_domains_choose_among_the_sites_of_the_projects(real: Corpus) -> None:
    question = "How do I read a CSV file?"
    hosts = {r.page.host for r in real.search(question, include=["*.org"]).results}
    assert hosts
    assert all(host.endswith(".org") for host in hosts)
    assert not any(
        r.page.host == "pandas.pydata.org"
        for r in real.search(question, exclude=["pydata.org"]).results
    )
    assert real.search(question, include=["nowhere.example"]).results == []


def test_a_search_is_quick_once_the_index_is_there(real: Corpus) -> None:
    took = []
    for question, _ in QUESTIONS:
        real.search(question)
        before = time.process_time()
        real.search(question)
        took.append(time.process_time() - before)
    # Half of that on an idle machine; a shared one is slower.
    assert sorted(took)[len(took) // 2] < 0.1


@pytest.mark.parametrize(
    ("host", "include", "exclude", "wanted"),
    [
        ("numpy.org", [], [], True),
        ("numpy.org", ["numpy.org"], [], True),
        ("docs.numpy.org", ["numpy.org"], [], True),
        ("notnumpy.org", ["numpy.org"], [], False),
        ("numpy.org", ["*.org"], [], True),
        ("numpy.org", ["*.com"], [], False),
        ("numpy.org", ["https://numpy.org/doc"], [], True),
        ("numpy.org", ["*"], ["*.org"], False),
        ("NumPy.org", [], ["numpy.org"], False),
        ("numpy.org", [], ["num*"], False),
        ("numpy.org", [""], [], False),
    ],
)
def test_a_domain_stands_for_what_is_below_it_and_a_star_for_anything(
    host: str, include: list[str], exclude: list[str], wanted: bool
) -> None:
    assert is_wanted(host, include, exclude) is wanted


def test_a_country_moves_its_own_sites_up() -> None:
    assert country_weight("www.example.de", "Germany") > 1
    assert country_weight("www.example.fr", "germany") == 1
    assert country_weight("www.example.de", None) == country_weight("a.de", "atlantis") == 1


def install(site: Path, name: str, source: str, version: str = "1.0") -> None:
    """A package as an installer leaves it: a module, a description, a record."""
    package = site / name
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(source)
    for old in site.glob(f"{name}-*.dist-info"):
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Breeds {name}s\n"
        f"Project-URL: Documentation, https://docs.{name}.example/en/\n\n"
        f"# {name}\n\n![badge](https://img.example/{name}.png)\nAll about breeding.\n"
    )
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n")


def test_packages_that_come_change_and_go_are_noticed(tmp_path: Path) -> None:
    site, cache = tmp_path / "site", tmp_path / "cache"
    install(site, "zebra", '"""Striped animals of the savanna, as data."""\n')
    corpus = Corpus(None, cache, [str(site)])
    try:
        found = corpus.search("zebra striped animals").results
        assert {r.page.url for r in found} >= {"local://docs.zebra.example/zebra/zebra"}
        install(site, "okapi", '"""Shy animals of the rain forest, as data."""\n')
        assert corpus.search("okapi shy forest").results[0].page.host == "docs.okapi.example"
        install(site, "zebra", '"""Quaggas, extinct since 1883."""\n', "2.0")
        changed = corpus.search("zebra quaggas").results[0].page
        assert "zebra 2.0" in changed.title
        for file in (site / "okapi-1.0.dist-info").iterdir():
            file.unlink()
        (site / "okapi-1.0.dist-info").rmdir()
        assert corpus.search("okapi").results == []
    finally:
        corpus.close()


@pytest.mark.parametrize("question", ["zebra striped animals", "all about breeding"])
def test_a_search_waits_for_what_it_needs_of_an_index_that_is_being_made(
    question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a machine so busy that the usual time is not enough: a named package, and anything
    where else nothing would be found."""
    monkeypatch.setattr("groqnb.local.parts.corpus._MOST_SECONDS", 0.0)
    monkeypatch.setattr("groqnb.local.parts.corpus._PATIENCE_SECONDS", 120.0)
    install(tmp_path / "site", "zebra", '"""Striped animals of the savanna."""\n')
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    try:
        assert corpus.search(question).results
    finally:
        corpus.close()


@pytest.mark.skipif(shutil.which("false") is None, reason="no program that always fails")
def test_a_search_does_not_wait_for_an_index_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groqnb.local.parts.corpus._PATIENCE_SECONDS", 3600.0)
    monkeypatch.setattr("groqnb.local.parts.corpus.sys.executable", shutil.which("false"))
    install(tmp_path / "site", "zebra", '"""Striped animals of the savanna."""\n')
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    try:
        assert corpus.search("zebra").results == []
    finally:
        corpus.close()


def test_a_page_names_the_images_of_the_web_that_it_shows(tmp_path: Path) -> None:
    install(tmp_path / "site", "zebra", '"""Striped animals of the savanna."""\n')
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    try:
        page = corpus.page("local://docs.zebra.example/zebra")
        assert page is not None
        assert list(page.images) == ["https://img.example/zebra.png"]
    finally:
        corpus.close()


def test_packages_are_never_imported(tmp_path: Path) -> None:
    mark = tmp_path / "imported"
    source = f'"""Animals with stripes."""\nopen({str(mark)!r}, "w").close()\n'
    install(tmp_path / "site", "zebra", source)
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    try:
        assert corpus.search("zebra stripes").results
    finally:
        corpus.close()
    assert not mark.exists()


def test_a_damaged_index_is_made_again(tmp_path: Path) -> None:
    install(tmp_path / "site", "zebra", '"""Striped animals of the savanna."""\n')
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    corpus.search("zebra")
    corpus.close()
    (index,) = (tmp_path / "cache" / "corpus").glob("*.db")
    index.write_bytes(b"no database " * 1000)
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    try:
        assert corpus.search("zebra striped").results
    finally:
        corpus.close()


def test_without_fts5_the_same_page_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "zebra", '"""Striped animals of the savanna, as data."""\n')
    install(tmp_path / "site", "okapi", '"""Shy animals of the rain forest, as data."""\n')
    monkeypatch.setattr(corpus_index, "has_fts5", lambda _database: False)
    path = tmp_path / "slow.db"
    assert build(path, [str(tmp_path / "site")])
    index = corpus_index.Index(path)
    try:
        assert not index.fast
        assert index.candidates(["shy", "animals"], 5)[0].path.startswith("okapi")
        assert index.candidates(["shy"], 5, ["docs.zebra.example"]) == []
    finally:
        index.close()


def test_two_engines_make_and_use_one_index_at_the_same_time(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for number in range(20):
        doc = f"Striped animal number {number}, of the savanna."
        methods = "\n".join(f'def run_{n}():\n    """Run away, way {n}."""' for n in range(50))
        install(site, f"zebra{number}", f'"""{doc}"""\n{methods}\n')
    script = (
        "import sys; from pathlib import Path; from groqnb.local.parts.corpus import Corpus\n"
        "corpus = Corpus(None, Path(sys.argv[1]), [sys.argv[2]])\n"
        "found = corpus.search('zebra7 striped')\n"
        "print(found.results[0].page.path); corpus.close()"
    )
    engines = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "cache"), str(site)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for engine in engines:
        out, errors = engine.communicate(timeout=60)
        assert engine.returncode == 0, errors
        assert out.startswith("zebra7")
    assert len(list((tmp_path / "cache" / "corpus").glob("*.db"))) == 1


def test_a_builder_ends_with_the_engine_that_started_it(tmp_path: Path) -> None:
    builder = subprocess.Popen(
        [sys.executable, "-m", "groqnb.local.parts.corpus_build"], stdin=subprocess.PIPE
    )
    assert builder.stdin is not None
    settings = {"path": str(tmp_path / "x.db"), "folders": None, "first": []}
    builder.stdin.write(json.dumps(settings).encode() + b"\n")
    builder.stdin.flush()
    time.sleep(0.5)
    assert builder.poll() is None
    builder.stdin.close()
    builder.wait(timeout=60)


def test_large_broken_and_deep_sources_cost_little(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "huge", '"""A very large module."""\n' + "x = 1\n" * 400_000)
    install(site, "broken", '"""Not Python"""\ndef (:\n')
    install(site, "deep", "x = " + "(" * 3000 + ")" * 3000)
    install(site, "wordy", '"""' + "many words of a long text\n" * 20_000 + '"""')
    before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert build(tmp_path / "x.db", [str(site)])
    assert time.process_time() - before[0] < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before[1] < 150_000
    index = corpus_index.Index(tmp_path / "x.db")
    try:
        assert index.page("docs.huge.example", "huge/huge") is None
        page = index.page("docs.wordy.example", "wordy/wordy")
        assert page is not None
        assert len(page.text) < 7_000
    finally:
        index.close()


def test_docstrings_of_nested_and_conditional_things_are_read() -> None:
    source = b'''"""A module of much use."""
try:
    def fast(x: int = 1, *, y=None) -> int:
        """Do it fast, as C would."""
except ImportError:
    pass
class Tool:
    """Something to work with."""
    def use(self):
        """Use it with great care."""
    def _hide(self):
        """Not meant for anyone else."""
add_newdoc("module", "thing", """Documented from outside, in C.""")
'''
    found = {each.name: each.signature for each in read_module(source).documented}
    assert found == {
        "": "",
        "fast": "(x: int=1, *, y=None)",
        "Tool": "",
        "Tool.use": "(self)",
        "thing": "",
    }


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "field-notes.md").write_text("# Field notes\n\nThe okapi was seen near Epulu.\n")
    cells = [
        {"cell_type": "markdown", "source": ["# Counting okapis\n", "by camera traps"]},
        {"cell_type": "code", "source": "total = traps.sum()", "outputs": [{"text": "GORILLA"}]},
    ]
    (folder / "count.ipynb").write_text(json.dumps({"cells": cells}))
    (folder / "traps.csv").write_text("camera,okapis\n" + "north,3\n" * 50 + "hyena,9\n")
    (folder / "helpers.py").write_text('def tally(x):\n    """Tally the camera traps."""\n')
    return folder


def test_the_folder_is_read_without_outputs_and_long_tables(notebooks: Path) -> None:
    pages = {page.path: page for page in Folder(notebooks).pages()}
    assert set(pages) == {"field-notes.md", "count.ipynb", "traps.csv", "helpers.py"}
    assert "camera traps" in pages["count.ipynb"].text
    assert "GORILLA" not in pages["count.ipynb"].text
    assert "camera,okapis" in pages["traps.csv"].text
    assert "hyena" not in pages["traps.csv"].text
    assert "Tally the camera traps." in pages["helpers.py"].text
    assert pages["field-notes.md"].url == "local://notebook-folder/field-notes.md"


def test_a_changed_file_is_seen_at_the_next_search(notebooks: Path, tmp_path: Path) -> None:
    corpus = Corpus(notebooks, tmp_path / "cache", [])
    try:
        assert corpus.search("okapi Epulu").results[0].page.path == "field-notes.md"
        (notebooks / "field-notes.md").write_text("# Field notes\n\nNow a leopard, in Garamba.\n")
        assert corpus.search("leopard in Garamba").results[0].page.path == "field-notes.md"
        assert corpus.search("Epulu").results == []
        (notebooks / "field-notes.md").unlink()
        assert corpus.search("leopard in Garamba").results == []
        assert corpus.page("local://notebook-folder/field-notes.md") is None
    finally:
        corpus.close()


SECRET_NAMES = [
    ".env", ".netrc", ".ssh/id_rsa.txt", "secrets.txt", "my-passwords.md", "api_keys.txt",
    "credentials.csv", "groqToken.txt", "private/notes.md", "aws.key.txt", "env/readme.md",
    ".ipynb_checkpoints/count-checkpoint.ipynb",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secrets_and_hidden_files_are_never_read(notebooks: Path, name: str) -> None:
    (notebooks / name).parent.mkdir(parents=True, exist_ok=True)
    (notebooks / name).write_text("xyzzy")
    assert all("xyzzy" not in page.text for page in Folder(notebooks).pages())


@pytest.mark.parametrize(
    "line",
    [
        'os.environ["GROQ_API_KEY"] = "xyzzy"',
        "client = Groq(api_key='xyzzy')",
        "password: xyzzy",
        "gsk_xyzzyxyzzyxyzzyxyzzy",
        "postgres://admin:xyzzy@db.example/main",
        "AKIAXYZZYXYZZYXYZZYxyzzy",
        "Authorization: Bearer xyzzy",
    ],
)
def test_lines_that_look_like_secrets_are_left_out(line: str) -> None:
    told = without_secrets(f"before\n{line}\nafter")
    assert "xyzzy" not in told
    assert "before" in told
    assert "after" in told


def test_a_text_with_a_private_key_is_left_out_whole() -> None:
    assert without_secrets("x\n-----BEGIN RSA PRIVATE KEY-----\nxyzzy\n-----END") == ""
    assert not is_secret_name("keynote.md")
    assert without_secrets("Press the key, then use the token ring.") != ""


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_not_followed(notebooks: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "diary.md").write_text("xyzzy")
    (notebooks / "diary.md").symlink_to(tmp_path / "outside" / "diary.md")
    (notebooks / "more").symlink_to(tmp_path / "outside")
    assert all("xyzzy" not in page.text for page in Folder(notebooks).pages())


def test_of_a_home_folder_only_the_top_is_read(
    notebooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notebooks / "letters").mkdir()
    (notebooks / "letters" / "bank.md").write_text("xyzzy")
    assert any("xyzzy" in page.text for page in Folder(notebooks).pages())
    monkeypatch.setattr(Path, "home", classmethod(lambda _cls: notebooks))
    assert all("xyzzy" not in page.text for page in Folder(notebooks).pages())


def test_a_folder_with_too_much_in_it_is_read_in_part(notebooks: Path) -> None:
    for number in range(1_100):
        (notebooks / f"note{number}.txt").write_text(f"note number {number}")
    (notebooks / "endless.txt").write_text("word " * 1_000_000)
    folder = Folder(notebooks)
    before = time.process_time()
    pages = folder.pages()
    assert time.process_time() - before < 2
    assert len(pages) <= 1_000
    assert max(len(page.text) for page in pages) <= 41_000


def run(tool: BuiltIn, **settings: object) -> Outcome:
    """What the tool gives for a question about zebras."""
    arguments = tool.arguments_from("Search for zebra stripes, please?")
    assert arguments is not None
    return asyncio.run(tool.run(arguments, Settings(**settings)))  # type: ignore[arg-type]


@pytest.fixture
def zebras(tmp_path: Path) -> Iterator[Corpus]:
    install(tmp_path / "site", "zebra", '"""Striped animals: zebra stripes of the savanna."""\n')
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    yield corpus
    corpus.close()


@pytest.mark.parametrize("kind", [WebSearch, BrowserSearch])
def test_a_search_says_that_it_did_not_search_the_web(
    zebras: Corpus, kind: type[WebSearch] | type[BrowserSearch]
) -> None:
    outcome = run(kind(zebras))
    assert "Not the web." in outcome.output.partition("\n")[0]
    assert "local://docs.zebra.example/zebra/zebra" in outcome.output
    assert outcome.search_results is not None
    for result in outcome.search_results["results"]:
        assert set(result) == {"title", "url", "content", "score"}
        assert 0 < result["score"] <= 1
    assert not outcome.failed
    nothing = run(kind(zebras), exclude_domains=["*.example"])
    assert nothing.failed
    assert "does not reach the web" in nothing.output
    assert nothing.search_results == {"results": [], "images": []}


def test_images_come_when_they_are_asked_for(zebras: Corpus) -> None:
    shown = run(WebSearch(zebras), include_images=True).search_results
    assert shown is not None
    assert shown["images"] == ["https://img.example/zebra.png"]
    without = run(WebSearch(zebras)).search_results
    assert without is not None
    assert without["images"] == []


@pytest.mark.parametrize(
    ("question", "told", "failed"),
    [
        ("Read local://docs.zebra.example/zebra.", "All about breeding", False),
        ("Read local://docs.zebra.example/gnu", "There is no page", True),
        ("Read https://docs.zebra.example/en/, then https://b.example", "local://docs.zebra", True),
        ("Read http://[broken", "does not reach the web", True),
        ("Read it", "no address", True),
    ],
)
def test_only_pages_of_the_corpus_can_be_visited(
    zebras: Corpus, question: str, told: str, failed: bool
) -> None:
    tool = VisitWebsite(zebras)
    outcome = asyncio.run(tool.run(tool.arguments_from(question), Settings()))
    assert told in outcome.output
    assert outcome.failed is failed
    assert tool.is_asked_for(question) is ("://" in question)


def test_of_a_long_message_what_it_asks_is_searched() -> None:
    message = "Here is my log. " + "Nothing of interest happened. " * 40 + "Why does merge fail?"
    assert query_of(message) == "Why does merge fail?"
    assert len(query_of("word " * 1000)) <= 300


def test_an_index_that_is_locked_for_long_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a damaged file is made anew: a busy one is in use by somebody."""
    install(tmp_path / "site", "zebra", '"""Striped animals of the savanna."""\n')
    monkeypatch.setattr(corpus_index, "_BUSY_SECONDS", 0.1)
    corpus = Corpus(None, tmp_path / "cache", [str(tmp_path / "site")])
    corpus.search("zebra")
    corpus.close()
    (path,) = (tmp_path / "cache" / "corpus").glob("*.db")
    before = path.read_bytes()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            corpus.search("zebra")
        assert path.read_bytes() == before
    finally:
        other.close()
        corpus.close()
