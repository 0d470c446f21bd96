"""Vision by the official packages: what the images show is read, whatever is asked with them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread
from typing import TYPE_CHECKING, Any

import groq
import httpx
import openai
import pytest
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from conftest import Serve

MODEL = "meta-llama/llama-4-scout-17b-16e-instruct"
MAVERICK = "meta-llama/llama-4-maverick-17b-128e-instruct"

pytestmark = pytest.mark.engine


def page(*lines: str, kind: str = "PNG") -> bytes:
    """A page with lines of text on it."""
    image = Image.new("RGB", (640, 60 + 50 * len(lines)), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((30, 30 + 50 * number), line, "black", ImageFont.load_default(30))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def data_url(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def asking(text: str, *urls: str) -> list[Any]:
    return [{"role": "user", "content": [{"type": "text", "text": text}, *map(part, urls)]}]


RECEIPT = data_url(page("Cafe Aurora", "Tea 2.50", "Total 6.75"))


def prompt_tokens(client: groq.Groq, messages: list[Any]) -> int:
    reply = client.chat.completions.create(
        model=MODEL, messages=messages, max_completion_tokens=1, temperature=0
    )
    assert reply.usage is not None
    return reply.usage.prompt_tokens


def copied(client: groq.Groq, *urls: str, ask: str = "Write down the text.") -> str:
    """The answer to a question that even a small model answers by copying."""
    reply = client.chat.completions.create(
        model=MODEL, messages=asking(ask, *urls), temperature=0, max_completion_tokens=120
    )
    return reply.choices[0].message.content or ""


def test_the_text_in_an_image_reaches_the_model(groq_client: groq.Groq) -> None:
    """A name that stands nowhere but in the pixels is in one of a few answers."""
    asks = ("Write down the text.", "Copy the text.", "What is the name of the cafe?")
    url = data_url(page("Cafe Aurora", "Tea 2.50"))
    assert any("Aurora" in copied(groq_client, url, ask=ask) for ask in asks)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_images_of_every_kind_are_read(groq_client: groq.Groq, kind: str) -> None:
    """What is read adds as much to the prompt as from a PNG, and more than an empty page."""

    def count(kind: str, *lines: str) -> int:
        return prompt_tokens(groq_client, asking("Text?", data_url(page(*lines, kind=kind))))

    text = ("Cafe Aurora", "Tea 2.50", "Total 6.75")
    assert abs(count(kind, *text) - count("PNG", *text)) < 8
    assert count(kind, *text) > count(kind, "", "", "") + 8


def test_every_image_of_a_request_is_read(groq_client: groq.Groq) -> None:
    """Each of five adds what it shows to the prompt."""
    words = ["Amsterdam", "Barcelona", "Copenhagen", "Dublin", "Edinburgh"]
    urls = [data_url(page(word)) for word in words]
    counts = [prompt_tokens(groq_client, asking("Where?", *urls[:n])) for n in range(1, 6)]
    assert all(later > earlier + 20 for earlier, later in pairwise(counts))


def test_the_reply_says_how_images_were_looked_at(
    groq_client: groq.Groq, http: httpx.Client
) -> None:
    """In the fingerprint and in a header; replies without images say nothing of it."""
    body = {"model": MODEL, "messages": asking("Hi", RECEIPT), "max_completion_tokens": 1}
    reply = http.post("/chat/completions", json=body)
    assert reply.json()["system_fingerprint"].endswith("_with_ocr")
    assert "OCR" in reply.headers["x-groqnb-vision"]
    assert reply.json()["model"] == MODEL
    plain = http.post("/chat/completions", json={**body, "messages": asking("Hi")})
    assert "ocr" not in plain.json()["system_fingerprint"]
    assert "x-groqnb-vision" not in plain.headers
    stream = groq_client.chat.completions.create(
        model=MODEL, messages=asking("Hi", RECEIPT), max_completion_tokens=2, stream=True
    )
    assert {(chunk.system_fingerprint or "")[-9:] for chunk in stream} == {"_with_ocr"}


def test_a_conversation_keeps_what_was_seen(groq_client: groq.Groq) -> None:
    """The image of the first turn is in the prompt of the second."""
    talk = [
        *asking("What is this?", RECEIPT),
        {"role": "assistant", "content": "A receipt."},
        {"role": "user", "content": "Write down its text."},
    ]
    without = [{"role": "user", "content": "What is this?"}, *talk[1:]]
    assert prompt_tokens(groq_client, talk) > prompt_tokens(groq_client, without) + 30


def test_json_mode_with_an_image(groq_client: groq.Groq) -> None:
    """Docs: "JSON Mode with Images"."""
    reply = groq_client.chat.completions.create(
        model=MODEL,
        messages=asking("Please pull out relevant information as a JSON object.", RECEIPT),
        response_format={"type": "json_object"},
        max_completion_tokens=150,
        temperature=0,
    )
    assert isinstance(json.loads(reply.choices[0].message.content or ""), dict)


def test_tools_with_an_image(groq_client: groq.Groq) -> None:
    """Docs: "Tool Use with Images"; an argument is taken from the pixels."""
    function = {
        "name": "book",
        "description": "Book an amount of money.",
        "parameters": {
            "type": "object",
            "properties": {"cafe": {"type": "string", "enum": ["Cafe Aurora", "Bar Zenith"]}},
            "required": ["cafe"],
        },
    }
    reply = groq_client.chat.completions.create(
        model=MAVERICK,
        messages=asking("Book this receipt.", RECEIPT),
        tools=[{"type": "function", "function": function}],
        tool_choice="required",
        temperature=0,
        max_completion_tokens=80,
    )
    [call] = reply.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"cafe": "Cafe Aurora"}


def test_responses_take_images_too(openai_client: openai.OpenAI, http: httpx.Client) -> None:
    """`input_image` with a data URL; refusals use this endpoint's names."""
    content: list[Any] = [
        {"type": "input_text", "text": "Write down the text."},
        {"type": "input_image", "image_url": RECEIPT, "detail": "auto"},
    ]
    reply = openai_client.responses.create(
        model=MODEL,
        input=[{"role": "user", "content": content}],
        temperature=0,
        max_output_tokens=120,
    )
    assert "Aurora" in reply.output_text

    def refused(**image: Any) -> dict[str, Any]:
        parts = [content[0], {"type": "input_image", **image}]
        body = {"model": MODEL, "input": [{"role": "user", "content": parts}]}
        error: dict[str, Any] = http.post("/responses", json=body).json()["error"]
        assert error["param"] in error["message"]
        return error

    where = "input[0].content[1]"
    assert refused(image_url=data_url(b"hello"))["param"] == f"{where}.image_url"
    assert refused(image_url="ftp://a.example/b.png")["param"] == f"{where}.image_url"
    assert refused(image_url=RECEIPT, detail="huge")["param"] == f"{where}.detail"
    assert refused(file_id="file_1")["param"] == f"{where}.file_id"
    assert refused()["param"] == f"{where}.image_url"


