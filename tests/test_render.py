"""Everything a model writes is shown, and nothing of it runs, loads or leaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from IPython.core.displaypub import CapturingDisplayPublisher

from groqnb import catalog
from groqnb.render import formatters, tables
from groqnb.render.html import Markup, audio, el, link, page, picture, safe_url, table, text
from groqnb.render.markdown import MarkdownView, markdown
from groqnb.render.message import LiveView, answer_bundle, badge, cost, dollars, live_footer
from groqnb.render.plain import clean, columns
from groqnb.render.stream import PagePainter, TerminalPainter, painter
from groqnb.types.answer import Answer, Timing
from groqnb.types.answer_builder import AnswerBuilder
from groqnb.types.chat import ChatCompletionChunk, ExecutedTool, ToolCall, Usage

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "</div></pre></code></td><script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](java\nscript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](vbscript:x)",
    "[click](//evil.example/x)",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/svg+xml;base64,AAAA)",
    '[a](https://ok.example "onmouseover=alert(1)")',
    '[a](https://ok.example/"onmouseover="alert(1))',
    "[a]: javascript:alert(1)\n\n[a]",
    "[a]: https://ok.example '\"><script>'\n\n[a]",
    "```<script>\n</code><script>alert(1)</script>\n```",
    '```js" onload="alert(1)\nx\n```',
    "| <b onclick=x> | b |\n|---|---|\n| <script> | `<i>` |",
    "$</span><script>alert(1)</script>$",
    "$$\n</div><script>alert(1)</script>\n$$",
    "<iframe src=https://evil.example></iframe>",
    '<a href="javascript:alert(1)">x</a>',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!-- <script>",
    "<think><script>alert(1)</script></think><b>",
    "\x00<script\x00>",
    "<details ontoggle=alert(1) open>",
    "&#x6a;avascript:alert(1)",
    "[x](&#x6a;avascript:alert(1))",
]


class Audit(HTMLParser):
    """Collects what could run, load or navigate in a piece of HTML."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.bad: list[str] = []
        self.depth: list[str] = []
        self.feed(source)
        self.close()
        assert self.depth == [], f"left open: {self.depth}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("br", "hr"):
            self.depth.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "srcset", "data", "action", "srcdoc"):
                self.bad.append(name)
            if name == "href":
                self.links.append(value or "")
            if name == "style" and not re.fullmatch(r"text-align:(left|right|center)", value or ""):
                self.bad.append(f"style={value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.depth, f"</{tag}> closes nothing"
        assert self.depth.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.bad.append("comment")


def harmless(source: str) -> None:
    audit = Audit(source)
    assert audit.bad == []
    assert all(url.startswith(("http://", "https://")) for url in audit.links)
    forbidden = {"script", "img", "svg", "iframe", "object", "embed", "link", "meta", "form"}
    assert not audit.tags & (forbidden | {"input", "button", "video", "audio", "base", "math"})
    assert source.count("<style>") <= 1


def usual() -> Answer:
    return Answer(
        text="**Hi**",
        usage=Usage(prompt_tokens=12, completion_tokens=34, total_tokens=46),
        timing=Timing(ttft=0.41, wall=1.0, tokens_per_second=45.4),
        model_asked="llama-3.3-70b-versatile",
        model_answered="SmolLM2-135M-Instruct-Q4_1",
        where="local",
    )


def answer_with(hostile: str) -> Answer:
    return Answer(
        text=hostile,
        reasoning=hostile,
        tool_calls=[
            ToolCall.model_validate(
                {"id": "a", "function": {"name": hostile, "arguments": hostile}}
            )
        ],
        executed_tools=[
            ExecutedTool.model_validate(
                {
                    "type": hostile,
                    "arguments": hostile,
                    "output": hostile,
                    "search_results": {
                        "results": [
                            {"title": hostile, "url": "javascript:alert(1)"},
                            {"title": hostile, "url": hostile},
                            {"url": "https://ok.example/" + hostile},
                        ]
                    },
                }
            )
        ],
        model_asked=hostile,
        model_answered=hostile,
        where="url",
        url=hostile,
        finish_reason=hostile,
    )


RENDERERS: dict[str, Callable[[str], str]] = {
    "markdown": markdown,
    "growing markdown": lambda t: MarkdownView().update(t),
    "answer": lambda t: answer_bundle(answer_with(t), note=t)["text/html"],
    "live": lambda t: LiveView().html(answer_with(t), live_footer(t, t)),
    "facts": lambda t: tables.facts([(t, t)])["text/html"],
    "listing": lambda t: tables.listing([t], [[t]], note=t)["text/html"],
    "messages": lambda t: tables.messages([(t, t)], [(t, t)])["text/html"],
    "notice": lambda t: tables.notice(t)["text/html"],
}


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_harmless_in_every_renderer(name: str, hostile: str) -> None:
    harmless(RENDERERS[name](hostile))


@pytest.mark.parametrize("name", RENDERERS)
@given(source=st.text("<>\"'&/=:![]()`$|*_#-\\\n\t abcjx\x00\x1b", max_size=80))
@settings(max_examples=60, deadline=None)
def test_random_markup_is_harmless_in_every_renderer(name: str, source: str) -> None:
    harmless(RENDERERS[name](source))


# --- html ---


def test_text_is_escaped_and_markup_is_not_escaped_again() -> None:
    assert text("<&>") == "&lt;&amp;&gt;"
    assert text(text("<")) == "&lt;"
    assert el("b", el("i_"[:0] or "em", "<")) == "<b><em>&lt;</em></b>"


@pytest.mark.parametrize(
    "make",
    [
        lambda: el("script", "x"),
        lambda: el("img"),
        lambda: el("p", onclick="x"),
        lambda: el("a", "x", href="javascript:x"),
        lambda: el("p", style="background:url(x)"),
    ],
)
def test_elements_that_could_run_or_load_cannot_be_made(make: Callable[[], Markup]) -> None:
    with pytest.raises(ValueError, match=r"no |only "):
        make()


def test_pictures_and_sounds_are_in_the_page_itself_and_nothing_else_is() -> None:
    """A name that is an attack stays a name; what is no picture or sound is refused."""
    name = '"><script>alert(1)</script>'
    jpeg, wav = picture(b"\xff\xd8\xff" + b"x" * 40, name), audio(b"RIFF", "audio/wav", name)
    for made in (jpeg, wav):
        assert "<script" not in made
        assert made.count("data:") == 1
    assert jpeg.startswith('<img src="data:image/jpeg;base64,/9j/')
    assert wav.startswith('<audio controls src="data:audio/wav;base64,')
    with pytest.raises(ValueError, match="pictures"):
        picture(b"<svg onload=alert(1)>", "x")
    for kind in ("text/html", "audio/", 'audio/wav" onplay="alert(1)'):
        with pytest.raises(ValueError, match="sound"):
            audio(b"", kind, "x")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:x",
        " https://a",
        "https://a\n",
        "ftp://a",
        "//a",
        "a",
        "",
        "\x01http://a",
        "data:,x",
    ],
)
def test_only_web_addresses_are_links(url: str) -> None:
    assert safe_url(url) is None
    assert "<a" not in link(url, "label")


