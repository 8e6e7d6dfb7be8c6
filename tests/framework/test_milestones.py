"""Milestones: the gate follows from what was measured; a stopped run goes on to the same end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from milestones import tinygpt, xor
from milestones.common import gate
from tinytorch import safetensors

ROOT = Path(__file__).resolve().parents[2]
TEXT = "".join(f"{word} says {word}; " for word in ["one", "two", "three", "four"] * 200)


def test_gate_says_what_was_measured_and_gives_the_exit_code(capsys) -> None:
    assert gate("toy", True, "0.9 of 0.8") == 0
    assert gate("toy", False, "0.7 of 0.8") == 1
    assert capsys.readouterr().out == "toy: 0.9 of 0.8: PASSED\ntoy: 0.7 of 0.8: MISSED\n"


def test_xor_passes_and_misses_when_training_is_cut_short(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["xor", "--seeds", "10"])
    assert xor.main() == 0
    assert "4 of 4 on 10 of 10 seeds" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["xor", "--steps", "3"])
    assert xor.main() == 1
    assert "MISSED" in capsys.readouterr().out


def test_table_losses_count_pairs_and_triples() -> None:
    ids = np.array([0, 1, 2] * 100)
    losses = tinygpt.table_losses(ids, ids, 3)
    assert losses["unigram"] == pytest.approx(np.log(3), abs=1e-3)
    assert losses["bigram"] < 0.05
    assert losses["trigram"] < losses["bigram"]
    # "ab" is followed by c or d, which only the character before the last decides.
    pairs = np.random.default_rng(0).integers(0, 2, 5000)
    text = np.stack([pairs, np.full(5000, 2), 3 + pairs], axis=1).ravel()
    losses = tinygpt.table_losses(text[:9000], text[9000:], 5)
    assert losses["trigram"] == pytest.approx(np.log(2) / 3, abs=0.01)
    assert losses["bigram"] == pytest.approx(2 * np.log(2) / 3, abs=0.01)


def test_held_out_windows_cover_the_text_once() -> None:
    ids = np.arange(100)
    batches = list(tinygpt.WholeText(ids, 8, 5))
    inputs = np.concatenate([x.numpy() for x, _ in batches])
    targets = np.concatenate([y.numpy() for _, y in batches])
    assert np.array_equal(inputs.ravel(), np.arange(96))
    assert np.array_equal(targets, inputs + 1)


@pytest.fixture
def command(tmp_path) -> list[str]:
    """A small run of tinygpt on a text of its own, offered as Moby-Dick through a driver.

    With STOP_AT in the environment, Ctrl-C is pressed in that step.
    """
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "moby-dick.txt").write_text(TEXT)
    driver = (
        "import os, signal; from pathlib import Path; from milestones import common, tinygpt\n"
        "from tinytorch import training\n"
        f"tinygpt.data_folder = lambda name: Path({str(folder)!r})\n"
        "step, left = training.train_step, [int(os.environ.get('STOP_AT', 0))]\n"
        "def counted(*inputs):\n"
        "    left[0] -= 1\n"
        "    if left[0] == 0: os.kill(os.getpid(), signal.SIGINT)\n"
        "    return step(*inputs)\n"
        "training.train_step = counted\n"
        "common.start(tinygpt.main)"
    )
    small = "--text moby-dick --steps 180 --every 15 --batch 4 --context 16 --dim 16 --layers 1"
    return [sys.executable, "-c", driver, *small.split(), "--folder"]


def run(command: list[str], folder: Path, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TINYTORCH_NUM_THREADS": "1", **more}
    return subprocess.Popen(
        [*command, str(folder)],
        env=environment,
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal here")
def test_a_stopped_run_goes_on_to_the_same_weights(command, tmp_path) -> None:
    whole = run(command, tmp_path / "whole")
    output, _ = whole.communicate(timeout=300)
    assert "tinygpt: held-out loss" in output
    assert whole.returncode in (0, 1)
    assert ("PASSED" in output) == (whole.returncode == 0)

    stopped = run(command, tmp_path / "stopped", STOP_AT="40")  # the middle of an epoch
    text, _ = stopped.communicate(timeout=300)
    assert stopped.returncode == 130, text
    assert "goes on from the last checkpoint" in text
    again = run(command, tmp_path / "stopped")
    text, _ = again.communicate(timeout=300)
    assert "going on from" in text
    assert again.returncode == whole.returncode

    expected = safetensors.load(tmp_path / "whole" / "model.safetensors")
    found = safetensors.load(tmp_path / "stopped" / "model.safetensors")
    for name, tensor in expected.items():
        assert np.array_equal(tensor.numpy(), found[name].numpy()), name


def test_other_settings_start_anew(command, tmp_path) -> None:
    first = run(command, tmp_path / "run")
    first.communicate(timeout=300)
    other = run([*command[:-1], "--seed", "1", "--folder"], tmp_path / "run")
    text, _ = other.communicate(timeout=300)
    assert "going on" not in text
