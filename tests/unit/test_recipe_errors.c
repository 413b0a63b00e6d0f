/* Mistakes in recipes and what is said about them: place, message, quoted line, caret. */
#include "base/memory.h"
#include "hpx/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL      "dataset mnist\nmodel mlp\n  hidden = 64\n"
#define SIZED_BY_N "dataset mnist\nmodel mlp\n  hidden = $n\n"
#define SEARCH                                                                                               \
    "dataset mnist\nmodel mlp\n  hidden = $a\n  activation = $b\naxis a = 16 32 64\naxis b = relu "          \
    "tanh\nsearch s\n"

/* LINE:COLUMN: MESSAGE. One '*' stands for any text, where the tables of a trainer or the known data sets are
 * listed. */
static const struct mistake {
    const char *recipe, *message;
} mistakes[] = {
    {MODEL "train\n  optimizer = \"adam\n", "5:15: the quote has no end: expected another '\"' on this line"},
    {MODEL "train\n  optimizer = \"adam\"x\n", "5:21: text right behind a quote: expected a blank"},
    {MODEL "train\n  optimizer = a\"dam\"\n",
     "5:16: a quote inside a word: expected it around the whole word"},
    {MODEL "train\n  rate = 0.$r\n", "5:12: '$' inside a word: expected $NAME to be a word of its own; quote "
                                     "the word if the '$' is meant literally"},
    {MODEL "train\n  rate = $\n",
     "5:10: '$' names no axis: expected '$' and a name of letters, digits, '-' and '_'"},
    {MODEL "train\n  rate = $a.b\n",
     "5:10: '$a.b' names no axis: expected '$' and a name of letters, digits, '-' and '_'"},
    {"", "1:1: the recipe has no 'model': expected a line 'model KIND' with a line 'dataset NAME', or a line "
         "'program'"},
    {"model mlp\n  hidden = 64\n", "3:1: the recipe has no 'dataset': expected a line 'dataset NAME'"},
    {"dataset mnist\n", "2:1: the recipe has no 'model': expected a line 'model KIND'"},
    {"dataset mnist\n# end", "2:6: the recipe has no 'model': expected a line 'model KIND'"},
    {"include x.rcp\n", "1:9: this recipe cannot include others: expected it to be whole"},
    {"datset mnist\n",
     "1:1: unknown statement 'datset': expected dataset, model, program, train, axis, search, "
     "include; did you mean 'dataset'?"},
    {"rate = 3\n",
     "1:1: 'rate =' in the first column: expected a binding to be indented under its statement"},
    {"train = a b\n",
     "1:1: 'train =' in the first column: expected a binding to be indented under its statement"},
    {"  rate = 3\n",
     "1:3: an indented line under no statement: expected a statement, which starts in the first column"},
    {"dataset\n", "1:8: the line ends early: expected 'dataset NAME'"},
    {"dataset mnist fashion\n", "1:15: unexpected 'fashion': expected nothing after 'dataset NAME'"},
    {"dataset $a\n",
     "1:9: '$a' cannot stand here: '$' refers to an axis in a binding of dataset, model, program or train"},
    {"dataset \"\"\n", "1:9: an empty word: expected 'dataset NAME'"},
    {"train now\n", "1:7: unexpected 'now': expected nothing after 'train'"},
    {"train\n  = 3\n", "2:3: nothing before '=': expected 'KEY = VALUE'"},
    {"train\n  rate 3\n", "2:8: expected '=' after 'rate'"},
    {"train\n  rate =\n", "2:9: 'rate' has no value: expected 'KEY = VALUE'"},
    {"train\n  rate = # none\n", "2:10: 'rate' has no value: expected 'KEY = VALUE'"},
    {"train\n  axis n = 1\n", "2:8: expected '=' after 'axis'; a statement starts in the first column"},
    {"axis n = 1\n  step = 2\n", "2:3: an indented line under 'axis': expected none, it takes no bindings"},
    {"dataset mnist\ndataset mnist\n", "2:1: a second dataset: the first is at r.rcp:1"},
    {"axis n = 1\naxis n = 2\n", "2:1: a second axis 'n': the first is at r.rcp:1"},
    {"search x\nsearch x\n", "2:1: a second search 'x': the first is at r.rcp:1"},
    {"train\n  rate = 1\n  rate = 2\n", "3:3: 'rate' is set a second time: the first is at r.rcp:2"},
    {"axis\n", "1:5: the line ends early: expected 'axis NAME = VALUES'"},
    {"axis n 1\n", "1:8: expected '=' after 'n'"},
    {"axis n.m = 1\n", "1:6: 'n.m' cannot name an axis: expected letters, digits, '-' and '_', at most 64"},
    {"axis n =\n", "1:9: axis 'n' has no values: expected 'axis NAME = VALUES'"},
    {"axis epoch = 1\n", "1:6: an axis cannot be called 'epoch': that is a column of every table of results"},
    {"axis seed = 1\n", "1:6: an axis cannot be called 'seed': that is a column of every table of results"},
    {"search a/b\n",
     "1:8: 'a/b' cannot name a search: expected letters, digits, '-', '_' and '.', at most 64"},
    {"search\n", "1:7: the line ends early: expected 'search NAME'"},
    {"\ttrain\n",
     "1:2: an indented line under no statement: expected a statement, which starts in the first column"},
    {"axis a0 = 1\naxis a1 = 1\naxis a2 = 1\naxis a3 = 1\naxis a4 = 1\naxis a5 = 1\naxis a6 = 1\naxis a7 = "
     "1\naxis a8 = 1\naxis a9 = 1\naxis a10 = 1\naxis a11 = 1\naxis a12 = 1\naxis a13 = 1\naxis a14 = "
     "1\naxis a15 = 1\naxis a16 = 1\n",
     "17:1: too many 'axis' statements: expected at most 16"},
    {"dataset mnsit\nmodel mlp\n hidden = 1\n",
     "1:9: 'mnsit' is no known data set and has no 'train': expected *, or your own files as 'train = IMAGES "
     "LABELS' and 'test = IMAGES LABELS'; did you mean 'mnist'?"},
    {"dataset mine\n  train = a b\nmodel mlp\n hidden = 1\n",
     "1:9: 'mine' is no known data set and has no 'test': expected *, or your own files as 'train = IMAGES "
     "LABELS' and 'test = IMAGES LABELS'"},
    {"dataset mine\n  train = a\n  test = a b\nmodel mlp\n hidden = 1\n",
     "2:11: 'train' has 1 value: expected IMAGES LABELS"},
    {"dataset mine\n  train = a b c\n  test = a b\nmodel mlp\n hidden = 1\n",
     "2:15: 'train' has 3 values: expected IMAGES LABELS"},
    {"dataset mine\n  train = a \"\"\n  test = a b\nmodel mlp\n hidden = 1\n",
     "2:13: an empty path: expected IMAGES LABELS"},
    {"dataset mnist\n  train = a b\nmodel mlp\n  hidden = 64\n",
     "2:3: 'mnist' is known by name and has files of its own: expected no 'train', or another name for your "
     "data set"},
    {"dataset mnist\n  validation = -1\nmodel mlp\n  hidden = 64\n",
     "2:16: 'validation' cannot be '-1': expected a whole number from 0 to 16777216"},
    {"dataset mnist\n  take = 0\nmodel mlp\n  hidden = 64\n",
     "2:10: 'take' cannot be '0': expected a whole number from 1 to 16777216"},
    {"dataset mnist\n  validaton = 1\nmodel mlp\n  hidden = 64\n",
     "2:3: unknown setting 'validaton' of dataset: expected validation, take, train, test; did you mean "
     "'validation'?"},
    {"dataset mnist\n  epochs = 1\nmodel mlp\n  hidden = 64\n",
     "2:3: 'epochs' is a setting of train, not of dataset: expected validation, take, train, test"},
    {"dataset mnist\n  take = 1 2\nmodel mlp\n  hidden = 64\n",
     "2:12: a second value of 'take': expected one value, a whole number from 1 to 16777216"},
    {"dataset mnist\n  validation = 0\nmodel mlp\n  hidden = 64\n",
     "2:16: 'validation' is 0, and the objective is validation_accuracy (the default): expected 'validation' "
     "above 0, or 'objective = test_accuracy' under train"},
    {"dataset mnist\n  validation = 0\nmodel mlp\n  hidden = 64\ntrain\n  objective = validation_loss\n",
     "2:16: 'validation' is 0, and the objective is validation_loss: expected 'validation' above 0, or "
     "'objective = test_loss' under train"},
    {"dataset mnist\n  validation = $v\nmodel mlp\n  hidden = 64\naxis v = 100 0\n",
     "5:14: 'validation' is 0, a value of axis 'v', and the objective is validation_accuracy (the default): "
     "expected 'validation' above 0, or 'objective = test_accuracy' under train"},
    {"dataset mnist\n  take = $v\nmodel mlp\n  hidden = 64\naxis v = 100 none\n",
     "5:14: 'take' cannot be 'none', a value of axis 'v': expected a whole number from 1 to 16777216"},
    {"dataset mnist\nmodel mpl\n hidden = 1\n", "2:7: unknown model 'mpl': expected *; did you mean 'mlp'?"},
    {"dataset mnist\nmodel mlp\n", "2:1: model mlp needs 'hidden': expected a binding 'hidden = ' of whole "
                                   "numbers from 1 to 1048576, or 0 for none"},
    {"dataset mnist\nmodel mlp\n  hidden = 0\n",
     "3:12: 'hidden' is empty where all of its values are 0: expected one above 0 in every cell"},
    {"dataset mnist\nmodel mlp\n  hidden = $a 0 $b\naxis a = 16 0\naxis b = 8 0 4\n",
     "5:12: 'hidden' is empty where all of its values are 0: expected one above 0 in every cell"},
    {"dataset mnist\nmodel mlp\n  hidden = 64 -1\n",
     "3:15: 'hidden' cannot be '-1': expected whole numbers from 1 to 1048576, or 0 for none"},
    {"dataset mnist\nmodel mlp\n  hidden = 64\ntrain\n  batch = 0\n",
     "5:11: 'batch' cannot be '0': expected a whole number from 1 to 1048576"},
    {"dataset mnist\nmodel mlp\n  hidden = 64 1.5\n",
     "3:15: 'hidden' cannot be '1.5': expected whole numbers from 1 to 1048576, or 0 for none"},
    {"dataset mnist\nmodel mlp\n  hidden = 3..1\n",
     "3:12: '3..1' is no range: expected two whole numbers as A..B, the smaller first"},
    {"dataset mnist\nmodel mlp\n  hidden = 1..65\n",
     "3:12: 'hidden' has too many values: expected at most 64"},
    {"dataset mnist\nmodel mlp\n  hidden = a..b\n",
     "3:12: 'a..b' is no range: expected two whole numbers as A..B, the smaller first"},
    {MODEL "  activation = rellu\n",
     "4:16: 'activation' cannot be 'rellu': expected relu, tanh, sigmoid, gelu; did you mean 'relu'?"},
    {MODEL "  dropout = 1\n", "4:13: 'dropout' cannot be '1': expected a number from 0 to below 1"},
    {MODEL "  drpout = 0\n", "4:3: unknown setting 'drpout' of model: expected *; did you mean 'dropout'?"},
    {MODEL "  rate = 0.1\n", "4:3: 'rate' is a setting of train, not of model: expected *"},
    {SIZED_BY_N, "3:12: unknown axis '$n': the recipe has no axes; expected a line 'axis n = VALUES'"},
    {"dataset mnist\nmodel mlp\n  hidden = $n1\naxis n2 = 1\n",
     "3:12: unknown axis '$n1': expected n2; did you mean 'n2'?"},
    {MODEL "train\n  rate = 0\n", "5:10: 'rate' cannot be '0': expected a number above 0, at most 1000"},
    {MODEL "train\n  rate = abc\n", "5:10: 'rate' cannot be 'abc': expected a number above 0, at most 1000"},
    {MODEL "train\n  rate = nan\n", "5:10: 'rate' cannot be 'nan': expected a number above 0, at most 1000"},
    {MODEL "train\n  rate = 0x10\n",
     "5:10: 'rate' cannot be '0x10': expected a number above 0, at most 1000"},
    {MODEL "train\n  rate = 0.1 0.2\n",
     "5:14: a second value of 'rate': expected one value, a number above 0, at most 1000"},
    {MODEL "train\n  rtae = 0.1\n", "5:3: unknown setting 'rtae' of train: expected *; did you mean 'rate'?"},
    {MODEL "train\n  dropout = 0.1\n", "5:3: 'dropout' is a setting of model, not of train: expected *"},
    {MODEL "train\n  batch = 0.5\n",
     "5:11: 'batch' cannot be '0.5': expected a whole number from 1 to 1048576"},
    {MODEL "train\n  epochs = 0\n",
     "5:12: 'epochs' cannot be '0': expected a whole number from 1 to 1000000"},
    {MODEL "train\n  epochs = $e\naxis e = 1 2\n", "5:12: 'epochs' takes no '$': it is not part of a cell"},
    {MODEL "train\n  seeds = $e\naxis e = 1 2\n", "5:11: 'seeds' takes no '$': it is not part of a cell"},
    {MODEL "train\n  objective = $e\naxis e = 1 2\n",
     "5:15: 'objective' takes no '$': it is not part of a cell"},
    {MODEL "train\n  keep = $e\naxis e = 1 2\n", "5:10: 'keep' takes no '$': it is not part of a cell"},
    {MODEL "train\n  keep = bets\n",
     "5:10: 'keep' cannot be 'bets': expected newest, all, none, best; did you mean 'best'?"},
    {MODEL "train\n  keep = best all\n",
     "5:15: a second value of 'keep': expected one value, newest, all, none, best"},
    {MODEL "train\n  objective = test_acuracy\n",
     "5:15: 'objective' cannot be 'test_acuracy': expected train_loss, train_accuracy, validation_loss, "
     "validation_accuracy, test_loss, test_accuracy; did you mean 'test_accuracy'?"},
    {MODEL "train\n  seeds = 1 2 1\n", "5:15: 'seeds' has 1 twice: expected every seed once"},
    {MODEL "train\n  seeds = 1..3 2\n", "5:16: 'seeds' has 2 twice: expected every seed once"},
    {MODEL "train\n  seeds = 4294967296\n",
     "5:11: 'seeds' cannot be '4294967296': expected whole numbers from 0 to 4294967295"},
    {MODEL "train\n  seeds = 0..4294967295\n", "5:11: 'seeds' has too many values: expected at most 4096"},
    {MODEL "train\n  momentum = 0.9\n",
     "5:3: 'momentum' belongs to optimizer sgd: expected 'optimizer = sgd', or no 'momentum'"},
    {MODEL "train\n  step-epochs = 3\n",
     "5:3: 'step-epochs' belongs to schedule step: expected 'schedule = step', or no 'step-epochs'"},
    {MODEL "train\n  optimizer = $o\n  momentum = 0.5\naxis o = adam\n",
     "6:3: 'momentum' belongs to optimizer sgd: expected 'optimizer = sgd', or no 'momentum'"},
    {MODEL "train\n  optimizer = sgd\n  nesterov = yes\n",
     "6:14: 'nesterov' is yes where 'momentum' is 0: expected 'momentum' above 0"},
    {MODEL "train\n  optimizer = sgd\n  nesterov = yes\n  momentum = $m\naxis m = 0 0.9\n",
     "6:14: 'nesterov' is yes where 'momentum' is 0: expected 'momentum' above 0"},
    {MODEL "train\n  rate = $r\naxis r = 0.1 5000\n",
     "6:14: 'rate' cannot be '5000', a value of axis 'r': expected a number above 0, at most 1000"},
    {MODEL "train\n  optimizer = $o\naxis o = adam sdg\n",
     "6:15: 'optimizer' cannot be 'sdg', a value of axis 'o': expected adam, sgd; did you mean 'sgd'?"},
    {MODEL "axis n = 1 2\n", "4:6: axis 'n' is used nowhere, so all its values would be one trial: expected "
                             "'$n' in a binding of dataset, model or train"},
    {SIZED_BY_N "axis n = 1 2 1\n", "4:14: axis 'n' has the value 1 twice: expected every value once"},
    {SIZED_BY_N "axis n = 0.001 1e-3\n",
     "4:16: axis 'n' has the value 0.001 twice: expected every value once"},
    {SIZED_BY_N "axis n = relu tanh relu\n",
     "4:20: axis 'n' has the value relu twice: expected every value once"},
    {SIZED_BY_N "axis n = 1 $b\n", "4:12: '$b' cannot stand here: the values of an axis depend on no other"},
    {SIZED_BY_N "axis n = \"\"\n", "4:10: an empty word cannot be the value of an axis"},
    {SIZED_BY_N "axis n = log2\n",
     "4:10: 'log2' has no range: expected 'log2 A..B'; quote the word if it is meant as a value"},
    {SIZED_BY_N "axis n = log2 3..8\n",
     "4:15: '3..8' does not run between powers of two: expected both ends to be one"},
    {SIZED_BY_N "axis n = log2 8\n", "4:15: '8' is no range: expected two numbers as A..B"},
    {SIZED_BY_N "axis n = log2 8..2\n",
     "4:15: the range '8..2' runs down: expected the smaller number first"},
    {SIZED_BY_N "axis n = log2 0..8\n",
     "4:15: '0..8' does not run between powers of two: expected both ends to be one"},
    {SIZED_BY_N "axis n = log2 1..8 9\n", "4:20: unexpected '9' behind the range: expected the line's end"},
    {SIZED_BY_N "axis n = log10 1..50\n",
     "4:16: '1..50' does not run between powers of ten: expected both ends to be one"},
    {SIZED_BY_N "axis n = log10 -1..10\n",
     "4:16: '-1..10' does not run between powers of ten: expected both ends to be one"},
    {SIZED_BY_N "axis n = linear rbf\n",
     "4:17: 'rbf' is no range: expected 'linear A..B'; quote 'linear' if it is meant as a value"},
    {SIZED_BY_N "axis n = linear 0..1\n", "4:17: 'linear' needs 'step': expected 'linear 0..1 step N'"},
    {SIZED_BY_N "axis n = linear 0..1 by 2\n", "4:22: 'linear' needs 'step': expected 'linear 0..1 step 2'"},
    {SIZED_BY_N "axis n = linear 0..1 0.5\n", "4:22: 'linear' needs 'step': expected 'linear 0..1 step 0.5'"},
    {SIZED_BY_N "axis n = linear 0..1 points 5\n",
     "4:22: 'linear' needs 'step': expected 'linear 0..1 step 0.25'"},
    {SIZED_BY_N "axis n = log 1..8 4\n", "4:19: 'log' needs 'points': expected 'log 1..8 points 4'"},
    {SIZED_BY_N "axis n = linear 0..1 step\n", "4:22: 'step' needs a number: expected 'linear A..B step N'"},
    {SIZED_BY_N "axis n = linear 0..1 step x\n",
     "4:27: 'step' needs a number: expected 'linear A..B step N'"},
    {SIZED_BY_N "axis n = linear 0..1 step 0\n", "4:27: step '0': expected a number above 0"},
    {SIZED_BY_N "axis n = linear 0..1 step 1e-9\n",
     "4:17: axis 'n' has too many values: expected at most 65536"},
    {SIZED_BY_N "axis n = linear 1..0 step 1\n",
     "4:17: the range '1..0' runs down: expected the smaller number first"},
    {SIZED_BY_N "axis n = log 0..1 points 3\n",
     "4:14: '0..1' cannot be spaced geometrically: expected 0 < A < B"},
    {SIZED_BY_N "axis n = log 1..1 points 3\n",
     "4:14: '1..1' cannot be spaced geometrically: expected 0 < A < B"},
    {SIZED_BY_N "axis n = log 1..10 points 1\n", "4:27: points '1': expected a whole number from 2 to 65536"},
    {SIZED_BY_N "axis n = log 1..10 points 2.5\n",
     "4:27: points '2.5': expected a whole number from 2 to 65536"},
    {SIZED_BY_N "axis n = log 1..1.00000000001 points 50\n",
     "4:14: axis 'n' has the value 1 twice: expected every value once"},
    {SIZED_BY_N "axis n = 1..70000\n", "4:10: axis 'n' has too many values: expected at most 65536"},
    {SIZED_BY_N "axis n = 3..1\n", "4:10: the range '3..1' runs down: expected the smaller number first"},
    {SIZED_BY_N "axis n = 1..2.5\n",
     "4:10: '1..2.5' is no range of whole numbers: expected two as A..B; 'linear', 'log', 'log2' and 'log10' "
     "in front of a range make other steps"},
    {SIZED_BY_N "axis n = log10 1e-4..1e-1 points 7\n",
     "4:27: unexpected 'points' behind the range: expected the line's end"},
    {SIZED_BY_N "axis n = log2 a..b\n", "4:15: 'a..b' is no range: expected two numbers as A..B"},
    {"dataset mnist\nmodel mlp\n  hidden = $n $m\naxis n = 1..2048\naxis m = 1..2049\n",
     "5:6: axis 'm' makes the grid too large: expected at most 4194304 cells"},
    {MODEL "search s\n", "4:8: search 's' has no method: expected 'method = ' of grid, hill-climb, "
                         "full-cross, partial-cross, random, bayes, halving, hyperband, asha"},
    {SEARCH "  method = grd\n",
     "8:12: 'method' cannot be 'grd': expected grid, hill-climb, full-cross, "
     "partial-cross, random, bayes, halving, hyperband, asha; did you mean 'grid'?"},
    {SEARCH "  method = grid\n  limit = 1\n",
     "9:3: 'limit' belongs to partial-cross: expected none with grid"},
    {SEARCH "  method = grid\n  limt = 1\n",
     "9:3: unknown setting 'limt' of search: expected method, screen-epochs, promote; did you mean 'limit'?"},
    {SEARCH "  method = grid\n  rate = 1\n",
     "9:3: 'rate' is a setting of train, not of search: expected method, screen-epochs, promote"},
    {SEARCH "  method = partial-cross\n",
     "7:8: partial-cross search 's' has no 'limit': expected a whole number from 1 to 65536"},
    {SEARCH "  method = partial-cross\n  limit = 0\n",
     "9:11: 'limit' cannot be '0': expected a whole number from 1 to 65536"},
    {SEARCH "  method = partial-cross\n  limit = $a\n",
     "9:11: 'limit' takes no '$': it is not part of a cell"},
    {SEARCH "  method = full-cross\n  first = c\n", "9:11: 'first' cannot be 'c': expected a, b"},
    {SEARCH "  method = full-cross\n  first = $a\n", "9:11: 'first' takes no '$': it is not part of a cell"},
    {SEARCH "  method = full-cross\n  start = 16\n",
     "9:11: 'start' has 1 value: expected one per axis, in the order a, b"},
    {SEARCH "  method = full-cross\n  start = 16 tahn\n",
     "9:14: axis 'b' has no value 'tahn': expected relu, tanh; did you mean 'tanh'?"},
    {SEARCH "  method = full-cross\n  start = 17 tanh\n",
     "9:11: axis 'a' has no value '17': expected 16, 32, 64"},
    {SEARCH "  method = full-cross\n  start = $a tanh\n",
     "9:11: 'start' takes no axis: expected a value of axis 'a'"},
    {SEARCH "  method = full-cross\n  scan = up\n", "9:10: 'scan' cannot be 'up': expected low, outward"},
    {SEARCH "  method = full-cross\n  limit = 2\n",
     "9:3: 'limit' belongs to partial-cross: expected none with full-cross"},
    {SEARCH "  method = hill-climb\n  neighbours = 6\n",
     "9:16: 'neighbours' cannot be '6': expected diagonal, axes"},
    {SEARCH "  method = hill-climb\n  first = a\n",
     "9:3: 'first' belongs to full-cross, partial-cross: expected none with hill-climb"},
    {SEARCH "  method = hill-climb\n  neighbours = axes diagonal\n",
     "9:21: a second value of 'neighbours': expected one value, diagonal, axes"},
    {SIZED_BY_N "axis n = 1 2\nsearch s\n  method = hill-climb\n  neighbours = 8\n",
     "7:16: 'neighbours = 8' counts those on two axes, and this recipe has 1: expected diagonal, axes; did "
     "you "
     "mean 'diagonal'?"},
    {SIZED_BY_N "axis n = 1 2\nsearch s\n  method = hill-climb\n  neighbours = 4\n",
     "7:16: 'neighbours = 4' counts those on two axes, and this recipe has 1: expected diagonal, axes; did "
     "you "
     "mean 'axes'?"},
    {SIZED_BY_N "axis n = unordered\n",
     "4:10: 'unordered' has no values: expected them behind it; quote the word if it is meant as a value"},
    {MODEL "train\n  lr = 0.1\n", "5:3: unknown setting 'lr' of train: expected *; did you mean 'rate'?"},
    {MODEL "  learning_rate = 0.1\n",
     "4:3: unknown setting 'learning_rate' of model: expected *; did you mean 'rate' of train?"},
    {MODEL "  optimiser = sgd\n",
     "4:3: unknown setting 'optimiser' of model: expected *; did you mean 'optimizer' of train?"},
    {MODEL "  kernel = 3\n",
     "4:3: unknown setting 'kernel' of model: expected hidden, activation, dropout, init"},
    {MODEL "train\n  eta = 3\n", "5:3: unknown setting 'eta' of train: expected *; did you mean 'rate'?"},
    {MODEL "  init = he_normal\n",
     "4:10: 'init' cannot be 'he_normal': expected he, glorot; did you mean 'he'?"},
    {MODEL "  init = uniform\n", "4:10: 'init' cannot be 'uniform': expected he, glorot"},
    {SEARCH "  method = random\n  n_trials = 3\n",
     "9:3: unknown setting 'n_trials' of search: expected *; did you mean 'evaluations'?"},
    {SEARCH "  method = hyperband\n  max_epochs = 3\n",
     "9:3: unknown setting 'max_epochs' of search: expected *; did you mean 'epochs' of train?"},
    {MODEL "train\n  objective = val_accuracy\n",
     "5:15: 'objective' cannot be 'val_accuracy': expected *; did you mean 'validation_accuracy'?"},
    {MODEL "train\n  keep = last\n",
     "5:10: 'keep' cannot be 'last': expected newest, all, none, best; did you mean 'newest'?"},
    {"dataset mnist\nmodel mlp\n  hidden = n 8\naxis n = 8 16\n",
     "3:12: 'hidden' cannot be 'n': expected whole numbers from 1 to 1048576, or 0 for none; did you mean "
     "'$n'?"},
    {"dataset mnist\nmodel mlp\n  hidden = 64,32\n",
     "3:12: 'hidden' cannot be '64,32': expected whole numbers from 1 to 1048576, or 0 for none; blanks "
     "separate words, not "
     "commas"},
    {"dataset mnist\nmodel mlp\n  hidden = $n, 8\naxis n = 8 16\n",
     "3:12: '$n,' names no axis: expected *; blanks separate words, not commas"},
    {"dataset mnist\nmodel mlp\n  hidden = ${n} 8\naxis n = 8 16\n",
     "3:12: '${n}' names no axis: expected *; did you mean '$n'?"},
    {"dataset mnist\nmodel mlp\n  hidden = $,\n", "3:12: '$,' names no axis: expected * '-' and '_'"},
    {SIZED_BY_N "axis n = 16:64\n",
     "4:10: 'hidden' cannot be '16:64', a value of axis 'n': expected *; did you mean '16..64'?"},
    {MODEL "train\n  seeds = 1-5\n", "5:11: 'seeds' cannot be '1-5': expected *; did you mean '1..5'?"},
    {MODEL "train\n  epochs = 1-5\n", "5:12: 'epochs' cannot be '1-5': expected * to 1000000"},
    {"dataset = mnist\n", "1:1: 'dataset =' in the first column: expected a statement, 'dataset NAME'"},
    {MODEL "search s\n  method = cross-search\n",
     "5:12: 'method' cannot be 'cross-search': expected *; did you "
     "mean 'full-cross'?"},
    {"dataset mnist\nmodel perceptron\n  hidden = 8\n",
     "2:7: unknown model 'perceptron': expected mlp, cnn; did you mean 'mlp'?"},
    {SIZED_BY_N "axis n = 16, 32, 64\n", "4:10: a comma in '16,': expected blanks between the values of an "
                                         "axis, as in 'axis n = 16 32'; quote the "
                                         "word if the comma is part of it"},
    {SIZED_BY_N "axis n = 16,32\n", "4:10: a comma in '16,32': expected *"},
    {SIZED_BY_N "axis n = lograithm 16..64\n", "4:10: unknown form 'lograithm' of an axis: expected log2, "
                                               "log10, linear, log, ordered, unordered; did you "
                                               "mean 'log2'?"},
    {SIZED_BY_N "axis n = lograithm 3..64 points 3\n", "4:10: unknown form *; did you mean 'log'?"},
    {SIZED_BY_N "axis n = logarithmic 10..100\n", "4:10: unknown form *; did you mean 'log10'?"},
    {SIZED_BY_N "axis n = linaer 1..4 step 1\n", "4:10: unknown form *; did you mean 'linear'?"},
    {SIZED_BY_N "axis n = loguniform 1 8\n", "4:10: unknown form *; did you mean 'log'?"},
    {SIZED_BY_N "axis n = int 1..8\n", "4:10: unknown form *; did you mean 'linear'?"},
    {SIZED_BY_N "axis n = linspace(1,8,3)\n",
     "4:10: unknown form 'linspace(1,8,3)' *; did you mean 'linear'?"},
    {SIZED_BY_N "axis n = log(1, 8)\n", "4:10: unknown form 'log(1,' *; did you mean 'log'?"},
    {SIZED_BY_N "axis n = [16, 32]\n", "4:10: brackets around the values of an axis: expected the values "
                                       "alone, as in 'axis n = 16 32'; quote the "
                                       "word if the bracket is part of it"},
    {SIZED_BY_N "axis n = 16 - 32\n",
     "4:13: '-' between numbers: expected a range without blanks, A..B; quote the word if it is a value"},
    {SIZED_BY_N "axis n = 2^4 2**5\n", "4:10: '2^4' is no number: expected one such as 16 or 1e-3; *"},
    {SIZED_BY_N "axis n = 2^4..2^9\n", "4:10: '2^4..2^9' is no number: *"},
    {SIZED_BY_N "axis n = 16..64 step 16\n",
     "4:10: 'step' behind a range of whole numbers: expected 'linear A..B step N'"},
    {MODEL "  activation = ReLU\n", "4:16: 'activation' cannot be 'ReLU': expected *; did you mean 'relu'?"},
    {MODEL "train\n  Batch_Size = 8\n",
     "5:3: unknown setting 'Batch_Size' of train: expected *; did you mean 'batch'?"},
    {SIZED_BY_N "axis n = unordred 1 2\n", "4:10: unknown form *; did you mean 'unordered'?"},
    {"dataset mnist\n  validation = 60000\nmodel mlp\n  hidden = 64\n",
     "2:16: 'validation' is 60000, and the data set has 60000 training images: expected less, to leave some "
     "to "
     "train on"},
    {"dataset mnist\n  take = 50001\nmodel mlp\n  hidden = 64\n",
     "2:10: 'take' is 50001, and the data set has 60000 training images, 10000 of them held out for "
     "validation: "
     "expected at most 50000"},
    {"dataset mnist\n  validation = $v\n  take = 55000\nmodel mlp\n  hidden = 64\naxis v = 5000 5001\n",
     "3:10: 'take' is 55000, and the data set has 60000 training images, 5001 of them held out for "
     "validation: "
     "expected at most 54999"},
    {"dataset mnist\n  take = $t\nmodel mlp\n  hidden = 64\naxis t = 50000 60000\n",
     "5:16: 'take' is 60000, and the data set has *"},
    {MODEL "train\n  rate \\\n   = \\\n  x\n", "7:3: 'rate' cannot be 'x': expected *"},
    {MODEL "train\n  rate = 0.1\\\r\n  0.2\n", "6:3: a second value of 'rate': expected *"},
    {MODEL "train\n  rate = \\ \n",
     "5:10: a lone '\\': expected it to be the last character of a line that goes on in the next, without a "
     "blank behind it"},
    {MODEL "train\n  optimizer = \"a\\\nb\"\n",
     "5:15: the quote has no end: expected another '\"' on this line"},
    {MODEL "# not this one \\\n  drpout = 0\n", "5:3: unknown setting 'drpout' of model: expected *"},
    {SEARCH "  method = random\n  evaluations = 0\n", "9:17: 'evaluations' cannot be '0': expected *"},
    {SEARCH "  method = random\n  evaluations = 9\n  seed = -1\n",
     "10:10: 'seed' cannot be '-1': expected *"},
    {SEARCH "  method = random\n  seed = 1\n", "7:8: random search 's' has no 'evaluations': expected *"},
    {SEARCH "  method = bayes\n  evaluations = 5\n  initial = 6\n",
     "10:13: 'initial' is more than 'evaluations': expected at most 5"},
    {SEARCH "  method = bayes\n  evaluations = 5\n  lag = 0\n", "10:9: 'lag' cannot be '0': expected *"},
    {SEARCH "  method = bayes\n  evaluations = 5\n  per-cost = 1\n",
     "10:14: 'per-cost' cannot be '1': expected yes, no"},
    {SEARCH "  method = random\n  evaluations = 5\n  lag = 2\n",
     "10:3: 'lag' belongs to bayes: expected none with random"},
    {"dataset mnist\nmodel mlp\n  hidden = $a\naxis a = 1..50000\naxis b = 1..3\ntrain\n  batch = $b\nsearch "
     "s\n"
     "  method = bayes\n  evaluations = 5\n",
     "8:8: bayes search 's' has a grid of 150000 cells: expected at most 100000, or another method"},
    {"program\n  command = true $a\ntrain\n  objective = maximise score\naxis a = 1 2\nsearch s\n  method = "
     "bayes\n"
     "  evaluations = 2\n  per-cost = yes\n",
     "9:14: 'per-cost' goes by multiplications, and those of a program are not known: expected 'no'"},
    {SEARCH "  method = grid\n  screen-epochs = 3\n",
     "9:3: search 's' has 'screen-epochs' and no 'promote': expected both or none"},
    {SEARCH "  method = grid\n  promote = 3\n",
     "9:3: search 's' has 'promote' and no 'screen-epochs': expected both or none"},
    {SEARCH "  method = grid\n  screen-epochs = 15\n  promote = 3\n",
     "9:19: 'screen-epochs' of 15: expected fewer than the recipe's epochs, 15"},
    {SEARCH "  method = hyperband\n  screen-epochs = 3\n",
     "9:3: 'screen-epochs' belongs to grid, hill-climb, full-cross, partial-cross, random, bayes: expected "
     "none with "
     "hyperband"},
    {SEARCH "  method = hyperband\n  min-epochs = 16\n",
     "9:16: 'min-epochs' of 16: expected at most the recipe's epochs, 15"},
    {SEARCH "  method = hyperband\n  eta = 1\n", "9:9: 'eta' cannot be '1': expected *"},
    {SEARCH "  method = asha\n  evaluations = 5\n", "7:8: asha search 's' has no 'workers': expected *"},
    {SEARCH "  method = halving\n", "7:8: halving search 's' has no 'evaluations': expected *"},
    {SEARCH "  method = grid\n  method = grid\n",
     "9:3: 'method' is set a second time: the first is at r.rcp:8"},
};

