"""The pages as files: types, caching, and that nothing comes from elsewhere."""

import re
from importlib.resources import files

import pytest
from trio.testing import trio_test

from auricle.server.http.web_pages import CONTENT_TYPES, page_routes
from server.http.listener_harness import get, request

WEB = {each.name: each.read_text(encoding="utf-8") for each in files("auricle.server").joinpath("web").iterdir()}
PAGES = {name: text for name, text in WEB.items() if name.endswith(".html")}


async def asked(path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
    return await get(request("\r\n".join([f"GET {path} HTTP/1.1", *headers])), page_routes())


@trio_test
async def test_the_front_page_is_html_that_trusts_nobody_else() -> None:
    status, headers, body = await asked("/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["permissions-policy"].startswith("microphone=(self)")
    assert b"auricle.v1" in body


@trio_test
async def test_who_has_a_file_already_is_not_sent_it_again() -> None:
    _, headers, body = await asked("/web/app.mjs")
    tag = headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        status, again, rest = await asked("/web/app.mjs", f"If-None-Match: {known}")
        assert (status, rest, again["cache-control"]) == (304, b"", "no-cache")
        assert again["content-security-policy"] == headers["content-security-policy"]
    assert (await asked("/web/app.mjs", 'If-None-Match: "other"'))[2] == body
    assert headers["cache-control"] == "no-cache"


@trio_test
async def test_every_file_has_a_type_and_is_served() -> None:
    for name in WEB:
        if name not in PAGES:
            status, headers, _ = await asked(f"/web/{name}")
            assert (status, headers["content-type"]) == (200, CONTENT_TYPES[name[name.rindex(".") :]])


@pytest.mark.parametrize(
    "path", ["/web/", "/web", "/web/index.html", "/web/../app.py", "/web/..", "/web/%2e%2e%2fapp.py", "/web/none.mjs"]
)
@trio_test
async def test_nothing_else_is_served(path: str) -> None:
    assert (await asked(path))[0] == 404


@pytest.mark.parametrize("name", sorted(WEB))
def test_nothing_is_loaded_from_elsewhere_or_written_inline(name: str) -> None:
    allowed = {"http://www.w3.org/2000/svg", "http://localhost"}
    assert set(re.findall(r"(?:https?:)//[\w./-]+", WEB[name])) <= allowed
    if name in PAGES:
        assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?![^>]*src=)", WEB[name])


@pytest.mark.parametrize("name", sorted(WEB))
def test_what_a_file_names_is_there(name: str) -> None:
    named = re.findall(r"""(?:src|href)="web/([^"]+)"|from '\./([^']+)'|new URL\('\./([^']+)'""", WEB[name])
    assert {path for groups in named for path in groups if path} <= set(WEB)


@pytest.mark.parametrize("name", sorted(name for name in WEB if name.endswith(".mjs")))
def test_elements_that_a_script_asks_for_are_on_a_page(name: str) -> None:
    asked = set(re.findall(r"""(?:\$|getElementById)\('([\w-]+)'\)""", WEB[name]))
    page = PAGES["status.html" if name == "status.mjs" else "index.html"]
    assert asked <= set(re.findall(r'\bid="([\w-]+)"', page))
