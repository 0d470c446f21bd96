"""A call that failed leaves behind who did not answer, and what its error cuts short."""

from __future__ import annotations

from groqnb.render.failures import MOST_LINE, failure_details, failure_facts, short_message
from groqnb.types.errors import APIConnectionError, BadRequestError, RateLimitError


def test_the_facts_name_model_status_code_request_and_tries() -> None:
    error = RateLimitError(
        "Too many.",
        status_code=429,
        body={"error": {"code": "rate_limit_exceeded"}},
        request_id="req_1",
        retries=2,
    )
    assert failure_facts(error, "m") == [
        "m did not answer",
        "HTTP 429 rate_limit_exceeded",
        "request req_1",
        "tried 3 times",
    ]
    assert failure_facts(APIConnectionError("No network.")) == ["no answer"]


def test_a_short_error_needs_no_fold() -> None:
    error = APIConnectionError("No network.")
    assert failure_details(error) is None
    assert short_message(error) == "APIConnectionError: No network."


def test_a_page_of_text_from_a_server_is_cut_and_folded() -> None:
    page = "<html>" + "x" * 5_000 + "</html>"
    error = BadRequestError(page, status_code=400)
    line = short_message(error)
    assert len(line) < MOST_LINE + 100
    assert line.endswith(f"{len(page) - MOST_LINE:,} more characters")
    folded = failure_details(error)
    assert folded is not None
    assert "<summary>The whole message</summary>" in folded
    assert "&lt;/html&gt;</pre>" in folded


def test_what_the_model_wrote_in_place_of_json_is_folded() -> None:
    body = {"error": {"message": "m", "failed_generation": '{"a": '}}
    folded = failure_details(BadRequestError("m", status_code=400, body=body))
    assert folded is not None
    assert "What the model had written" in folded
    assert '{"a": ' in folded