static hpx_error parse_error(const char *bytes, size_t size)
{
    hpx_recipe *recipe;
    hpx_error error = {HPX_OK, ""};
    hpx_status status = hpx_recipe_parse(&recipe, "r.rcp", bytes, size, NULL, NULL, &error);
    if (!status)
        fail_msg("accepted: %s", bytes);
    assert_int_equal(status, HPX_USAGE);
    assert_int_equal(error.status, HPX_USAGE);
    assert_null(recipe);
    return error;
}

static bool matches(const char *pattern, const char *text)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return strcmp(pattern, text) == 0;
    size_t before = (size_t)(star - pattern), after = strlen(star + 1), length = strlen(text);
    return length >= before + after && strncmp(pattern, text, before) == 0 &&
           strcmp(star + 1, text + length - after) == 0;
}

/* "\nLINE\n   ^" for a place in a recipe; nothing for an empty line. */
static void expect_quote(const char *recipe, unsigned line, unsigned column, const char *quote)
{
    while (--line > 0)
        recipe = strchr(recipe, '\n') + 1;
    char expected[1024];
    int length = (int)strcspn(recipe, "\n");
    int used = snprintf(expected, sizeof expected, "\n%.*s\n", length, recipe);
    for (unsigned i = 0; i + 1 < column; i++)
        expected[used++] = (int)i < length && recipe[i] == '\t' ? '\t' : ' ';
    memcpy(expected + used, "^", 2);
    assert_string_equal(quote, length ? expected : "");
}

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        hpx_error error = parse_error(mistakes[i].recipe, strlen(mistakes[i].recipe));
        size_t first = strcspn(error.message, "\n");
        char *quote = strdup(error.message + first);
        error.message[first] = 0;
        unsigned line, column;
        assert_int_equal(sscanf(error.message, "r.rcp:%u:%u: ", &line, &column), 2);
        if (!matches(mistakes[i].message, error.message + strlen("r.rcp:")))
            assert_string_equal(error.message + strlen("r.rcp:"), mistakes[i].message);
        expect_quote(mistakes[i].recipe, line, column, quote);
        free(quote);
    }
}

