"""Training: what `fit` computes, how it stops, and that an interrupted run goes on exactly."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.checkpoints import Checkpoint
from tinytorch.diagnosis import NonFiniteLossError
from tinytorch.history import History
from tinytorch.metrics import accuracy, binary_accuracy, confusion_matrix, top_k_accuracy
from tinytorch.progress import Progress, clock
from tinytorch.training import EarlyStopping, evaluate, fit, train_step

F = nn.functional


def blobs(count: int = 96) -> tuple[tt.Tensor, tt.Tensor]:
    """Two clouds that a small network separates."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, count)
    x = rng.standard_normal((count, 2)) + 3 * y[:, None]
    return tt.tensor(x.astype(np.float32)), tt.tensor(y)


def batches(size: int = 16) -> list[tuple[tt.Tensor, tt.Tensor]]:
    x, y = blobs()
    return [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


def network(dropout: float = 0.2) -> nn.Sequential:
    tt.manual_seed(1)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2))


def test_fit_learns_and_reports_what_evaluate_measures(capsys):
    model = network()
    optimizer = tt.optim.Adam(model.parameters(), lr=0.02)
    history = fit(
        model, batches(), F.cross_entropy, optimizer, 8,
        validation=batches(96), metrics={"accuracy": accuracy},
    )  # fmt: skip
    assert history.names() == ["loss", "validation_loss", "validation_accuracy"]
    assert history["validation_accuracy"][-1] > 0.95
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    measured = evaluate(model, batches(), F.cross_entropy, {"accuracy": accuracy})
    assert measured["loss"] == pytest.approx(history["validation_loss"][-1], rel=1e-5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert "epoch 8/8" in lines[-1]
    assert "samples/s" in lines[-1]


def test_evaluate_uses_eval_mode_no_gradients_and_weighs_batches_by_size():
    model = network(0.5)
    x, y = blobs()
    whole = F.cross_entropy(model.eval()(x), y).item()
    model.train()
    uneven = [(x[:90], y[:90]), (x[90:], y[90:])]
    assert evaluate(model, uneven, F.cross_entropy)["loss"] == pytest.approx(whole, rel=1e-5)
    assert model.training
    assert all(p.grad is None for p in model.parameters())


def test_accumulated_batches_give_the_gradient_of_one_large_batch():
    x, y = blobs()
    model = network(0.0)
    pieces = [(x[:10], y[:10]), (x[10:70], y[10:70]), (x[70:], y[70:])]
    still = tt.optim.SGD(model.parameters(), lr=0.0)
    loss = train_step(model, pieces, F.cross_entropy, still)
    gathered = [p.grad.data.copy() for p in model.parameters()]
    whole = train_step(model, [(x, y)], F.cross_entropy, still)
    assert loss == pytest.approx(whole, rel=1e-5)
    for a, p in zip(gathered, model.parameters(), strict=True):
        np.testing.assert_allclose(a, p.grad.data, 1e-4, 1e-7)


def test_clip_norm_limits_the_gradient():
    model = network(0.0)
    optimizer = tt.optim.SGD(model.parameters(), lr=0.0)
    train_step(model, batches(96), F.cross_entropy, optimizer, clip_norm=0.01)
    norm = math.sqrt(sum((p.grad.data**2).sum() for p in model.parameters()))
    assert norm == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(("schedule", "counted"), [("epoch", 3), ("step", 9)])
def test_the_schedule_counts_epochs_or_steps(schedule, counted):
    model = network()
    optimizer = tt.optim.SGD(model.parameters(), lr=1.0)
    scheduler = tt.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.01 / (1 + n))
    fit(
        model, batches(), F.cross_entropy, optimizer, 3,
        scheduler=scheduler, schedule=schedule, accumulate=2, progress=False,
    )  # fmt: skip
    assert scheduler.last_epoch == counted


def run(epochs: int, path, optimizer: str, stop: EarlyStopping | None = None):
    model = network()
    options = {"momentum": 0.9} if optimizer == "SGD" else {}
    chosen = getattr(tt.optim, optimizer)(model.parameters(), lr=0.01, **options)
    scheduler = tt.optim.lr_scheduler.CosineAnnealingLR(chosen, 10)
    generator = tt.Generator().manual_seed(5)
    x, y = blobs()

    class Shuffled:
        def __iter__(self):
            order = tt.randperm(len(x), generator=generator)
            return ((x[order[i : i + 20]], y[order[i : i + 20]]) for i in range(0, len(x), 20))

    checkpoint = Checkpoint(path, model, chosen, scheduler, [generator]) if path else None
    history = fit(
        model, Shuffled(), F.cross_entropy, chosen, epochs, validation=batches(),
        scheduler=scheduler, checkpoint=checkpoint, early_stopping=stop, progress=False,
    )  # fmt: skip
    return model, history


