"""Who may come in, and what is said at the door."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlsplit

import groq
import httpx
import pytest

from groqnb.local.process import Engine

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}]
)
@pytest.mark.parametrize("path", ["/models", "/chat/completions", "/nothing"])
def test_without_the_right_key_everything_is_a_401(
    engine: Engine, headers: dict[str, str], path: str
) -> None:
    """Known and unknown paths alike, with the error object."""
    reply = httpx.get(engine.base_url + path, headers=headers, timeout=60)
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_groq_package_raises_its_authentication_error(engine: Engine) -> None:
    """The official client understands the refusal."""
    root = engine.base_url.removesuffix("/openai/v1")
    with (
        groq.Groq(base_url=root, api_key="gsk_wrong", max_retries=0) as client,
        pytest.raises(groq.AuthenticationError),
    ):
        client.models.list()


def test_scheme_of_the_key_may_be_in_lower_case(engine: Engine) -> None:
    """The documentation writes it both ways."""
    headers = {"authorization": f"bearer {engine.api_key}"}
    assert httpx.get(f"{engine.base_url}/models", headers=headers, timeout=60).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", ""])
def test_a_foreign_host_is_refused(http: httpx.Client, host: str) -> None:
    """A name made to point at this machine does not open the engine."""
    assert http.get("/models", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_a_foreign_origin_is_refused(http: httpx.Client, origin: str) -> None:
    """A page from elsewhere cannot use it through the browser, even with the key."""
    reply = http.get("/models", headers={"Origin": origin})
    assert reply.status_code == 403
    assert "access-control-allow-origin" not in reply.headers


def test_a_local_origin_is_let_in(http: httpx.Client) -> None:
    """JupyterLab's own page is one."""
    assert http.get("/models", headers={"Origin": "http://localhost:8888"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "//openai/v1/models", "/openai//v1/models/", "/openai/v1/openai/v1/models"],
)
def test_the_documents_spellings_of_paths_are_tolerated(engine: Engine, path: str) -> None:
    """Without /openai, with double slashes, and with the prefix that a client added once more."""
    address = urlsplit(engine.base_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    connection.request("GET", path, headers={"Authorization": f"Bearer {engine.api_key}"})
    assert connection.getresponse().status == 200
    connection.close()


def test_unknown_path_and_wrong_method(http: httpx.Client) -> None:
    """404 and 405, as error objects."""
    missing = http.get("/embeddings")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "unknown_url"
    wrong = http.get("/chat/completions")
    assert wrong.status_code == 405
    assert wrong.json()["error"]["code"] == "method_not_allowed"
    assert wrong.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/responses"),
        ("POST", "/audio/transcriptions"),
        ("POST", "/audio/translations"),
        ("POST", "/audio/speech"),
        ("GET", "/files"),
        ("GET", "/files/file_1/content"),
        ("POST", "/batches"),
        ("POST", "/batches/batch_1/cancel"),
        ("GET", "/fine_tunings"),
        ("DELETE", "/fine_tunings/f"),
    ],
)
def test_documented_endpoints_are_known(http: httpx.Client, method: str, path: str) -> None:
    """Each is served, or says by a 501 that it is not; none is an unknown URL."""
    reply = http.request(method, path)
    assert reply.status_code != 405
    if reply.status_code >= 400:
        assert reply.json()["error"].get("code") != "unknown_url"


def test_a_body_beyond_the_bound_is_a_413(http: httpx.Client) -> None:
    """Declared or streamed, it is not held in memory."""
    declared = http.post("/chat/completions", content=b" " * 26_000_000)
    assert declared.status_code == 413
    assert declared.json()["error"]["code"] == "request_too_large"
    streamed = http.post("/chat/completions", content=(b" " * 1_000_000 for _ in range(26)))
    assert streamed.status_code == 413


def test_an_idle_line_is_kept_as_long_as_clients_mean_to_use_it(engine: Engine) -> None:
    """Closed earlier by the server, a request that is sent once alone would be lost with it."""
    address = urlsplit(engine.base_url)
    key = {"Authorization": f"Bearer {engine.api_key}"}
    line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=240)
    line.auto_open = 0  # never a second line
    line.connect()
    for pause in (6, 0):
        line.request("GET", f"{address.path}/models", headers=key)
        reply = line.getresponse()
        assert reply.status == 200
        assert json.loads(reply.read())["object"] == "list"
        time.sleep(pause)
    line.close()