def test_a_link_says_nothing_about_the_notebook_to_the_page_it_opens() -> None:
    made = link("https://a.b/?c&d", "x")
    assert 'href="https://a.b/?c&amp;d"' in made
    assert 'rel="noopener noreferrer nofollow"' in made


def test_a_page_is_readable_without_its_style_and_carries_it_once() -> None:
    made = page(el("p", "x"))
    assert made.count("<style>") == 1
    assert "</style><div" in made
    assert len(made) < 700


def test_a_page_brings_the_rules_for_what_is_in_it_and_no_others() -> None:
    made = page(live_footer("local engine"))
    assert "var(--jp-ui-font-color2" in made
    assert ".gn-foot{" in made
    assert ".gn-columns{" not in made


# --- markdown ---


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p>"),
        ("# T", "<h1>T</h1>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("> q", "<blockquote><p>q</p></blockquote>"),
        ("a  \nb", "<p>a<br>b</p>"),
        ("a\nb *c\nd*", "<p>a<br>b <em>c<br>d</em></p>"),
        ("---", "<hr>"),
        (
            "| a | b |\n|--|-:|\n| 1 | 2 |",
            '<table><thead><tr><th>a</th><th style="text-align:right">b</th></tr></thead>'
            '<tbody><tr><td>1</td><td style="text-align:right">2</td></tr></tbody></table>',
        ),
        ("    code\n", '<div class="highlight"><pre><code>code\n</code></pre></div>'),
        ("```\na < b\n```", '<div class="highlight"><pre><code>a &lt; b\n</code></pre></div>'),
        ("a &amp; b &copy;", "<p>a &amp; b ©</p>"),
        (r"\*not\*", "<p>*not*</p>"),
    ],
)
def test_markdown_becomes_plain_elements(source: str, made: str) -> None:
    assert markdown(source) == made