static void expect_message(const char *recipe, size_t size, const char *message)
{
    hpx_error error = parse_error(recipe, size);
    assert_string_equal(error.message, message);
}

/* Bytes that are no text are replaced in the quote, so that a terminal gets neither escapes nor broken
 * UTF-8. */
static void test_bytes(void **state)
{
    (void)state;
    expect_message("dataset mnist\0\n", 15,
                   "r.rcp:1:14: U+0000 is a character that is not visible: expected text\ndataset mnist?\n   "
                   "          ^");
    expect_message("# caf\xe9 \xff\n", 9,
                   "r.rcp:1:6: byte 0xe9 is not UTF-8: expected a text file\n# caf? ?\n     ^");
    expect_message("x\n\x1b[31m\n", 8,
                   "r.rcp:2:1: U+001B is a character that is not visible: expected text\n?[31m\n^");
    expect_message("# \xe2\x9c", 4, "r.rcp:1:3: byte 0xe2 is not UTF-8: expected a text file\n# ??\n  ^");
    expect_message("# \xed\xa0\x80", 5,
                   "r.rcp:1:3: byte 0xed is not UTF-8: expected a text file\n# ???\n  ^");
    expect_message("a \xe2\x80\xae"
                   "b\n",
                   7, "r.rcp:1:3: U+202E is a character that is not visible: expected text\na ?b\n  ^");
    expect_message("a\rb\n", 4,
                   "r.rcp:1:2: U+000D is a character that is not visible: expected text\na?b\n ^");
}

