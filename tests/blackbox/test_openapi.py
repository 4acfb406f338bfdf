"""The description that clients are generated from.

SPDX-License-Identifier: MIT
"""
import json
import re

import pytest

from harness import HOOKS


@pytest.fixture(scope="module")
def described(service):
    reply = service.call("GET", "/openapi.json", headers={"Authorization": None})
    assert reply.status_code == 200
    return reply.json()


def test_version_and_paths(described):
    assert described["openapi"].startswith("3.1")
    for path in ("/v1/events", "/v1/deliveries", HOOKS, HOOKS + "list"):
        assert path in described["paths"] or path.rstrip("/") in described["paths"]


def test_references_lead_somewhere(described):
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(described)):
        assert reference.startswith("#/")
        at = described
        for part in reference[2:].split("/"):
            at = at[part.replace("~1", "/").replace("~0", "~")]


def test_names_are_unique(described):
    ids = [operation["operationId"] for path in described["paths"].values()
           for operation in path.values() if isinstance(operation, dict)
           and "operationId" in operation]
    assert len(ids) == len(set(ids)) > 10
    titles = [s["title"] for s in described["components"]["schemas"].values() if "title" in s]
    assert len(titles) == len(set(titles))


def test_channel_fields_come_from_plugins(described):
    text = json.dumps(described)
    assert "payload_template" in text