def test_an_image_becomes_a_link_since_loading_it_would_be_a_request() -> None:
    made = markdown("![a cat](https://a.b/cat.png)")
    assert "<img" not in made
    assert 'href="https://a.b/cat.png"' in made
    assert "image: a cat" in made


def test_a_link_that_is_not_to_the_web_is_its_text_and_its_address() -> None:
    assert markdown("[file](notes.txt)") == "<p>file (notes.txt)</p>"


def test_formulas_keep_their_delimiters_and_are_not_markdown() -> None:
    assert markdown("$a_1 * b_2 * c$") == "<p>$a_1 * b_2 * c$</p>"
    assert markdown(r"\(a_1\) and \[b\]") == r"<p>\(a_1\) and \[b\]</p>"
    assert markdown("$$\na\n= b\n- c < d\n$$") == "<div>$$\na\n= b\n- c &lt; d\n$$</div>"
    assert markdown("so:\n$$a\\\\b$$") == "<p>so:</p><div>$$a\\\\b$$</div>"


@pytest.mark.parametrize("source", ["from $5 to $10", "$ 5 $", "cost: $5", "a $5, b $6"])
def test_money_is_kept_from_the_typesetter(source: str) -> None:
    made = markdown(source)
    assert '<span class="mathjax_ignore">$</span>' in made
    assert "$" not in made.replace('<span class="mathjax_ignore">$</span>', "")


def test_code_is_coloured_when_complete_and_plain_before() -> None:
    source = "```python\ndef f(): return '<b>'\n```\n"
    growing = MarkdownView().update(source)
    assert "<span" not in growing
    complete = markdown(source)
    assert '<span class="k">def</span>' in complete
    assert re.sub(r"</?span[^>]*>", "", complete) == growing


def test_code_of_an_unknown_language_is_plain() -> None:
    assert "<span" not in markdown("```no-such-language\nx\n```")


LINES = st.sampled_from(
    """text;more *text*;;;- a;- b;  - c;1. x;2. y;> q;# H;===;---;```;```py;    indented;| a | b |
|---|---|;| 1 | 2 |;$$;x $y$ z;$$ z;**open;`tick;\\[;\\];a | b;--- | ---;--- | --x;  lazy;* * *
10) n;[a];[a]: http://b.c;[a]: http://d.e;"title";\ttabbed""".replace("\n", ";").split(";")
)


@given(st.lists(LINES, max_size=40), st.data())
@example(["para", "a | b", "--- | --x"], None)
@settings(max_examples=400, deadline=None)
def test_growing_text_ends_up_as_if_it_had_come_at_once(
    lines: list[str], data: st.DataObject | None
) -> None:
    source = "\n".join(lines)
    view = MarkdownView()
    view_cuts = range(0, len(source), 3)
    if data is not None:
        view_cuts = sorted(data.draw(st.sets(st.integers(0, len(source)), max_size=30)))  # type: ignore[assignment]
    for cut in view_cuts:
        view.update(source[:cut])
    assert view.update(source, complete=True) == markdown(source)


def test_growing_text_is_the_same_after_every_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groqnb.render.markdown._SHORT_TAIL", 0)
    source = (
        "# A\n\ntext *b*\nmore\n\n- x\n- y\n\n  z\n1. n\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n"
        "```\ncode\n\n# no\n```\n> q\nlazy\n\n$$\nx\n- y\n$$\npara\na | b\n--- | --x\n\nend"
    )
    view = MarkdownView()
    for end in range(len(source) + 1):
        assert view.update(source[:end]) == MarkdownView().update(source[:end]), source[:end]


@given(st.lists(LINES, max_size=30))
@settings(max_examples=200, deadline=None)
def test_blocks_close_rightly_even_when_every_block_is_closed_at_once(lines: list[str]) -> None:
    source = "\n".join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("groqnb.render.markdown._SHORT_TAIL", 0)
        view = MarkdownView()
        for end in range(len(source) + 1):
            view.update(source[:end])
        grown = view.update(source, complete=True)
    assert grown == markdown(source)


