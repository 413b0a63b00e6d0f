"""PyTorch's side of the benchmark of convolutional networks, at its best on one thread: the images as float tensors in
memory, shuffled index batches, a manual loop; in evaluation slices and no gradients. Lines in and answers out as
bench/cnn.c has them, but the answer is the seconds by the default memory format and by channels_last."""
import os
import struct
import sys
import time

import torch
from torch import nn
from torch.nn import functional

BATCH = 128


def read_idx(name):
    path = os.path.join(os.environ.get("HPX_DATA") or "cache/data", "mnist", name)
    with open(path, "rb") as file:
        data = file.read()
    sizes = struct.unpack_from(">%dI" % data[3], data, 4)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=4 + 4 * data[3]).reshape(sizes)


class Convolution(nn.Module):
    """FILTERS:KERNEL:STRIDE:same|valid:POOL. The activation follows the pooling, which is the same and less to do."""

    def __init__(self, word, size, channels):
        super().__init__()
        filters, kernel, stride, padding, self.pool = word.split(":")
        filters, kernel, stride, self.pool = int(filters), int(kernel), int(stride), int(self.pool)
        around = 0
        if padding == "same":
            around = max(0, ((size + stride - 1) // stride - 1) * stride + kernel - size)
        # PyTorch's `same` knows no stride, and its padding no odd number of rows.
        self.pad = (around // 2, around - around // 2) * 2 if around % 2 else None
        self.convolution = nn.Conv2d(channels, filters, kernel, stride, 0 if self.pad else around // 2)
        self.gives = ((size + around - kernel) // stride + 1) // self.pool, filters

    def forward(self, x):
        x = self.convolution(functional.pad(x, self.pad) if self.pad else x)
        return functional.relu_(functional.max_pool2d(x, self.pool) if self.pool > 1 else x)


def network(size, channels, words):
    layers = []
    for word in (word for word in words if ":" in word):
        layers.append(Convolution(word, size, channels))
        size, channels = layers[-1].gives
    layers.append(nn.Flatten())
    values = size * size * channels
    for units in (int(word) for word in words if ":" not in word):
        layers += nn.Linear(values, units), nn.ReLU(inplace=True)
        values = units
    return nn.Sequential(*layers, nn.Linear(values, 10))


def train(model, optimizer, images, labels):
    loss_function = nn.CrossEntropyLoss()
    for index in torch.randperm(len(images)).split(BATCH):
        optimizer.zero_grad(set_to_none=True)
        loss_function(model(images[index]), labels[index]).backward()
        optimizer.step()


def evaluate(model, images, labels):
    loss_function = nn.CrossEntropyLoss(reduction="sum")
    loss, right = 0, 0
    with torch.no_grad():
        for first in range(0, len(images), BATCH):
            logits = model(images[first:first + BATCH])
            of_batch = labels[first:first + BATCH]
            loss += loss_function(logits, of_batch).item()
            right += (logits.argmax(1) == of_batch).sum().item()


def seconds(what, words, images, labels, memory_format):
    """Of the second epoch. A batch of shuffled images has the memory format that all have."""
    images = images.contiguous(memory_format=memory_format)
    model = network(images.shape[2], images.shape[1], words).to(memory_format=memory_format)
    if what == "train":
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001, foreach=True)
        epoch = lambda: train(model, optimizer, images, labels)
    else:
        model.eval()
        epoch = lambda: evaluate(model, images, labels)
    epoch()
    start = time.process_time()
    epoch()
    return time.process_time() - start


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    mnist = read_idx("train-images-idx3-ubyte").unsqueeze(1).float() / 255, read_idx("train-labels-idx1-ubyte").long()
    for line in sys.stdin:
        what, samples, size, channels, *words = line.split()
        samples, size, channels = int(samples), int(size), int(channels)
        if (size, channels) == (28, 1):
            images, labels = (tensor[:samples] for tensor in mnist)
        else:
            images, labels = torch.rand(samples, channels, size, size), torch.arange(samples) % 10
        print(*("%.9g" % seconds(what, words, images, labels, memory_format)
                for memory_format in (torch.contiguous_format, torch.channels_last)), flush=True)


main()
