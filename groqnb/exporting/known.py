"""Which parameters the methods of the official packages name; all others go into `extra_body`."""

from __future__ import annotations

__all__ = ["KNOWN", "METHODS"]

KNOWN: dict[str, dict[str, str]] = {
    "groq": {
        "/chat/completions": (
            "citation_options compound_custom disable_tool_validation documents exclude_domains "
            "frequency_penalty function_call functions include_domains include_reasoning "
            "logit_bias logprobs max_completion_tokens max_tokens messages metadata model n "
            "parallel_tool_calls presence_penalty reasoning_effort reasoning_format "
            "response_format search_settings seed service_tier stop store stream temperature "
            "tool_choice tools top_logprobs top_p user"
        ),
        "/audio/transcriptions": (
            "model language prompt response_format temperature timestamp_granularities url"
        ),
        "/audio/translations": "model prompt response_format temperature url",
        "/audio/speech": "input model voice response_format sample_rate speed",
        "/files": "purpose",
        "/batches": "completion_window endpoint input_file_id metadata",
    },
    "openai": {
        "/chat/completions": (
            "frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
            "max_tokens messages metadata model n parallel_tool_calls presence_penalty "
            "reasoning_effort response_format seed service_tier stop store stream stream_options "
            "temperature tool_choice tools top_logprobs top_p user"
        ),
        "/responses": (
            "include input instructions max_output_tokens metadata model parallel_tool_calls "
            "previous_response_id reasoning service_tier store stream temperature text "
            "tool_choice tools top_p truncation user"
        ),
        "/audio/transcriptions": (
            "model language prompt response_format temperature timestamp_granularities"
        ),
        "/audio/translations": "model prompt response_format temperature",
        "/audio/speech": "input model voice response_format speed",
        "/files": "purpose",
        "/batches": "completion_window endpoint input_file_id metadata",
    },
}
METHODS = {
    "/chat/completions": "chat.completions.create",
    "/responses": "responses.create",
    "/audio/transcriptions": "audio.transcriptions.create",
    "/audio/translations": "audio.translations.create",
    "/audio/speech": "audio.speech.create",
    "/files": "files.create",
    "/batches": "batches.create",
}