@pytest.mark.parametrize("kernels", ["plain", "fast"])
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_a_run_that_is_continued_is_bit_identical(tmp_path, optimizer, kernels):
    before = tt.use_kernels(kernels)
    model, history = run(5, None, optimizer)
    run(2, tmp_path / "run.safetensors", optimizer)
    again, continued = run(5, tmp_path / "run.safetensors", optimizer)
    tt.use_kernels(before)
    assert continued.epochs == history.epochs
    for a, b in zip(model.parameters(), again.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_a_checkpoint_holds_weights_under_their_names(tmp_path):
    model, _ = run(1, tmp_path / "run.safetensors", "AdamW")
    state = tt.load(tmp_path / "run.safetensors")
    assert tt.equal(state["model.0.weight"], model[0].weight)
    tt.save(model.state_dict(), tmp_path / "weights.safetensors")
    other = Checkpoint(
        tmp_path / "weights.safetensors", model, tt.optim.SGD(model.parameters(), lr=1.0)
    )
    with pytest.raises(ValueError, match="no training run to continue"):
        other.load()


def test_early_stopping_keeps_the_best_weights(tmp_path):
    model = network()
    values = iter([3.0, 2.0, 2.5, 2.4, 0.0])
    weights = []

    class Fixed(EarlyStopping):
        def keep_best(self, history, model):
            history.epochs[-1]["validation_loss"] = next(values)
            weights.append(model[0].weight.data.copy())
            super().keep_best(history, model)

    optimizer = tt.optim.SGD(model.parameters(), lr=0.1)
    history = fit(
        model, batches(), F.cross_entropy, optimizer, 9,
        validation=batches(), early_stopping=Fixed(patience=2), progress=False,
    )  # fmt: skip
    assert len(history) == 4
    np.testing.assert_array_equal(model[0].weight.data, weights[1])


def test_early_stopping_looks_at_the_largest_accuracy():
    stop = EarlyStopping(2, "accuracy", "max", min_delta=0.1, restore_best=False)
    history = History([{"accuracy": a} for a in (0.5, 0.7, 0.75)])
    assert stop.best_epoch(history) == 1
    assert not stop.should_stop(history)
    history.append({"accuracy": 0.79})
    assert stop.should_stop(history)


def test_a_run_that_had_stopped_early_stays_stopped(tmp_path):
    path = tmp_path / "run.safetensors"
    stop = EarlyStopping(patience=1, mode="max")  # the loss falls, so the first epoch is best
    _, history = run(9, path, "SGD", stop)
    assert len(history) == 2
    _, again = run(9, path, "SGD", EarlyStopping(patience=1, mode="max"))
    assert again.epochs == history.epochs


def test_a_loss_that_is_not_finite_stops_and_says_where_it_began():
    class Broken(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(2, 2)

        def forward(self, x):
            return (self.linear(x) * 0 - 1).log()

    model = Broken()
    optimizer = tt.optim.SGD(model.parameters(), lr=1.0)
    before = model.linear.weight.data.copy()
    with np.errstate(all="ignore"), pytest.raises(NonFiniteLossError) as caught:
        fit(model, batches(), F.cross_entropy, optimizer, 1, progress=False)
    assert "epoch 1/1, batch 1: the loss is nan: NaN first came out of log" in str(caught.value)
    np.testing.assert_array_equal(model.linear.weight.data, before)
    model.linear.bias.data[0] = np.nan
    with (
        np.errstate(all="ignore"),
        pytest.raises(NonFiniteLossError, match=r"parameter linear\.bias"),
    ):
        fit(model, batches(), F.cross_entropy, optimizer, 1, progress=False)
    x, y = blobs()
    x.data[3, 1] = np.inf
    model = network()
    with np.errstate(all="ignore"), pytest.raises(NonFiniteLossError, match="input 0 of the model"):
        fit(model, [(x, y)], F.cross_entropy, optimizer, 1, progress=False)


def test_batches_that_are_used_up_are_noticed():
    model = network()
    optimizer = tt.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="used up"):
        fit(model, iter(batches()), F.cross_entropy, optimizer, 2, progress=False)
    with pytest.raises(ValueError, match="no batches"):
        evaluate(model, [], F.cross_entropy)
    with pytest.raises(ValueError, match="schedule 'often'"):
        fit(model, batches(), F.cross_entropy, optimizer, 1, schedule="often")


def test_metrics():
    scores = tt.tensor([[1.0, 2.0, 0.0], [3.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 0.5, 0.0]])
    target = tt.tensor([1, 0, 1, 2])
    assert accuracy(scores, target) == 0.5
    assert top_k_accuracy(scores, target, k=2) == 0.75
    assert confusion_matrix(scores, target).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert binary_accuracy(
        tt.tensor([2.0, -1.0, 3.0]), tt.tensor([1.0, 0.0, 0.0])
    ) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="accuracy"):
        accuracy(scores, tt.tensor([1, 0]))


