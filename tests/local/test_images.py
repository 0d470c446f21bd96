"""Images before a model hears of them: kinds and sizes by their bytes, and what may be fetched."""

from __future__ import annotations

import asyncio
import base64
import io
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groqnb import catalog
from groqnb.local import chat_prompts as prompts
from groqnb.local import image_fetch
from groqnb.local.chat_messages import Turn, read_messages
from groqnb.local.image_header import KINDS, header
from groqnb.local.images import Eyes
from groqnb.local.parts import image_facts, ocr
from groqnb.local.public_address import BadUrl, is_public, place
from groqnb.local.refusal import Refusal

SCOUT = catalog.find("meta-llama/llama-4-scout-17b-16e-instruct")
AT = "messages[0].content[0].image_url.url"


def encoded(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def turns(*urls: str) -> list[Turn]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return read_messages({"messages": [{"role": "user", "content": parts}]}, SCOUT)


def look(eyes: Eyes, *urls: str) -> str:
    return asyncio.run(eyes.described(turns(*urls)))[0].content


def refusal(eyes: Eyes, *urls: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        look(eyes, *urls)
    return caught.value


@pytest.fixture(scope="module")
def loaded() -> ocr.Ocr:
    return ocr.Ocr()


@pytest.fixture
def eyes(loaded: ocr.Ocr, monkeypatch: pytest.MonkeyPatch) -> Eyes:
    """Eyes that have seen nothing yet; loading what they need takes a second, so they share it."""
    made = Eyes()
    monkeypatch.setattr(made, "_ocr", loaded)
    return made


SMALL = Image.new("RGB", (40, 30), "red")
PNG = encoded(SMALL)


# --- kinds and sizes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(3000)}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
    ],
)
def test_kind_and_size_are_read_from_the_first_bytes(kind: str, how: dict[str, Any]) -> None:
    """Each kind of image is known without decoding, at sizes that use every bit of the field."""
    for size in ((1, 1), (700, 260), (3000, 257)):
        found = header(encoded(Image.new("RGB", size), kind, **how))
        assert found is not None
        assert (found.kind.upper(), found.width, found.height) == (kind, *size)
        assert found.kind in KINDS


def test_an_extended_webp_has_its_size_elsewhere() -> None:
    """With transparency and metadata a WebP begins with another chunk."""
    image = Image.new("RGBA", (300, 20), (1, 2, 3, 4))
    found = header(encoded(image, "WEBP", exif=b"Exif\0\0x"))
    assert (found and (found.width, found.height)) == (300, 20)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg/>",
        b"%PDF-1.7",
        b"BM" + bytes(60),
        PNG[:20],
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9" + bytes(99),
        b"\xff\xd8" + b"\xff" * 99,
        b"RIFF0000WEBPVP8X",
        PNG[:16] + bytes(8) + PNG[24:],
    ],
)
def test_what_is_no_image_has_no_header(data: bytes) -> None:
    """Other files, and headers that end early or promise no pixels."""
    assert header(data) is None


def test_every_beginning_of_an_image_is_read_without_a_failure() -> None:
    """A file may be cut off anywhere."""
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        data = encoded(SMALL, kind)
        for end in range(len(data)):
            found = header(data[:end])
            assert found is None or (found.width, found.height) == SMALL.size


# --- what is looked at ----------------------------------------------------------------------------


def test_the_bytes_decide_and_not_the_declared_type(eyes: Eyes) -> None:
    """The documentation's own sample calls every file image/jpeg."""
    assert "a PNG of 40×30 pixels" in look(eyes, data_url(PNG, "image/jpeg"))


