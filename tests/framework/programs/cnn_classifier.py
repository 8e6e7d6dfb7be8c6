"""Shapes drawn on noise, classified by a convolutional network: an adaptation of PyTorch's
basic MNIST example (https://github.com/pytorch/examples/tree/main/mnist, BSD-3-Clause)."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Squares, crosses, bars across and bars down, at random places of a 20 x 20 image."""

    def __init__(self, count, transform=None):
        self.images = 0.3 * torch.randn(count, 1, 20, 20)
        self.labels = torch.randint(0, 4, (count,))
        self.transform = transform
        for image, label in zip(self.images, self.labels):
            top, left = torch.randint(0, 12, (2,)).tolist()
            kind = int(label)
            window = torch.zeros(8, 8)
            if kind == 0:
                window[0, :] = window[-1, :] = 1.0
                window[:, 0] = window[:, -1] = 1.0
            elif kind == 1:
                window[3:5, :] = 1.0
                window[:, 3:5] = 1.0
            elif kind == 2:
                window[3:5, :] = 1.0
            else:
                window[:, 3:5] = 1.0
            image[0, top : top + 8, left : left + 8] += window

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.transform is not None:
            image = self.transform(image)
        return image, self.labels[index]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.features = nn.Sequential(nn.Conv2d(16, 16, 3, groups=4), nn.GELU(), nn.AvgPool2d(2))
        self.dropout1 = nn.Dropout(0.1)
        self.dropout2 = nn.Dropout(0.2)
        self.fc1 = nn.Linear(144, 32)
        self.fc2 = nn.Linear(32, 4)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.norm(self.conv2(x)))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(self.features(x))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout2(x)
        return F.log_softmax(self.fc2(x), dim=1)


def train(model, loader, optimizer, epoch):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
    print("Train Epoch: {}\tLoss: {:.6f}".format(epoch, loss.item()))


def test(model, loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    return {"loss": test_loss / len(loader.dataset), "accuracy": correct / len(loader.dataset)}


def main(seed=1, epochs=10):
    torch.manual_seed(seed)
    train_loader = DataLoader(Shapes(1200), batch_size=32, shuffle=True, drop_last=True)
    test_loader = DataLoader(Shapes(200), batch_size=100)
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=0.04, momentum=0.9, weight_decay=1e-4)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.75)
    for epoch in range(1, epochs + 1):
        train(model, train_loader, optimizer, epoch)
        scheduler.step()
    return test(model, test_loader)


if __name__ == "__main__":
    print(main())