static void test_alignment(void **state)
{
    (void)state;
    static const char tabs[] = "dataset mnist\r\nmodel mlp\r\n\thidden\t=\t\xc3\xa9t\xc3\xa9 8\r\n";
    expect_message(tabs, strlen(tabs),
                   "r.rcp:3:11: 'hidden' cannot be '\xc3\xa9t\xc3\xa9': expected whole numbers from 1 to "
                   "1048576, or 0 for none\n"
                   "\thidden\t=\t\xc3\xa9t\xc3\xa9 8\n\t      \t \t^");
    /* A character of two bytes is one blank in the line of the caret. */
    static const char accents[] = "dataset mnist\nmodel mlp\n  hidden = \"64\" \xc3\xa9\xc3\xa9\"\n";
    expect_message(accents, strlen(accents),
                   "r.rcp:3:21: a quote inside a word: expected it around the whole word\n"
                   "  hidden = \"64\" \xc3\xa9\xc3\xa9\"\n                  ^");
}

static void test_long_lines(void **state)
{
    (void)state;
    hpx_buffer recipe = {0};
    hpx_buffer_puts(&recipe, "dataset mnist\nmodel mlp\n  hidden =");
    for (int i = 10; i < 50; i++)
        hpx_buffer_printf(&recipe, " %d", i);
    hpx_buffer_puts(&recipe, " x");
    for (int i = 10; i < 30; i++)
        hpx_buffer_printf(&recipe, " %d", i);
    expect_message(
        hpx_buffer_text(&recipe), recipe.size,
        "r.rcp:3:132: 'hidden' cannot be 'x': expected whole numbers from 1 to 1048576, or 0 for none\n"
        "...30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 x 10 11 12 13 14 15 16 17 "
        "18 19 20 21 "
        "22 23 24 25 2...\n"
        "                                                               ^");
    recipe.size = 0;
    hpx_buffer_puts(&recipe, "dataset mnist\nmodel mlp\n  hidden = ");
    for (int i = 0; i < 200; i++)
        hpx_buffer_puts(&recipe, "\xc3\xa9");
    hpx_error error = parse_error(hpx_buffer_text(&recipe), recipe.size);
    assert_non_null(strstr(error.message, "\xc3\xa9...': expected whole numbers"));
    assert_true(strlen(error.message) < 300);
    assert_null(strchr(error.message, '?')); /* cut between characters */
    recipe.size = 0;
    hpx_buffer_puts(&recipe, "dataset own\n  train = \"");
    for (int i = 0; i < 100; i++)
        hpx_buffer_puts(&recipe, "\xc3\xa9");
    hpx_buffer_puts(&recipe, "\"  \"x");
    error = parse_error(hpx_buffer_text(&recipe), recipe.size);
    assert_non_null(strstr(error.message, "\n...\xc3\xa9"));
    assert_null(strchr(error.message, '?'));
    hpx_buffer_free(&recipe);
}

