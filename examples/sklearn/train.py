"""A forest on scikit-learn's digits. It prints its score and knows nothing of hpx."""
import argparse

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int, default=100)
parser.add_argument("--depth", type=int, default=None)
parser.add_argument("--features", default="sqrt")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

x, y = load_digits(return_X_y=True)
x, test_x, y, test_y = train_test_split(x, y, test_size=0.25, random_state=0)
forest = RandomForestClassifier(args.trees, max_depth=args.depth, max_features=args.features, random_state=args.seed)
forest.fit(x, y)
print(f"training accuracy {forest.score(x, y):.4f}")
print(f"Accuracy: {100 * forest.score(test_x, test_y):.2f}%")
