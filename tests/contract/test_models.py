"""GET /models and /models/{model}."""

from __future__ import annotations

import groq
import httpx
import openai
import pytest

from groqnb import catalog
from groqnb.local.process import Engine

pytestmark = pytest.mark.engine


def test_official_packages_list_the_catalogue_and_the_local_model(
    groq_client: groq.Groq, openai_client: openai.OpenAI, engine: Engine
) -> None:
    """Every documented model, and the weights that answer, owned by "local"."""
    found = {model.id: model.owned_by for model in groq_client.models.list().data}
    assert {model.id for model in catalog.models()} <= set(found)
    assert found[engine.model] == "local"
    assert [model.id for model in openai_client.models.list()] == list(found)


def test_ids_with_a_slash_are_retrieved(
    groq_client: groq.Groq, openai_client: openai.OpenAI, http: httpx.Client
) -> None:
    """Plain and percent-encoded, by every client."""
    wanted = "openai/gpt-oss-20b"
    assert groq_client.models.retrieve(wanted).id == wanted
    assert openai_client.models.retrieve(wanted).id == wanted
    for path in ("/models/openai/gpt-oss-20b", "/models/openai%2Fgpt-oss-20b"):
        reply = http.get(path).json()
        assert reply["id"] == wanted
        assert reply["context_window"] == 131072
        assert reply["max_completion_tokens"] == 65536
        assert reply["object"] == "model"


def test_unknown_id_is_a_404_with_near_names(http: httpx.Client) -> None:
    """The message helps with a missing vendor."""
    reply = http.get("/models/gpt-oss-20")
    assert reply.status_code == 404
    assert "`openai/gpt-oss-20b`" in reply.json()["error"]["message"]
    assert reply.json()["error"]["code"] == "model_not_found"
