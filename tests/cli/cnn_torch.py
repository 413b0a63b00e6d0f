"""Logits, losses and gradients of hpx's convolutional networks (cnn_numbers.c) against PyTorch's in double precision,
with the same weights.

    cnn_torch.py PROGRAM"""
import array
import subprocess
import sys

import torch
from torch.nn import functional

# Activation, height, width, channels, rows, layers. Rows are few where relu or the largest of a window decides: in many
# there is one that rounding decides.
NETWORKS = """\
tanh 28 28 1 128 6:5:1:2:2:2:2:2:average 16:5:1:0:0:0:0:2:average 120 84 10
relu 28 28 1 7 32:3:1:1:1:1:1:2:max 64:3:1:1:1:1:1:2:max 128 10
relu 28 28 1 9 32:3:2:0:0:1:1:1:max 64:3:2:0:0:1:1:1:max 128 10
relu 28 28 1 6 20:5:1:0:0:0:0:2:max 50:5:1:0:0:0:0:2:max 500 10
relu 32 32 3 5 32:3:1:1:1:1:1:2:max 64:3:1:1:1:1:1:2:max 128:3:1:1:1:1:1:2:max 128 10
gelu 32 32 3 65 16:3:1:1:1:1:1:2:average 32:3:1:1:1:1:1:1:max 10
tanh 15 13 1 17 7:4:1:1:1:2:2:2:average 9:2:1:0:0:1:1:3:max 12 5
gelu 17 19 3 33 5:2:1:0:0:1:1:2:max 11:4:3:1:0:2:3:1:max 7
sigmoid 11 14 3 8 3:3:2:1:0:0:1:3:average 4
gelu 23 21 1 19 17:7:2:3:3:3:3:2:average 33:3:1:1:1:1:1:2:average 65 7
tanh 29 30 3 5 48:11:4:5:5:5:5:2:max 10:1:1:0:0:0:0:1:max 3
relu 9 9 2 130 1:1:1:0:0:0:0:1:max 1:9:1:8:8:8:8:5:average 2
relu 12 12 1 14 16:3:1:1:1:1:1:3:average 16:3:1:1:1:1:1:3:max 6
gelu 10 40 1 12 8:5:3:4:0:1:2:2:max 24:2:2:1:1:1:1:1:max 40 40 4
relu 1 60 1 10 12:1:2:0:0:0:0:1:max 3"""


def convolution(word):
    *numbers, pooling = word.split(":")
    filters, kernel, stride, top, left, bottom, right, pool = map(int, numbers)

    def layer(x, weights, biases):
        x = functional.conv2d(functional.pad(x, (left, right, top, bottom)), weights, biases, stride)
        return x, lambda y: (functional.avg_pool2d if pooling == "average" else functional.max_pool2d)(y, pool)

    return layer, filters, kernel


class Numbers:
    def __init__(self, data):
        self.values, self.taken = torch.tensor(array.array("f", data), dtype=torch.float64), 0

    def take(self, *shape):
        first, self.taken = self.taken, self.taken + torch.Size(shape).numel()
        return self.values[first:self.taken].reshape(shape)


def compare(what, got, expected, most=1e-5):
    """To so much of the largest value."""
    error = (got - expected).abs().max().item() / expected.abs().max().item()
    if not error < most:
        raise SystemExit("%s: off by %.3g" % (what, error))


def check(program, line):
    activation, *sizes = line.split()
    height, width, channels, rows, *layers = sizes
    height, width, channels, rows = int(height), int(width), int(channels), int(rows)
    numbers = Numbers(subprocess.run([program, *line.split()], check=True, stdout=subprocess.PIPE).stdout)
    x = numbers.take(rows, channels, height, width) / 255
    labels = numbers.take(rows).long()
    activate = functional.gelu if activation == "gelu" else getattr(torch, activation)
    kept = []
    for number, word in enumerate(layers):
        if ":" in word:
            layer, out, kernel = convolution(word)
            shape = out, x.shape[1], kernel, kernel
        else:
            x, out = x.flatten(1), int(word)
            shape = out, x.shape[1]
        weights, biases = (numbers.take(*size).clone().requires_grad_() for size in (shape, (out,)))
        kept.append((weights, biases, numbers.take(*shape), numbers.take(out)))
        if ":" in word:
            x, pool = layer(x, weights, biases)
            x = pool(activate(x))
        else:
            x = functional.linear(x, weights, biases)
            x = activate(x) if number + 1 < len(layers) else x
    loss = functional.cross_entropy(x, labels)
    loss.backward()
    compare("logits", numbers.take(*x.shape), x.detach())
    compare("the loss", numbers.take(1), loss.detach().reshape(1))
    for number, (weights, biases, of_weights, of_biases) in enumerate(kept):
        compare("the gradient of layer %d's weights" % (number + 1), of_weights, weights.grad, 3e-5)
        compare("the gradient of layer %d's biases" % (number + 1), of_biases, biases.grad, 3e-5)
    if numbers.taken != len(numbers.values):
        raise SystemExit("%d numbers instead of %d" % (len(numbers.values), numbers.taken))


torch.set_num_threads(1)
for line in NETWORKS.splitlines():
    try:
        check(sys.argv[1], line)
    except SystemExit as wrong:
        raise SystemExit("%s: %s" % (line, wrong))
