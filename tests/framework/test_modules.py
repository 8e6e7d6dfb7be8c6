"""Modules: what is found inside, state, modes, and what they print."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.blocks = [nn.Linear(4, 4), {"last": nn.Linear(4, 2, bias=False)}]
        self.scale = nn.Parameter(tt.ones(1))
        self.tied = self.first
        self.constant = tt.ones(7)
        self.register_buffer("mean", tt.zeros(2))
        self.register_buffer("cache", tt.zeros(2), persistent=False)

    def forward(self, x):
        return self.blocks[1]["last"](self.blocks[0](self.first(x)).relu()) * self.scale


def test_parameters_are_found_in_lists_and_dictionaries_once():
    names = [name for name, _ in Net().named_parameters()]
    assert names == [
        "scale", "first.weight", "first.bias", "blocks.0.weight", "blocks.0.bias",
        "blocks.1.last.weight",
    ]  # fmt: skip


def test_state_is_pytorchs_names_tied_ones_and_buffers():
    torch = pytest.importorskip("torch")

    class Theirs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(3, 4)
            self.blocks = torch.nn.ModuleList([torch.nn.Linear(4, 4), torch.nn.ReLU()])
            self.tied = self.first
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.register_buffer("mean", torch.zeros(2))

    class Ours(nn.Module):
        def __init__(self) -> None:
            self.first = nn.Linear(3, 4)
            self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.ReLU()])
            self.tied = self.first
            self.scale = nn.Parameter(tt.ones(1))
            self.register_buffer("mean", tt.zeros(2))

    theirs, ours = Theirs(), Ours()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    ours.load_state_dict({k: tt.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    np.testing.assert_array_equal(ours.first.weight.data, theirs.first.weight.detach().numpy())


def test_every_parameter_gets_a_gradient_and_moves():
    net = Net()
    before = copy.deepcopy(net.state_dict())
    optimizer = tt.optim.SGD(net.parameters(), lr=0.1)
    net(tt.randn(5, 3)).square().sum().backward()
    for name, p in net.named_parameters():
        assert np.abs(p.grad.data).max() > 0, name
    optimizer.step()
    for name, p in net.named_parameters():
        assert not tt.equal(p, before[name]), name


def test_loading_names_what_is_missing_unexpected_or_of_another_shape():
    net = Net()
    state = net.state_dict()
    wrong = {**state, "extra": tt.ones(1)}
    del wrong["scale"]
    with pytest.raises(RuntimeError, match=r"missing \['scale'\], unexpected \['extra'\]"):
        net.load_state_dict(wrong)
    result = net.load_state_dict(wrong, strict=False)
    assert result.missing_keys == ["scale"]
    with pytest.raises(RuntimeError, match=r"first.weight is \(2, 2\), needs \(4, 3\)"):
        net.load_state_dict({**state, "first.weight": tt.ones(2, 2), "scale": tt.zeros(1)})
    assert net.scale.tolist() == [1], "nothing changes when something is wrong"


def test_loading_copies_and_counts_as_a_change():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    weight, version = b.weight, b.weight.version
    b.load_state_dict(a.state_dict())
    assert b.weight is weight
    assert b.weight.version == version + 1
    a.weight.fill_(0.0)
    assert b.weight.data.any()


def test_train_and_eval_reach_all_modules_inside():
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    x = tt.ones(2000)
    tt.manual_seed(0)
    y = nn.Dropout(0.25)(x)
    assert sorted(set(y.tolist())) == pytest.approx([0, 4 / 3])
    assert y.mean().item() == pytest.approx(1, abs=0.05)
    assert not tt.equal(net(x), x)
    assert tt.equal(net.eval()(x), x)
    assert net[1][0].training is False
    assert net.train()[1][0].training is True
    assert nn.functional.dropout(x, 1.0).sum().item() == 0


def test_apply_visits_children_first_and_to_changes_types():
    seen = []
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "Sequential"]
    assert net.double()[0].weight.dtype == tt.float64
    assert net.to("cpu").float()[0].bias.dtype == tt.float32
    assert net.to(tt.float16)[0].weight.dtype == tt.float16
    with pytest.raises(ValueError, match="there is only 'cpu'"):
        net.to("cuda")
    net.requires_grad_(False)
    assert not net[0].weight.requires_grad


def test_containers():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3
    assert isinstance(net[-1], nn.Linear)
    assert isinstance(net[:2], nn.Sequential)
    assert net(tt.ones(4, 2)).shape == (4, 1)
    assert len(nn.ModuleList([nn.ReLU()]).append(nn.Tanh())) == 2
    named = nn.ModuleDict({"a": nn.ReLU()})
    named["b"] = nn.Tanh()
    assert list(named) == ["a", "b"]
    assert "b" in named
    with pytest.raises(TypeError, match="needs modules, got int"):
        nn.ModuleList([3])


def test_printing_is_pytorchs():
    torch = pytest.importorskip("torch")

    def build(nn):
        return nn.Sequential(
            nn.Linear(2, 3), nn.ReLU(), nn.Flatten(), nn.Sequential(nn.Identity(), nn.Tanh())
        )

    def with_text(nn):
        class Named(nn.Module):
            def __init__(self):
                super().__init__()
                self.parts = nn.ModuleDict({"a": nn.ModuleList([nn.Dropout(0.1)])})

            def extra_repr(self):
                return "scale=2"

        return Named()

    def each(nn):
        return [
            nn.LeakyReLU(0.2), nn.Sigmoid(), nn.GELU(approximate="tanh"), nn.Softmax(dim=1),
            nn.LogSoftmax(dim=-1), nn.Conv2d(2, 4, 3, padding="same", groups=2, bias=False),
            nn.MaxPool2d(2), nn.AvgPool2d(3, stride=1), nn.AdaptiveAvgPool2d(1), nn.BatchNorm1d(3),
            nn.BatchNorm2d(3, affine=False), nn.Embedding(5, 2), nn.LayerNorm(4), nn.MSELoss(),
            nn.CrossEntropyLoss(label_smoothing=0.1), nn.Linear(2, 3, bias=False),
        ]  # fmt: skip

    assert repr(build(nn)) == repr(build(torch.nn))
    assert repr(with_text(nn)) == repr(with_text(torch.nn))
    assert list(map(repr, each(nn))) == list(map(repr, each(torch.nn)))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"linear: .*must be 3, got shape \(2, 5\)"):
        nn.Linear(3, 4)(tt.ones(2, 5))
    with pytest.raises(ValueError, match="Dropout: p"):
        nn.Dropout(1.5)
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        nn.init.xavier_uniform_(tt.ones(3))
    with pytest.raises(ValueError, match=r"mse_loss: .*\(3,\) and \(3, 1\)"):
        nn.functional.mse_loss(tt.ones(3), tt.ones(3, 1))


@pytest.mark.parametrize("kernels", ["plain", "fast"])
@pytest.mark.parametrize(
    ("scores", "target", "error", "message"),
    [
        ((3, 4), [0, 4, 1], IndexError, "index 4 is out of range, there are 4"),
        ((3, 4), [0, -1, 1], IndexError, "index -1 is out of range"),
        ((3, 4), [0, 1], ValueError, r"\(3, 4\) need targets of shape \(3,\), got \(2,\)"),
        ((3, 4), [0.0, 1.0, 2.0], TypeError, "integers"),
    ],
)
def test_cross_entropy_refuses(kernels, scores, target, error, message):
    before = tt.use_kernels(kernels)
    try:
        with pytest.raises(error, match=f"cross_entropy: .*{message}"):
            nn.functional.cross_entropy(tt.zeros(*scores), tt.tensor(target))
    finally:
        tt.use_kernels(before)


@pytest.mark.parametrize("kernels", ["plain", "fast"])
def test_places_marked_minus_100_do_not_count(kernels):
    before = tt.use_kernels(kernels)
    scores, target = tt.tensor([[1.0, 2.0], [3.0, 1.0], [0.0, 5.0]]), tt.tensor([0, -100, 1])
    counted = scores[tt.tensor([0, 2])]
    for function in (nn.functional.cross_entropy, nn.functional.nll_loss):
        expected = function(counted, tt.tensor([0, 1]))
        assert function(scores, target).item() == pytest.approx(expected.item())
    tt.use_kernels(before)


def test_options_of_losses_are_named():
    """The third argument of PyTorch's functions is another: nothing may be taken for it."""
    with pytest.raises(TypeError, match="positional"):
        nn.functional.mse_loss(tt.ones(2), tt.ones(2), "sum")
    with pytest.raises(TypeError, match="positional"):
        nn.CrossEntropyLoss(tt.ones(2))


