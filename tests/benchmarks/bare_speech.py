"""Whisper and Kokoro called directly, for `bench_speech`: no server, no decoding of files, no ours.

    python bare_speech.py '{"whisper": {NAME: PATH, ...}, "kokoro": PATH}'

Each line of input is a job, each line of output the seconds that it took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ["OMP_WAIT_POLICY"] = "passive"

import numpy as np
import onnxruntime
from faster_whisper import WhisperModel


def main() -> None:
    given = json.loads(sys.argv[1])
    threads = os.cpu_count() or 1
    whisper = WhisperModel(
        "base",
        device="cpu",
        compute_type="int8",
        cpu_threads=threads,
        files={name: Path(path).read_bytes() for name, path in given["whisper"].items()},
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    kokoro = onnxruntime.InferenceSession(
        given["kokoro"], options, providers=["CPUExecutionProvider"]
    )
    for line in sys.stdin:
        job = json.loads(line)
        start = time.perf_counter()
        if "hear" in job:
            segments, _ = whisper.transcribe(job["hear"], beam_size=5)
            for _ in segments:
                pass
        for tokens, style in job.get("say", []):
            kokoro.run(
                None,
                {
                    "tokens": np.array([tokens], np.int64),
                    "style": np.array([style], np.float32),
                    "speed": np.ones(1, np.float32),
                },
            )
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