def test_a_reference_defined_late_reaches_earlier_text() -> None:
    source = "see [docs] " + "x " * 200 + "\n\nmore\n\nand more\n\n[docs]: https://a.b\n"
    view = MarkdownView()
    for end in range(0, len(source), 7):
        view.update(source[:end])
    assert 'href="https://a.b"' in view.update(source, complete=True)


def test_a_megabyte_is_rendered() -> None:
    assert len(markdown("word " * 200_000)) > 900_000
    assert len(markdown(">" * 100_000)) > 0
    assert len(markdown("[" * 20_000)) > 0


# --- plain text ---


def test_control_characters_never_reach_a_terminal() -> None:
    assert clean("a\x1b[31mred\x1b[0m\x07\x08b\x9b1m\r\nc\td") == "aredb1m\nc\td"
    assert clean("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\y") == "xy"


def test_columns_line_up() -> None:
    assert columns([["a", "1"], ["long", "20"]], right=[1]) == "a      1\nlong  20"


def test_a_table_escapes_its_cells() -> None:
    assert "<td>&lt;b&gt;</td>" in table(["h"], [["<b>"]])


# --- answers ---


def test_the_footer_says_who_was_asked_who_answered_and_what_it_took() -> None:
    html = answer_bundle(usual())["text/html"]
    for part in (
        "local engine · SmolLM2-135M-Instruct-Q4_1",
        "asked for llama-3.3-70b-versatile",
        "12 tokens in, 34 out",
        "TTFT 0.41 s",
        "45 tokens/s",
    ):
        assert part in html
    assert "<strong>Hi</strong>" in html
    assert "tokens/s</small></div>" in html


def test_the_plain_text_is_the_same_however_long_it_took() -> None:
    slow = Answer(**{**usual().__dict__, "timing": Timing(ttft=9.0, wall=99.0)})
    assert answer_bundle(usual())["text/plain"] == answer_bundle(slow)["text/plain"]
    assert answer_bundle(usual())["text/plain"] == (
        "**Hi**\n\n— local engine · SmolLM2-135M-Instruct-Q4_1 · "
        "asked for llama-3.3-70b-versatile · 12 tokens in, 34 out"
    )


def test_no_bundle_holds_markdown_which_a_notebook_would_run_the_html_of() -> None:
    assert set(answer_bundle(usual())) == {"text/html", "text/plain"}


def test_cached_tokens_and_cost_are_told_for_the_cloud() -> None:
    usage = Usage(
        prompt_tokens=1000, completion_tokens=1000, prompt_tokens_details={"cached_tokens": 5}
    )
    answer = Answer(
        text="x", usage=usage, model_asked="llama-3.3-70b-versatile", where="cloud",
        model_answered="llama-3.3-70b-versatile",
    )  # fmt: skip
    plain = answer_bundle(answer)["text/plain"]
    assert "Groq cloud" in plain
    assert "(5 cached)" in plain
    assert "$0.001" in plain
    unknown = Answer(text="x", usage=usage, model_asked="new", model_answered="new", where="cloud")
    assert "price unknown" in answer_bundle(unknown)["text/plain"]


def test_a_price_is_counted_for_a_million_tokens() -> None:
    price = catalog.find("llama-3.3-70b-versatile").price  # type: ignore[union-attr]
    assert cost("llama-3.3-70b-versatile", 1_000_000, 0) == pytest.approx(price.input)  # type: ignore[union-attr]
    assert cost("no-such-model", 1, 1) is None
    assert dollars(None) == "price unknown"


def test_reasoning_is_folded() -> None:
    html = answer_bundle(Answer(text="a", reasoning="because"))["text/html"]
    assert "<details><summary>Reasoning</summary>" in html
    assert "<details open" not in html


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"stopped": True}, "stopped"), ({"finish_reason": "length"}, "cut off at the token limit")],
)
def test_an_answer_that_did_not_end_says_so(fields: dict[str, object], told: str) -> None:
    bundle = answer_bundle(Answer(text="a", **fields))  # type: ignore[arg-type]
    assert told in bundle["text/html"]
    assert told in bundle["text/plain"]


