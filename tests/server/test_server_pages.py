"""`/docs` works without the internet, and without a token."""

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
