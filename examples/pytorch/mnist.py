"""Trains a small convolutional network on MNIST. Knows nothing of hpx."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader

from images import read_images


class Net(nn.Module):
    def __init__(self, filters, width):
        super().__init__()
        self.convolution = nn.Conv2d(1, filters, 5, stride=2)
        self.hidden = nn.Linear(filters * 12 * 12, width)
        self.dropout = nn.Dropout(0.25)
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        x = F.relu(self.convolution(x)).flatten(1)
        return self.out(self.dropout(F.relu(self.hidden(x))))


def test(model, loader):
    model.eval()
    loss = correct = 0
    with torch.no_grad():
        for images, labels in loader:
            output = model(images)
            loss += F.cross_entropy(output, labels, reduction="sum").item()
            correct += (output.argmax(1) == labels).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="../../cache/data/mnist")
    parser.add_argument("--samples", type=int, default=60000)
    parser.add_argument("--filters", type=int, default=8)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.001)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train, held_out = read_images(args.data, args.samples)
    loader = DataLoader(train, batch_size=128, shuffle=True, num_workers=1)
    test_loader = DataLoader(held_out, batch_size=1000)
    model = Net(args.filters, args.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.rate)

    for epoch in range(1, args.epochs + 1):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        loss, accuracy = test(model, test_loader)
        print(f"Epoch {epoch} val_loss={loss:.4f} val_accuracy={accuracy:.4f}")


if __name__ == "__main__":
    main()