@pytest.mark.parametrize(
    ("urls", "status", "word"),
    [
        ([RECEIPT] * 6, 400, "5 images"),
        ([data_url(b"x" * 3_000_000)], 413, "4 MB"),
        ([data_url(b"no image")], 400, "PNG"),
        ([RECEIPT, data_url(page("x")[:200])], 400, "content[2]"),
        (["http://127.0.0.1:1/a.png"], 400, "public"),
        (["http://localhost:1/a.png"], 400, "public"),
        (["http://169.254.169.254/latest/meta-data"], 400, "public"),
        (["http://[::1]/a.png"], 400, "public"),
        (["http://0x7f.1/a.png"], 400, "usual form"),
        (["http://2130706433/a.png"], 400, "usual form"),
    ],
)
def test_what_the_documentation_forbids_is_refused(
    groq_client: groq.Groq, urls: list[str], status: int, word: str
) -> None:
    """With the documented status, and a sentence that says which rule."""
    with pytest.raises(groq.APIStatusError) as caught:
        copied(groq_client, *urls)
    assert caught.value.status_code == status
    assert word in str(caught.value.body)


def test_more_pixels_than_documented_are_a_400(groq_client: groq.Groq) -> None:
    """33,177,601 pixels in a file of a few kilobytes."""
    file = io.BytesIO()
    Image.new("1", (5761, 5760)).save(file, "PNG")
    with pytest.raises(groq.BadRequestError, match="33,177,600"):
        copied(groq_client, data_url(file.getvalue()))


def test_a_model_without_vision_names_one_that_has_it(groq_client: groq.Groq) -> None:
    with pytest.raises(groq.BadRequestError, match="llama-4-scout"):
        groq_client.chat.completions.create(
            model="llama-3.3-70b-versatile", messages=asking("Hi", RECEIPT)
        )


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_only_the_user_shows_images(groq_client: groq.Groq, role: str) -> None:
    messages = [{"role": role, "content": [part(RECEIPT)]}, *asking("Hi")]
    with pytest.raises(groq.BadRequestError, match="must be `text`"):
        groq_client.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]


@pytest.fixture
def picture_url() -> Iterator[str]:
    """A receipt on a server of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page("Cafe Aurora", "Tea 2.50"))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/receipt.png"
        server.shutdown()


def test_an_image_by_url_is_fetched_and_read(serve: Serve, picture_url: str) -> None:
    """From loopback with the switch for tests alone."""
    with serve("--allow-private-image-urls") as engine:
        root = engine.base_url.removesuffix("/openai/v1")
        with groq.Groq(base_url=root, api_key=engine.api_key, max_retries=0, timeout=240) as client:
            assert "Aurora" in copied(client, picture_url)
            with pytest.raises(groq.BadRequestError, match="cannot be reached"):
                copied(client, "http://127.0.0.1:1/a.png")
