"""Two spirals, told apart by a multilayer perceptron."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset, random_split


def spirals(count, noise=0.05):
    turns = torch.sqrt(torch.rand(count)) * 3 * math.pi
    label = torch.randint(0, 2, (count,))
    sign = 2.0 * label.float() - 1.0
    x = torch.stack([sign * turns * torch.cos(turns), sign * turns * torch.sin(turns)], dim=1)
    return x / (3 * math.pi) + noise * torch.randn(count, 2), label


class MLP(nn.Module):
    def __init__(self, hidden=64, dropout=0.0):
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(2, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)]
        )
        self.norm = nn.BatchNorm1d(hidden)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, 2)
        self.apply(self._init)

    @staticmethod
    def _init(module):
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = F.relu(layer(x))
            if i == 0:
                x = self.norm(x)
        return self.out(self.drop(x))


@torch.no_grad()
def accuracy(model, loader, device):
    model.eval()
    right = total = 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        predicted = model(x).argmax(dim=1)
        right += (predicted == y).sum().item()
        total += y.size(0)
    return right / total


def main(seed=0, epochs=30):
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, test = random_split(TensorDataset(*spirals(1500)), [1200, 300])
    train_loader = DataLoader(train, batch_size=32, shuffle=True, num_workers=0)
    test_loader = DataLoader(test, batch_size=100)
    model = MLP(dropout=0.05).to(device)
    decay = [p for n, p in model.named_parameters() if n.endswith("weight") and p.dim() > 1]
    rest = [p for n, p in model.named_parameters() if not (n.endswith("weight") and p.dim() > 1)]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 1e-3}, {"params": rest, "weight_decay": 0.0}], lr=5e-3
    )
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.02)
    for epoch in range(epochs):
        model.train()
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x.to(device)), y.to(device))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running += loss.item() * x.size(0)
        scheduler.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d} loss {running / len(train):.4f}")
    restored = MLP(dropout=0.05)
    restored.load_state_dict(model.state_dict())
    return {"accuracy": accuracy(restored, test_loader, device)}


if __name__ == "__main__":
    print(main())
