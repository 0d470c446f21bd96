"""Find a Chrome or Chromium on this machine, or say plainly that there is none.

The order: ``GROQNB_CHROME``, the names that Linux packages put on ``PATH``, the applications
folders of macOS, the program folders of Windows, and last what ``playwright install chromium``
downloaded. Run as a program it prints the path, so that a script can ask.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ON_PATH = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
MAC_APPS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
)
WINDOWS_PROGRAMS = (r"Google\Chrome\Application\chrome.exe", r"Chromium\Application\chrome.exe")
WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")

MISSING = (
    "no Chrome or Chromium was found: install one, run `playwright install chromium`, "
    "or set GROQNB_CHROME to the path of one"
)

# `--host-resolver-rules` makes leaving the machine impossible, so that a test which forgets to
# look at the requests is still offline; without a proxy, since the page is on loopback.
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class NoBrowser(Exception):
    """There is no Chrome or Chromium here, or ``GROQNB_CHROME`` names none."""


def find() -> Path:
    """The executable of a Chrome or Chromium; NoBrowser when there is none.

    A ``GROQNB_CHROME`` that names nothing is an error and never falls back to another browser.
    """
    named = os.environ.get("GROQNB_CHROME")
    if named:
        found = shutil.which(named)
        if found is None:
            raise NoBrowser(f"GROQNB_CHROME is {named!r}, and there is no such program")
        return Path(found)
    for path in _places():
        if path.is_file() and _starts(path):
            return path
    raise NoBrowser(MISSING)


def demanded() -> bool:
    """True where a missing browser is a failure and no reason to skip: in CI."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _places() -> Iterator[Path]:
    for name in ON_PATH:
        found = shutil.which(name)
        if found:
            yield Path(found)
    if sys.platform == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield from (folder / app for app in MAC_APPS)
    if sys.platform == "win32":
        folders = [Path(os.environ[name]) for name in WINDOWS_FOLDERS if name in os.environ]
        yield from (folder / program for folder in folders for program in WINDOWS_PROGRAMS)
    downloaded = _playwrights_own()
    if downloaded:
        yield downloaded


def _playwrights_own() -> Path | None:
    # Asked in a process of its own: Playwright's sync interface keeps an event loop running.
    ask = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=False
    )
    return Path(done.stdout.strip()) if done.returncode == 0 and done.stdout.strip() else None


def _starts(path: Path) -> bool:
    # Some distributions put a script there which only says how to install the real one. On
    # Windows `--version` opens a window, and such scripts are not known.
    if sys.platform == "win32":
        return True
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, timeout=30, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "chrom" in done.stdout.lower()


if __name__ == "__main__":
    try:
        print(find())
    except NoBrowser as missing:
        sys.exit(str(missing))