def test_optimizers_refuse():
    w = tt.ones(2, requires_grad=True)
    for action, message in (
        (lambda: tt.optim.SGD([], lr=0.1), "no parameters"),
        (lambda: tt.optim.SGD([w], lr=-1), "SGD: lr"),
        (lambda: tt.optim.Adam([w], betas=(1.0, 0.9)), r"Adam: betas\[0\]"),
        (lambda: tt.optim.SGD([w, w]), "twice"),
        (lambda: tt.optim.SGD([{"params": [w], "rate": 1}]), r"no setting \['rate'\]"),
        (lambda: tt.optim.SGD([w], nesterov=True), "nesterov needs momentum"),
        (lambda: tt.optim.RMSprop([w], momentum=-1), "RMSprop: momentum"),
    ):
        with pytest.raises(ValueError, match=message):
            action()
    with pytest.raises(TypeError, match="leaf tensors"):
        tt.optim.SGD([w * 2])
    schedule = tt.optim.lr_scheduler.OneCycleLR(tt.optim.SGD([w], lr=0.1), 0.1, total_steps=2)
    schedule.step()
    schedule.step()
    with pytest.raises(ValueError, match="2 steps"):
        schedule.step()


@pytest.mark.parametrize("kernels", ["plain", "fast"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_an_optimizer_goes_on_from_its_state(name, kernels):
    before = tt.use_kernels(kernels)

    def steps(w, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()

    def make(w):
        options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
        return getattr(tt.optim, name)([w], lr=0.01, **options)

    w = tt.tensor([1.0, -2.0], requires_grad=True)
    whole = make(w)
    steps(w, whole, 6)
    first = tt.tensor([1.0, -2.0], requires_grad=True)
    optimizer = make(first)
    steps(first, optimizer, 3)
    second = tt.tensor(first.data, requires_grad=True)
    goes_on = make(second)
    goes_on.load_state_dict(optimizer.state_dict())
    steps(second, goes_on, 3)
    tt.use_kernels(before)
    assert tt.equal(second, w)
