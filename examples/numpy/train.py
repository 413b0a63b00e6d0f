"""Logistic regression with NumPy on points that it draws, which goes on after an interruption and to more epochs."""
import argparse
import json
import os

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, required=True)
parser.add_argument("--decay", type=float, required=True)
args = parser.parse_args()
seed, epochs = int(os.environ["HPX_SEED"]), int(os.environ["HPX_EPOCHS"])

points = np.random.default_rng(0).normal(size=(1200, 20))
labels = (points @ np.random.default_rng(1).normal(size=20) + np.random.default_rng(2).normal(size=1200) > 0).astype(float)
x, y, test_x, test_y = points[:1000], labels[:1000], points[1000:], labels[1000:]

random = np.random.default_rng(seed)
weights = random.normal(size=20) * 0.1
begin = 0
if "HPX_RESUME" in os.environ:
    begin = int(os.environ["HPX_RESUME_EPOCH"])
    with open(os.path.join(os.environ["HPX_RESUME"], "state.json")) as file:
        state = json.load(file)
    weights = np.array(state["weights"])
    random.bit_generator.state = state["random"]  # without this line the proof of continuation fails

for epoch in range(begin + 1, epochs + 1):
    for at in np.split(random.permutation(1000), 20):
        error = 1 / (1 + np.exp(-x[at] @ weights)) - y[at]
        weights -= args.rate * (x[at].T @ error / len(at) + args.decay * weights)
    chance = 1 / (1 + np.exp(-test_x @ weights))
    with open(os.path.join(os.environ["HPX_OUT"], "state.json"), "w") as file:
        json.dump({"weights": weights.tolist(), "random": random.bit_generator.state}, file)
    report = {
        "epoch": epoch,
        "val_accuracy": float(np.mean((chance > 0.5) == test_y)),
        "val_loss": float(-np.mean(np.log(np.where(test_y > 0, chance, 1 - chance)))),
        "checkpoint": "state.json",
    }
    with open(os.environ["HPX_METRICS"], "a") as file:
        file.write(json.dumps(report) + "\n")