@pytest.mark.parametrize(
    ("where", "name", "shown"),
    [
        ("local", "Smol", "local engine · Smol"),
        ("local", "", "local engine"),
        ("cloud", "", "Groq cloud"),
        ("url", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
    ],
)
def test_badges_name_who_answers(where: str, name: str, shown: str) -> None:
    assert badge(where, name) == shown


# --- painting ---


class Shell:
    """A shell that collects what is published."""

    def __init__(self) -> None:
        self.display_pub = CapturingDisplayPublisher()

    @property
    def paints(self) -> list[dict[str, object]]:
        return self.display_pub.outputs


def chunk(content: str) -> ChatCompletionChunk:
    choices = [{"index": 0, "delta": {"content": content}}]
    return ChatCompletionChunk.model_validate({"id": "c", "choices": choices})


def test_one_display_is_repainted_whole_and_the_last_paint_is_complete() -> None:
    shell, builder = Shell(), AnswerBuilder(model="m", where="local")
    shown = painter(shell, "local engine")
    shown.say("asking m")
    for i in range(2000):
        builder.feed(chunk(f"w{i} "))
        shown.show(builder)
    shown.finish(builder.build(ttft=0.1, wall=1.0))
    paints = shell.paints
    assert len({p["transient"]["display_id"] for p in paints}) == 1  # type: ignore[index]
    assert [p["update"] for p in paints] == [False] + [True] * (len(paints) - 1)
    assert 3 <= len(paints) < 100
    assert "asking m…" in paints[0]["data"]["text/html"]  # type: ignore[index]
    assert "w1999" in paints[-1]["data"]["text/html"]  # type: ignore[index]
    assert "asking" not in paints[-1]["data"]["text/plain"]  # type: ignore[index]


def test_a_short_answer_is_painted_too() -> None:
    shell, builder = Shell(), AnswerBuilder(model="m")
    shown = PagePainter(shell, "b")
    builder.feed(chunk("x"))
    shown.show(builder)
    builder.feed(chunk("y"))
    shown.show(builder)
    shown.finish(builder.build())
    assert "<p>xy</p>" in shell.paints[-1]["data"]["text/html"]  # type: ignore[index]


def test_progress_shows_a_bar_and_sizes_in_the_same_display() -> None:
    shell = Shell()
    shown = PagePainter(shell, "local engine")
    shown.say("starting")
    shown.progress("fetching SmolLM2", 49_000_000, 98_000_000)
    data = shell.paints[-1]["data"]
    assert "fetching SmolLM2: 49 of 98 MB, 50 %" in data["text/plain"]  # type: ignore[index]
    assert '<progress value="49000000" max="98000000"' in data["text/html"]  # type: ignore[index]
    assert shell.paints[-1]["update"] is True


def test_what_is_shown_while_it_streams_looks_as_when_it_is_finished() -> None:
    answer, view = usual(), LiveView()
    live = view.html(answer, live_footer("badge"))
    final = view.answer(answer)
    cut = re.compile(r'<div class="gn-foot.*')
    assert cut.sub("", live) == cut.sub("", final)


def test_a_terminal_gets_the_text_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    builder, shown = AnswerBuilder(model="m", where="local"), TerminalPainter("local engine")
    shown.say("asking m")
    seen = []
    for piece in ("Hel", "lo\x1b[31m ", "you"):
        builder.feed(chunk(piece))
        shown.show(builder)
        seen.append(capsys.readouterr().out)
    shown.finish(builder.build(ttft=0.5, wall=1.0))
    assert seen == ["— local engine · asking m…\nHel", "lo ", "you"]
    rest = capsys.readouterr().out
    assert rest.startswith("\n\n— local engine")
    assert "TTFT 0.50 s" in rest


def test_a_terminal_tells_reasoning_and_answer_apart(capsys: pytest.CaptureFixture[str]) -> None:
    builder, shown = AnswerBuilder(model="m"), TerminalPainter("b")
    for piece in ("<think>hm", " yes</think>", "\n\nfour"):
        builder.feed(chunk(piece))
        shown.show(builder)
    assert capsys.readouterr().out == "Reasoning: hm yes\n\nfour"


def test_formatters_come_and_go_without_a_trace() -> None:
    from IPython.core.formatters import DisplayFormatter

    class Host:
        display_formatter = DisplayFormatter()

    formatter = Host.display_formatter.mimebundle_formatter
    before = (dict(formatter.deferred_printers), dict(formatter.type_printers))
    formatters.register(Host)
    formatters.register(Host)
    data, _ = Host.display_formatter.format(usual())
    assert data == answer_bundle(usual())
    formatters.unregister(Host)
    assert (dict(formatter.deferred_printers), dict(formatter.type_printers)) == before
