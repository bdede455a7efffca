"""`/docs` and `/ui/` work without the internet, and are read without a token."""

from __future__ import annotations

import importlib.util
import re

import requests


def test_docs_fetch_nothing_from_elsewhere(start_server):
    server = start_server(tokens=("secret",))
    page = requests.get(f"{server.url}/docs", timeout=10)
    assert page.status_code == 200
    if importlib.util.find_spec("fastapi_offline") is None:  # then the document itself has to do
        assert page.url == f"{server.url}/openapi.json"
        return
    assert "/openapi.json" in page.text
    assert "//" not in re.sub(r"<!--.*?-->", "", page.text).replace("<!DOCTYPE html>", "")
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 3
    for path in linked:
        assert path.startswith("/docs/assets/")
        answer = requests.get(server.url + path, timeout=10)
        assert answer.status_code == 200
        assert len(answer.content) > 1000


def test_nothing_but_the_bundle_is_reached_through_its_path(start_server):
    server = start_server(tokens=("secret",))
    for path in ("/docs/assets/../../metrics", "/docs/assets/%2e%2e/%2e%2e/core.py", "/docs/assets/..%2fcore.py"):
        request = requests.Request("GET", server.url).prepare()
        request.url = server.url + path  # requests itself would resolve the dots
        with requests.Session() as session:
            assert session.send(request, timeout=10).status_code in (401, 404)


def test_the_page_is_read_without_a_token_and_posts_with_one(start_server):
    server = start_server(tokens=("secret",))
    page = requests.get(f"{server.url}/ui", timeout=10)
    assert page.url == f"{server.url}/ui/"
    assert "connect-src 'self';" in page.headers["Content-Security-Policy"]
    for name in re.findall(r'(?:src|href)="([\w.]+)"', page.text):
        assert requests.get(f"{server.url}/ui/{name}", timeout=10).status_code == 200
    about = requests.get(f"{server.url}/ui/about.json", timeout=10).json()
    assert (about["kind"], about["guarded"]) == ("server", True)
    assert requests.compat.urljoin(page.url, about["analyze"]) == f"{server.url}/analyze"
    assert server.analyze().status_code == 401
    for outside in ("/ui/__init__.py", "/ui/%2e%2e/metrics", "/ui/..%2f__init__.py", "/uix"):
        request = requests.Request("GET", server.url).prepare()
        request.url = server.url + outside
        with requests.Session() as session:
            assert session.send(request, timeout=10).status_code in (401, 404)


def test_without_the_page_there_is_none(start_server):
    assert requests.get(f"{start_server(page=False).url}/ui/", timeout=10).status_code == 404