def test_history_draws_curves():
    history = History([{"loss": 2.0, "accuracy": 0.1}, {"loss": 1.0, "accuracy": 0.6}])
    svg = history._repr_svg_()
    assert svg.startswith("<svg")
    assert svg.count("<polyline") == 1
    assert history.plot("loss", "accuracy")._repr_svg_().count("<polyline") == 2
    with pytest.raises(KeyError, match="loss, accuracy"):
        history["nonsense"]
    assert "accuracy 0.6" in repr(history)
    assert "<svg" in History()._repr_svg_()


def test_progress_tells_rate_and_time_left(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    line = Progress("epoch 1/2", total=4)
    for _ in range(3):
        now[0] += 20
        line.update(100, 0.5)
    assert line.line(0.5) == "epoch 1/2  3/4  loss 0.5000  5 samples/s  ETA 0:20"
    line.finish({"loss": 0.25})
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "epoch 1/2  loss 0.2500  5 samples/s  1:00"
    assert len(shown) == 4, "elsewhere than on a terminal, a line every 10 seconds"
    assert clock(3753) == "1:02:33"


# Files. -------------------------------------------------------------------------------------------


def tensors() -> dict[str, tt.Tensor]:
    rng = np.random.default_rng(0)
    types = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
    made = {t: tt.tensor((rng.standard_normal((2, 3)) * 9).astype(t)) for t in types}
    return {**made, "number": tt.tensor(2.5), "empty": tt.zeros(0, 3), "turned": tt.randn(2, 3).T}


def test_files_are_read_by_the_safetensors_package(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "x.safetensors"
    tt.save(tensors(), path, {"note": "ü"})
    theirs = package.load_file(path)
    assert set(theirs) == set(tensors())
    for name, t in tt.load(path).items():
        assert theirs[name].dtype == t.dtype
        np.testing.assert_array_equal(theirs[name], t.data)


def test_files_of_the_safetensors_package_are_read(tmp_path):
    package = pytest.importorskip("safetensors.torch")
    torch = pytest.importorskip("torch")
    path = tmp_path / "x.safetensors"
    state = {"a": torch.randn(3, 4), "b": torch.randn(5).bfloat16(), "c": torch.arange(3)}
    package.save_file(state, path, {"note": "x"})
    ours = tt.load(path)
    np.testing.assert_array_equal(ours["a"].data, state["a"].numpy())
    np.testing.assert_array_equal(ours["b"].data, state["b"].float().numpy())
    assert ours["c"].tolist() == [0, 1, 2]
    ours["a"][0] = 1.0  # what was read may be written to
    assert set(tt.load(path, map_location="cpu", weights_only=True)) == {"a", "b", "c"}


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "x.safetensors"
    tt.save({"w": tt.ones(3)}, path)
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    cases = {
        b"": "not a safetensors file",
        whole[:-1]: "cut short",
        b"\xff" * 40: "not a safetensors file",
        whole[:8] + b"x" * length + whole[8 + length :]: "not JSON",
    }
    for change, message in (
        ({"dtype": "F99"}, "dtype F99"),
        ({"shape": [4]}, r"12 bytes for shape \(4,\)"),
        ({"shape": "x"}, "header says"),
        ({"data_offsets": [0, 99]}, "cut short"),
        ({"data_offsets": [-8, 4]}, "outside"),
    ):
        text = json.dumps({"w": {**header["w"], **change}}).encode()
        cases[len(text).to_bytes(8, "little") + text + whole[8 + length :]] = message
    for data, message in cases.items():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=f"x.safetensors: .*{message}"):
            tt.load(path)


def test_saving_takes_only_tensors_and_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "x.safetensors"
    tt.save({"w": tt.ones(3)}, path)
    for wrong, message in (
        ({"w": 3}, "'w' is a int"),
        ([tt.ones(1)], "needs a dictionary"),
        ({"w": np.ones(2, np.complex64)}, "complex64"),
    ):
        with pytest.raises(TypeError, match=message):
            tt.save(wrong, path)
    assert tt.load(path)["w"].tolist() == [1, 1, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