/* All of them, each at its place and in this order; nothing of what only follows from another. */
static void test_many_mistakes(void **state)
{
    (void)state;
    static const char recipe[] = "dataset mnist\n  take = 70000\n  valdation = 1\nmodel mlp\n  hiden = $n 8\n"
                                 "  activation = rellu\ntrain\n  epoch = 2\n  rate = 0 0\n  keep \"x\n"
                                 "axis n = log2 3..8\naxis m = 1 2\nsearch s\n  mehod = grid\n  limit = 0\n"
                                 "search t\n  method = full-cross\n  first = o\n  start = 3 1 q\n";
    static const char *const places[] = {"2:10", "3:3",   "5:3",  "6:16",  "8:3",   "9:12",
                                         "10:8", "11:15", "14:3", "15:11", "18:11", "19:11"};
    hpx_error error = parse_error(recipe, sizeof recipe - 1);
    const char *at = error.message;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *start = hpx_format("r.rcp:%s: ", places[i]);
        if (strncmp(at, start, strlen(start)) != 0)
            fail_msg("no mistake at %s but\n%s", places[i], at);
        free(start);
        for (int lines = 0; lines < 3; lines++) {
            at += strcspn(at, "\n");
            at += *at == '\n';
        }
    }
    assert_string_equal(at, "");

    hpx_buffer many = {0};
    hpx_buffer_puts(&many, MODEL);
    for (int i = 0; i < 25; i++)
        hpx_buffer_printf(&many, "  k%d = 1\n", i);
    error = parse_error(hpx_buffer_text(&many), many.size);
    assert_non_null(strstr(error.message, "r.rcp:23:3: "));
    assert_null(strstr(error.message, "r.rcp:24:3: "));
    const char *last = strrchr(error.message, '\n');
    assert_string_equal(last, "\nand 5 more mistakes");
    hpx_buffer_free(&many);
}