def test_images_are_described_in_order_and_where_they_stand(eyes: Eyes) -> None:
    """Each mark in the text has its description below, which is no part of the question."""
    images = [encoded(Image.new("RGB", (side, 10), "blue")) for side in (11, 12, 13)]
    part = [{"type": "image_url", "image_url": {"url": data_url(data)}} for data in images]
    text = [{"type": "text", "text": word} for word in ("First", "Second", "Third")]
    messages = [
        {"role": "user", "content": [text[0], part[0], text[1], part[1]]},
        {"role": "assistant", "content": "I see."},
        {"role": "user", "content": [part[2], text[2]]},
    ]
    made = asyncio.run(eyes.described(read_messages({"messages": messages}, SCOUT)))
    first, _, last = (turn.content for turn in made)
    assert first.startswith("First\n[image 1]\nSecond\n[image 2]\n\n[image 1] is a PNG of 11×10")
    assert "[image 2] is a PNG of 12×10" in first
    assert prompts.question(made) == ("[image 3]\nThird", set())
    assert last.startswith("[image 3]\nThird\n\n[image 3] is a PNG of 13×10")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (data_url(PNG[: len(PNG) // 2]), "cannot be read"),
        (data_url(PNG[:33] + b"garbage" * 9), "cannot be read"),
        (data_url(b"hello"), "PNG, JPEG, WebP or GIF"),
        (data_url(b""), "empty"),
        ("data:image/png;base64,A", "valid base64"),
        ("data:image/png;base64,====", "valid base64"),
        ("data:image/png;base64,\u00e9\u00e9\u00e9\u00e9", "valid base64"),
        ("data:image/svg+xml,<svg/>", "base64"),
        ("data:image/png;base64", "base64"),
    ],
)
def test_a_broken_image_is_a_400_that_names_it(eyes: Eyes, url: str, word: str) -> None:
    """The second of two is at fault: the refusal says so, and why."""
    refused = refusal(eyes, data_url(PNG), url)
    assert (refused.status, refused.code) == (400, "invalid_image")
    assert refused.param == "messages[0].content[1].image_url.url"
    assert word in refused.message


def test_lines_in_base64_are_no_mistake(eyes: Eyes) -> None:
    """The tool `base64` breaks its output into lines."""
    url = "data:image/png;base64," + base64.encodebytes(PNG).decode()
    assert "40×30" in look(eyes, url)


def test_more_pixels_than_documented_are_refused_before_anything_is_decoded(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """33,177,600 pixels are allowed and one row more is not, though the file has 100 kB only."""
    opened: list[int] = []

    def opener(data: bytes, most: int) -> Image.Image:
        opened.append(len(data))
        return SMALL

    monkeypatch.setattr(image_facts, "opened", opener)
    monkeypatch.setattr(eyes, "_ocr", type("", (), {"read": lambda *_: []})())
    look(eyes, data_url(encoded(Image.new("1", (7680, 4320)))))
    assert len(opened) == 1
    refused = refusal(eyes, data_url(encoded(Image.new("1", (7680, 4321)))))
    assert (refused.status, refused.code, len(opened)) == (400, "image_too_large", 1)
    assert "33,177,600" in refused.message


def test_a_gif_whose_frame_is_larger_than_it_says_is_refused(eyes: Eyes) -> None:
    """What the decoder finds counts as well as the header."""
    data = bytearray(encoded(Image.new("P", (2, 2)), "GIF"))
    frame = data.index(b",")
    data[frame + 5 : frame + 9] = (60000).to_bytes(2, "little") * 2
    refused = refusal(eyes, data_url(bytes(data)))
    assert (refused.status, refused.code) == (400, "invalid_image")


def test_a_camera_s_rotation_is_followed_and_its_place_is_not_told(eyes: Eyes) -> None:
    """The size told is that of the upright image; nothing else of EXIF gets into the prompt."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "SecretCamera"
    told = look(eyes, data_url(encoded(SMALL, "JPEG", exif=exif)))
    assert "30×40" in told
    assert "SecretCamera" not in told


@pytest.mark.parametrize(
    ("colour", "words"),
    [
        ("white", "very bright; mostly white"),
        ("black", "very dark; mostly black"),
        ("red", "mostly red"),
        ((30, 60, 200), "mostly blue"),
        ((120, 80, 40), "mostly brown"),
        ((0, 128, 0), "mostly green"),
        ((0, 0, 0, 0), "mostly white"),
    ],
)
def test_colours_have_their_everyday_names(colour: Any, words: str) -> None:
    """One colour over all; what is transparent shows as white."""
    mode = "RGBA" if isinstance(colour, tuple) and len(colour) == 4 else "RGB"
    image = image_facts.opened(encoded(Image.new(mode, (20, 20), colour)), 1000)
    assert words in image_facts.facts(image)


def test_sixteen_bits_a_pixel_are_scaled() -> None:
    """A middle grey of 65,536 shades is grey and not white."""
    for value, word in ((65535, "white"), (32768, "grey"), (1000, "black")):
        image = Image.fromarray(np.full((20, 20), value, np.uint16))
        assert f"mostly {word}" in image_facts.facts(image_facts.opened(encoded(image), 1000))


def test_noise_is_told_from_a_page() -> None:
    """Neighbouring pixels differ in a photo and are alike on a page."""
    assert "photo" in image_facts.facts(Image.effect_noise((200, 200), 60).convert("RGB"))
    assert "page" in image_facts.facts(SMALL)
    assert image_facts.facts(Image.new("RGB", (1, 1)))


def test_an_image_that_comes_again_is_not_looked_at_again(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every turn of a conversation sends its images once more."""
    looks: list[int] = []
    real = image_facts.opened

    def opener(data: bytes, most: int) -> Image.Image:
        looks.append(1)
        return real(data, most)

    monkeypatch.setattr(image_facts, "opened", opener)
    told = [look(eyes, data_url(PNG)) for _ in range(3)]
    assert len(set(told)) == len(looks) == 1


def test_without_its_packages_the_refusal_names_the_extra(
    eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base installation of the engine cannot look at images, and says what can."""
    monkeypatch.setattr(ocr, "missing_package", lambda: "rapidocr")
    refused = refusal(eyes, data_url(PNG))
    assert (refused.status, refused.code) == (501, "not_implemented")
    assert 'pip install "groqnb[vision]"' in refused.message


def test_text_side_by_side_is_one_line() -> None:
    """A label and its value, a table's row: pieces of the same height belong together."""
    pieces = [
        ocr._Piece("Tea", 10, 10, 30),
        ocr._Piece("2.50", 200, 12, 31),
        ocr._Piece("4.10", 200, 41, 60),
        ocr._Piece("Cake", 10, 42, 62),
    ]
    assert ocr._lines(pieces) == ["Tea  2.50", "Cake  4.10"]


# --- limits of a request --------------------------------------------------------------------------


def test_a_model_without_vision_names_those_with_it() -> None:
    """The 400 says which models take images."""
    content = [{"type": "image_url", "image_url": {"url": data_url(PNG)}}]
    with pytest.raises(Refusal, match="llama-4-scout") as caught:
        read_messages(
            {"messages": [{"role": "user", "content": content}]},
            catalog.find("llama-3.3-70b-versatile"),
        )
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("urls", "status"),
    [
        ([data_url(PNG)] * 5, None),
        ([data_url(PNG)] * 6, 400),
        (["data:image/png;base64," + "A" * 3_900_000], None),
        (["data:image/png;base64," + "A" * 4_000_000], 413),
        (["data:image/png;base64," + "A" * 2_000_000] * 2, 413),
        (["DATA:image/png;base64," + "A" * 4_000_000], 413),
        (["https://a.example/" + "a" * 5_000_000], None),
        (["https://a.example/" + "a" * 20_000_000], 400),
        (["ftp://a.example/b.png"], 400),
        (["file:///etc/passwd"], 400),
        (["data:text/html;base64,AAAA"], 400),
    ],
)
def test_number_and_size_are_as_documented(urls: list[str], status: int | None) -> None:
    """5 images; 4 MB in base64, else 413; 20 MB with an image by URL, else 400."""
    if status is None:
        turns(*urls)
        return
    with pytest.raises(Refusal) as caught:
        turns(*urls)
    assert caught.value.status == status


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "198.18.0.1",
        "168.63.129.16",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:1::1",
        "2001:db8::1",
        "fe80::1",
        "fec0::1",
        "fd00:ec2::254",
        "fc00::1",
        "ff02::1",
        "no address",
    ],
)
def test_no_address_but_a_public_one_may_be_asked(address: str) -> None:
    """Loopback, private, link-local, metadata, multicast, and what leads to them."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1", "64:ff9b::8.8.8.8"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
        "http://127.0.0.1.:80/x/..//",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://user:secret@example.org/",
        "http://example.org@127.0.0.1/",
        "http:///x",
        "http://",
        "http://example.org:99999/",
        "http://example.org:0/",
        "http://exa mple.org/",
        "http://example.org\\@127.0.0.1/",
        "http://" + "a" * 70 + ".org/",
        "gopher://example.org/",
        "http://..../",
    ],
)
def test_odd_spellings_are_refused(url: str) -> None:
    """Numbers in other bases, names with users, zones, ports that do not exist."""
    with pytest.raises(BadUrl):
        place(url)


def test_a_url_is_taken_apart_and_made_safe_for_a_request_line() -> None:
    """Spaces, line breaks and letters beyond ASCII are escaped; names become ASCII."""
    found = place("https://M\u00fcnchen.example:8443/a b\u00e9?q=1 2#part")
    assert (found.host, found.port) == ("xn--mnchen-3ya.example", 8443)
    assert found.target == "/a%20b%C3%A9?q=1%202"
    assert found.authority == "xn--mnchen-3ya.example:8443"
    assert place("http://example.org").target == "/"
    assert place("http://[2606:4700::1]/").authority == "[2606:4700::1]"
    for breaking in ("/\r\nX: 1", "/a\nb", "/\x00"):
        target = place(f"http://example.org{breaking}").target
        assert target.isascii()
        assert target.isprintable()


# --- fetching -------------------------------------------------------------------------------------


class Web(ThreadingHTTPServer):
    """A server on loopback; `asked` are the paths it was asked for, `replies` what it says."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hosts: list[str] = []
        self.replies: dict[str, tuple[int, dict[str, str], bytes]] = {}
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.hosts.append(self.headers["Host"])
        status, headers, body = self.server.replies.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.replies["/a.png"] = (200, {}, PNG)
        yield server
        server.shutdown()


