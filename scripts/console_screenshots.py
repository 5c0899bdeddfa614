#!/usr/bin/env python3
"""Pictures of the console for docs/screenshots, taken from a server that runs.

    wiredesk demo
    key=$(wiredesk serve keys add screenshots --role editor)
    .venv/bin/python scripts/console_screenshots.py --url ADDRESS --key $key docs/screenshots

Drives the distribution's Chromium. The story opened is the one with the highest score.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SHOTS = (
    ("wall", "/console", DESK, "light"),
    ("wall-dark", "/console", DESK, "dark"),
    ("story", "story", DESK, "light"),
    ("story-dark", "story", DESK, "dark"),
    ("dismiss", "dismiss", DESK, "light"),
    ("keys", "keys", DESK, "dark"),
    ("moderation", "/console/moderation", DESK, "light"),
    ("quality", "/console/quality", DESK, "light"),
    ("decisions", "/console/decisions", DESK, "light"),
    ("reader", "/console/reader", DESK, "light"),
    ("phone-wall", "/console", PHONE, "light"),
    ("phone-story", "story", PHONE, "dark"),
    ("login", "login", PHONE, "light"),
)
"""Name, page, size, colours."""


SCRIPTS = {"ar": "Arabic", "hi": "Devanagari", "ja": "Japanese", "ko": "Korean", "zh": "Chinese"}
"""Languages of the demo that the console's own typefaces do not cover."""


def main() -> None:
    """Take the pictures that were asked for."""
    options = arguments()
    if missing := without_font():
        print(
            f"no font here for {', '.join(missing)}: headlines in them become boxes "
            "(Debian: apt-get install fonts-noto-core fonts-noto-cjk)",
            file=sys.stderr,
        )
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        cookies = logged_in(browser, options.url, options.key)
        for name, what, size, colours in SHOTS:
            if options.only and name not in options.only:
                continue
            context = browser.new_context(
                viewport=size, color_scheme=colours, device_scale_factor=options.scale
            )
            if what != "login":
                context.add_cookies(cookies)
            page = context.new_page()
            page.on("console", lambda message: print(message.text))
            shoot(page, options.url, what, options.folder / f"{name}.png")
            context.close()
        browser.close()


def without_font() -> list[str]:
    """Scripts that no font on this machine draws, as fontconfig tells."""
    if shutil.which("fc-list") is None:
        return []
    return [
        script
        for language, script in SCRIPTS.items()
        if not subprocess.run(
            ["fc-list", f":lang={language}"], capture_output=True, check=True
        ).stdout
    ]


def logged_in(browser: Browser, url: str, key: str) -> list:
    """The cookies of a new session."""
    page = browser.new_page()
    page.goto(f"{url}/login")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/console")
    return page.context.cookies()


def shoot(page: Page, url: str, what: str, file: Path) -> None:
    """One picture."""
    path = what if what.startswith("/") else "/login" if what == "login" else "/console"
    page.goto(url + path)
    if what != "login":
        page.locator(".connection.live").wait_for()
    if what in {"story", "dismiss"}:
        page.locator(".row-link").first.click()
        page.locator("[data-open]").wait_for()
    if what == "dismiss":
        page.keyboard.press("d")
        page.locator("#dialog[open]").wait_for()
    if what == "keys":
        page.keyboard.press("?")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=file)
    print(file, f"{file.stat().st_size // 1024} KB")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True, help="an API key of an editor")
    parser.add_argument("--only", nargs="*", help="names of pictures")
    parser.add_argument("--scale", type=float, default=1, help="device pixels per CSS pixel")
    return parser.parse_args()


if __name__ == "__main__":
    main()