static void test_bounds(void **state)
{
    (void)state;
    hpx_buffer recipe = {0};
    for (int i = 0; i < 17; i++)
        hpx_buffer_printf(&recipe, "axis a%d = 1\n", i);
    expect_message(hpx_buffer_text(&recipe), recipe.size,
                   "r.rcp:17:1: too many 'axis' statements: expected at most 16\naxis a16 = 1\n^");
    recipe.size = 0;
    hpx_buffer_puts(&recipe, "train\n");
    for (int i = 0; i < 65; i++)
        hpx_buffer_printf(&recipe, " k%d = 1\n", i);
    expect_message(hpx_buffer_text(&recipe), recipe.size,
                   "r.rcp:66:2: too many bindings under 'train': expected at most 64\n k64 = 1\n ^");
    recipe.size = 0;
    for (int i = 0; i < 1025; i++)
        hpx_buffer_printf(&recipe, "search s%d\n  method = grid\n", i);
    expect_message(hpx_buffer_text(&recipe), recipe.size,
                   "r.rcp:2049:1: too many 'search' statements: expected at most 1024\nsearch s1024\n^");
    recipe.size = 0;
    hpx_buffer_reserve(&recipe, 2 << 20);
    memset(recipe.data, '\n', 2 << 20);
    expect_message((const char *)recipe.data, 2 << 20, "r.rcp: larger than 1048576 bytes: expected a recipe");
    hpx_buffer_free(&recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),      cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_alignment),     cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_many_mistakes), cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