def fetch(url: str, most: int = 1_000_000, *, private: bool = True) -> bytes:
    return asyncio.run(image_fetch.fetch(url, most, private=private))


def test_this_machine_is_not_asked_unless_the_switch_allows_it(eyes: Eyes, web: Web) -> None:
    """By default a URL of loopback is a 400 and no connection; with the switch it is an image."""
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        refused = refusal(eyes, f"http://{host}:{web.server_port}/a.png")
        assert (refused.status, refused.code, refused.param) == (400, "invalid_image_url", AT)
        assert "public" in refused.message
    assert web.asked == []
    eyes.private = True
    assert "a PNG of 40×30" in look(eyes, f"{web.url}/a.png")
    assert web.hosts == [f"127.0.0.1:{web.server_port}"]


class _Names:
    """Answers look-ups: a name has one address after the other, as a hostile server arranges it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **names: list[list[str]]) -> None:
        self.asked: list[str] = []

        def getaddrinfo(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
            name = host.decode() if isinstance(host, bytes) else host
            self.asked.append(name)
            known = names.get(name.partition(".")[0], [[name]])
            found = known.pop(0) if len(known) > 1 else known[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in found]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, web: Web
) -> None:
    """One look-up; the connection goes to the address that was checked, under the same name."""
    real = image_fetch.is_public
    # To the check, loopback is public here: so the connection can be seen at the server.
    monkeypatch.setattr(image_fetch, "is_public", lambda a: a == "127.0.0.1" or real(a))
    names = _Names(monkeypatch, evil=[["127.0.0.1"], ["10.0.0.1"]])
    url = f"http://evil.example:{web.server_port}/a.png"
    assert fetch(url, private=False) == PNG
    assert names.asked.count("evil.example") == 1
    assert web.hosts == [f"evil.example:{web.server_port}"]


def test_another_address_is_tried_where_the_first_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, web: Web
) -> None:
    """A name with IPv6 on a machine without it, for example."""
    _Names(monkeypatch, two=[["127.0.0.9", "127.0.0.1"]])
    assert fetch(f"http://two.example:{web.server_port}/a.png") == PNG


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _Names(monkeypatch, mixed=[["93.184.215.14", "10.0.0.1"]])
    with pytest.raises(BadUrl, match="not a public address"):
        fetch("http://mixed.example/a.png", private=False)


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.7/x.png", "http://169.254.169.254/latest", "//0x7f000001/", "file:///etc"],
)
def test_a_redirect_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, web: Web, target: str
) -> None:
    """Each hop is checked like the first one."""
    real = image_fetch.is_public
    monkeypatch.setattr(image_fetch, "is_public", lambda a: a == "127.0.0.1" or real(a))
    web.replies["/go"] = (302, {"Location": target}, b"")
    with pytest.raises(BadUrl):
        fetch(f"{web.url}/go", private=False)
    assert web.asked == ["/go"]


def test_redirects_are_followed_a_few_times(web: Web) -> None:
    """Relative ones too; a circle comes to an end."""
    web.replies["/1"] = (301, {"Location": "/2"}, b"")
    web.replies["/2"] = (307, {"Location": f"{web.url}/a.png"}, b"")
    web.replies["/round"] = (302, {"Location": "/round"}, b"")
    web.replies["/nowhere"] = (302, {}, b"")
    assert fetch(f"{web.url}/1") == PNG
    with pytest.raises(BadUrl, match="redirects"):
        fetch(f"{web.url}/round")
    assert web.asked.count("/round") == 5
    with pytest.raises(BadUrl, match="nowhere"):
        fetch(f"{web.url}/nowhere")
    web.replies["/odd"] = (302, {"Location": "http://["}, b"")
    with pytest.raises(BadUrl, match="no valid URL"):
        fetch(f"{web.url}/odd")


def test_a_body_is_read_within_its_bounds(web: Web) -> None:
    """Too large by its header, or by what comes without one."""
    web.replies["/told"] = (200, {"Content-Length": "5000"}, b"x" * 5000)
    web.replies["/untold"] = (200, {}, b"x" * 5000)
    web.replies["/lie"] = (200, {"Content-Length": "9"}, b"x" * 3)
    for path in ("/told", "/untold"):
        assert len(fetch(web.url + path, 5000)) == 5000
        with pytest.raises(image_fetch.TooLarge, match="4,999 bytes"):
            fetch(web.url + path, 4999)
    with pytest.raises(BadUrl, match="broke off"):
        fetch(f"{web.url}/lie")


def test_images_by_url_share_twenty_megabytes(eyes: Eyes, web: Web) -> None:
    """Two images of 11 MB are too much for one request: the second is refused."""
    web.replies["/big.png"] = (200, {}, PNG + bytes(11_000_000))
    eyes.private = True
    look(eyes, f"{web.url}/big.png")
    refused = refusal(eyes, f"{web.url}/big.png", f"{web.url}/big.png")
    assert (refused.status, refused.code) == (400, "image_too_large")
    assert refused.param == "messages[0].content[1].image_url.url"
    assert "20 MB" in refused.message


def test_what_is_not_there_is_a_short_400(
    eyes: Eyes, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status, a page instead of an image, no such host, nothing that listens."""
    eyes.private = True
    web.replies["/page"] = (200, {"Content-Type": "image/png"}, b"<html>")
    assert "status 404" in refusal(eyes, f"{web.url}/no.png").message
    assert "PNG, JPEG" in refusal(eyes, f"{web.url}/page").message
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "cannot be reached" in refusal(eyes, f"http://127.0.0.1:{port}/a.png").message

    def nothing(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    refused = refusal(eyes, "https://example.org/a.png")
    assert (refused.status, refused.code) == (400, "invalid_image_url")
    assert "is there a network?" in refused.message


def test_a_server_that_dawdles_is_left(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for an image has an end, whatever trickles in meanwhile."""
    monkeypatch.setattr(image_fetch, "_SECONDS", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(BadUrl):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/a.png")
