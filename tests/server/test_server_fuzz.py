"""Requests drawn from the server's own description: each answer is one that it names, and none is 500.

The same requests each time: a failure that comes and goes would teach nobody anything.
"""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)


def no_fault_of_the_server(context, response, case):
    """503 and 504 are answers of the contract; 500 and whatever else there is above is none."""
    assert response.status_code < 500 or response.status_code in (503, 504), response.text


CHECKS = [
    no_fault_of_the_server,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    ("/", "GET"),
    ("/analyze", "POST"),
    ("/metrics", "GET"),
    ("/v2", "GET"),
    ("/v2/health/live", "GET"),
    ("/v2/health/ready", "GET"),
    ("/v2/models/{model}", "GET"),
    ("/v2/models/{model}/ready", "GET"),
    ("/v2/models/{model}/infer", "POST"),
]


@pytest.fixture(scope="module")
def described(_module_server):
    return schemathesis.openapi.from_url(f"{_module_server.url}/openapi.json")


def test_every_operation_that_is_described_is_drawn_from(described):
    found = [(each.ok().path, each.ok().method.upper()) for each in described.get_all_operations()]
    assert sorted(found) == sorted(OPERATIONS)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_what_is_described_is_what_is_answered(live_server, described, path, method, mode):
    live_server.model.gate.set()  # an image that happens to begin with "wait" does not
    seen: Counter[int] = Counter()

    @given(case=described[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=25 if method == "POST" else 4,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    def ask(case):
        answer = case.call_and_validate(checks=CHECKS, timeout=20)
        seen[answer.status_code] += 1

    with contextlib.suppress(Unsatisfiable):  # nothing is wrong with a GET without parameters
        ask()
    if path == "/analyze":
        assert seen[200 if mode == GenerationMode.POSITIVE else 400] + seen[415] > 0
