"""The pages as files: types, caching, and that nothing comes from elsewhere."""

import re
from collections.abc import Mapping
from importlib.resources import files

import pytest
from trio.testing import trio_test

from auricle.server.http.routing import Request, Response, Routes, answer
from auricle.server.http.web_pages import ASSETS, CONTENT_TYPES, page_routes

WEB = {each.name: each.read_text(encoding="utf-8") for each in files("auricle.server").joinpath("web").iterdir()}
PAGES = {name: text for name, text in WEB.items() if name.endswith(".html")}


@pytest.fixture(scope="module")
def routes() -> Routes:
    return page_routes()


async def get(routes: Routes, path: str, headers: Mapping[str, str] | None = None) -> Response:
    return await answer(routes, Request("GET", path, headers or {}))


@trio_test
async def test_the_front_page_is_html_that_trusts_nobody_else(routes: Routes) -> None:
    response = await get(routes, "/")
    headers = dict(response.headers)
    assert (response.status, response.content_type) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Permissions-Policy"].startswith("microphone=(self)")
    assert b"auricle.v1" in response.body


@trio_test
async def test_who_has_a_file_already_is_not_sent_it_again(routes: Routes) -> None:
    first = await get(routes, "/web/app.mjs")
    tag = dict(first.headers)["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await get(routes, "/web/app.mjs", {"if-none-match": known})
        assert (again.status, again.body) == (304, b"")
    assert (await get(routes, "/web/app.mjs", {"if-none-match": '"other"'})).body == first.body
    assert first.cache_control == "no-cache"


@trio_test
async def test_every_file_has_a_type_and_is_served(routes: Routes) -> None:
    for name in WEB:
        if name not in PAGES:
            response = await get(routes, ASSETS + name)
            assert (response.status, response.content_type) == (200, CONTENT_TYPES[name[name.rindex(".") :]])


@pytest.mark.parametrize("path", ["/web/", "/web/index.html", "/web/../app.py", "/web/none.mjs"])
@trio_test
async def test_nothing_else_is_served(routes: Routes, path: str) -> None:
    assert (await get(routes, path)).status == 404


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
