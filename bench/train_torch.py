"""PyTorch's side of the training benchmark, at its best on one thread: the data set as float tensors in memory,
shuffled index batches, a manual loop. Lines in and answers out as bench/train.c has them, but nothing is evaluated."""
import os
import struct
import sys
import time

import torch
from torch import nn


def read_idx(name):
    path = os.path.join(os.environ.get("HPX_DATA") or "cache/data", "mnist", name)
    with open(path, "rb") as file:
        data = file.read()
    sizes = struct.unpack_from(">%dI" % data[3], data, 4)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=4 + 4 * data[3]).reshape(sizes)


def epoch(model, optimizer, batch, images, labels):
    loss_function = nn.CrossEntropyLoss()
    start = time.process_time()
    for index in torch.randperm(len(images)).split(batch):
        optimizer.zero_grad(set_to_none=True)
        loss_function(model(images[index]), labels[index]).backward()
        optimizer.step()
    return time.process_time() - start


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    images = read_idx("train-images-idx3-ubyte").reshape(-1, 784).float() / 255
    labels = read_idx("train-labels-idx1-ubyte").long()
    for line in sys.stdin:
        n1, n2, name, batch, samples, _ = line.split()
        n1, n2, batch, samples = int(n1), int(n2), int(batch), int(samples)
        model = nn.Sequential(nn.Linear(784, n1), nn.ReLU(), nn.Linear(n1, n2), nn.ReLU(), nn.Linear(n2, 10))
        kind = torch.optim.Adam if name == "adam" else torch.optim.SGD
        optimizer = kind(model.parameters(), lr=0.001)
        for _ in range(2):
            seconds = epoch(model, optimizer, batch, images[:samples], labels[:samples])
        print("%.9g" % seconds, flush=True)


main()
