"""MNIST's files as PyTorch data sets."""
import os

import numpy as np
import torch
from torch.utils.data import TensorDataset


def read(path, header):
    return torch.from_numpy(np.fromfile(path, np.uint8)[header:].copy())


def read_images(folder, samples):
    """The first samples of the training images, and the last 5,000 of them, held out."""
    images = read(os.path.join(folder, "train-images-idx3-ubyte"), 16).view(-1, 1, 28, 28)
    labels = read(os.path.join(folder, "train-labels-idx1-ubyte"), 8).long()
    count = min(samples, len(labels) - 5000)
    data = [TensorDataset(images[part].float() / 255, labels[part]) for part in (slice(count), slice(-5000, None))]
    return data
