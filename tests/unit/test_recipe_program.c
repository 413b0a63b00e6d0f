/* The statement `program`: what is accepted and what it means, and mistakes in it. */
#include "hpx/recipe.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRAIN "train\n  objective = maximise acc\n"
#define AXES  "axis rate = 1e-3 0.1\naxis act = relu \"t$ nh\"\n"
#define GOOD  "  command = p\n"

static hpx_recipe *parse(const char *text)
{
    hpx_recipe *recipe;
    hpx_error error;
    if (hpx_recipe_parse(&recipe, "lab/r.rcp", text, strlen(text), NULL, NULL, &error))
        fail_msg("%s", error.message);
    return recipe;
}

/* "name = value" of every field, one a line. */
static void expect_fields(hpx_fields *fields, const char *expected)
{
    hpx_buffer text = {0};
    for (size_t i = 0; i < fields->count; i++) {
        hpx_buffer_printf(&text, "%s = ", fields->fields[i].name);
        hpx_field_print(&text, &fields->fields[i]);
        hpx_buffer_puts(&text, "\n");
    }
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
    hpx_fields_free(fields);
}

static void expect_settings(const hpx_recipe *recipe, uint32_t cell, const char *expected)
{
    hpx_fields fields = {0};
    hpx_recipe_settings(&fields, recipe, cell);
    expect_fields(&fields, expected);
}

static void expect_words(const hpx_program_words *words, const char *expected)
{
    hpx_buffer text = {0};
    for (size_t i = 0; i < words->count; i++)
        hpx_buffer_printf(&text, "[%s]", words->words[i]);
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
}

static void test_templates(void **state)
{
    hpx_recipe *recipe = parse("program\n"
                               "  command = p --lr=$rate \"--name=a $act\" '{\"n\": $$1}' ${act}x \\\n"
                               "            'it # is' $out/$epochs 1..3 a\"b c\"'d' ''\n"
                               "  env = OMP_NUM_THREADS=1 MODE=$act \"G=x y\" EMPTY=\n" TRAIN AXES);
    (void)state;
    assert_string_equal(recipe->trainer->name, "program");
    assert_string_equal(recipe->program->folder, "lab");
    expect_words(&recipe->program->command,
                 "[p][--lr=${rate}][--name=a ${act}][{\"n\": $$1}][${act}x][it # is]"
                 "[${out}/${epochs}][1..3][ab cd][]");
    expect_settings(recipe, 0,
                    "axis.act = relu\n"
                    "axis.rate = 0.001\n"
                    "env.EMPTY = \n"
                    "env.G = x y\n"
                    "env.MODE = relu\n"
                    "env.OMP_NUM_THREADS = 1\n"
                    "model.kind = program\n"
                    "program.command = p --lr=0.001 \"--name=a relu\" \"{\\\"n\\\": $$1}\" relux \"it # is\" "
                    "${out}/${epochs} 1..3 \"ab cd\" \"\"\n"
                    "program.threads = 1\n");
    hpx_fields fields = {0};
    hpx_recipe_settings(&fields, recipe, 0);
    hpx_recipe_change_settings(&fields, recipe, 3);
    expect_fields(
        &fields,
        "axis.act = t$ nh\n"
        "axis.rate = 0.1\n"
        "env.EMPTY = \n"
        "env.G = x y\n"
        "env.MODE = t$$ nh\n"
        "env.OMP_NUM_THREADS = 1\n"
        "model.kind = program\n"
        "program.command = p --lr=0.1 \"--name=a t$$ nh\" \"{\\\"n\\\": $$1}\" \"t$$ nhx\" \"it # is\" "
        "${out}/${epochs} 1..3 \"ab cd\" \"\"\n"
        "program.threads = 1\n");
    for (size_t i = 0; i < 2; i++)
        assert_true(hpx_recipe_axis_in(recipe, i, "model"));
    hpx_recipe_free(recipe);
}

/* What is not stated. */
static void test_defaults(void **state)
{
    hpx_recipe *recipe = parse("program\n" GOOD "train\n  objective = val_accuracy\n");
    hpx_fields conditions = {0};
    (void)state;
    assert_int_equal(recipe->epochs, 1);
    assert_int_equal(recipe->seed_count, 1);
    assert_int_equal(recipe->keep, HPX_KEEP_NEWEST);
    assert_false(recipe->objective.minimised);
    assert_int_equal(recipe->program->code.count, 0);
    assert_int_equal(recipe->program->version_count, 0);
    expect_settings(recipe, 0, "model.kind = program\nprogram.command = p\nprogram.threads = 1\n");
    hpx_recipe_conditions(&conditions, recipe);
    expect_fields(&conditions,
                  "run.continue = no\nrun.gpus = 0\nrun.in = copy\nrun.objective = val_accuracy\n"
                  "run.repeat = exact\nrun.within = 0\n");
    hpx_recipe_free(recipe);
}

static void test_everything(void **state)
{
    hpx_recipe *recipe = parse("program\n" GOOD "  code = train.py src/ \"uv lock\" *.so\n"
                               "  data = 'data/a b.npz' /big/x\n"
                               "  version = \"python3 -V\" \"sh -c 'echo $act | cat'\" nvcc\n"
                               "  pass = WANDB_API_KEY HF_HOME\n"
                               "  fill = config.yaml\n"
                               "  metrics = stdout\n"
                               "  match = acc \"Accuracy: .*\\(([0-9.]+)%\\)$\" loss 'loss=(.*)$'\n"
                               "  volatile = \"*_ms\" t?\n"
                               "  continue = yes\n"
                               "  repeat = within 0.002\n"
                               "  run-in = worktree\n"
                               "  threads = 4\n"
                               "  timeout = 1h30m\n"
                               "  memory = 1.5GiB\n"
                               "  gpus = 2\n"
                               "train\n  epochs = 20\n  seeds = 1..3\n  objective = minimise err\n" AXES);
    const hpx_program *program = recipe->program;
    hpx_fields conditions = {0};
    hpx_buffer version = {0};
    (void)state;
    expect_words(&program->code, "[train.py][src/][uv lock][*.so]");
    expect_words(&program->data, "[data/a b.npz][/big/x]");
    expect_words(&program->fill, "[config.yaml]");
    assert_int_equal(program->match_count, 2);
    assert_string_equal(program->matches[1].name, "loss");
    assert_string_equal(program->matches[1].text, "loss=(.*)$");
    assert_int_equal(program->version_count, 3);
    hpx_recipe_version_command(&version, recipe, 1, 1);
    assert_string_equal(hpx_buffer_text(&version), "sh -c \"echo t$ nh | cat\"");
    hpx_buffer_free(&version);
    assert_true(recipe->objective.minimised);
    assert_int_equal(recipe->seed_count, 3);
    expect_settings(recipe, 0,
                    "axis.act = relu\naxis.rate = 0.001\nmodel.kind = program\nprogram.command = p\n"
                    "program.fill = config.yaml\n"
                    "program.match = acc \"Accuracy: .*\\\\(([0-9.]+)%\\\\)$\" loss loss=(.*)$\n"
                    "program.metrics = stdout\nprogram.threads = 4\n");
    hpx_recipe_conditions(&conditions, recipe);
    expect_fields(&conditions,
                  "run.continue = yes\nrun.gpus = 2\nrun.in = worktree\nrun.memory = 1610612736\n"
                  "run.objective = err\nrun.pass = WANDB_API_KEY HF_HOME\nrun.repeat = within\n"
                  "run.timeout = 5400\nrun.volatile = *_ms t?\nrun.within = 0.002\n");
    hpx_recipe_free(recipe);
}

/* LINE:COLUMN: MESSAGE. */
static const struct mistake {
    const char *recipe, *message;
} mistakes[] = {
    {"program\n" TRAIN,
     "1:1: program has no 'command': expected a binding such as 'command = python3 train.py'"},
    {"program x\n" GOOD TRAIN, "1:9: unexpected 'x': expected nothing after 'program'"},
    {"program\n" GOOD, "1:1: train needs 'objective': expected the name of a metric"},
    {"program\n" GOOD "train\n  epochs = 3\n", "3:1: train needs 'objective': expected the name of a metric"},
    {"program\n" GOOD "train\n  objective = score\n",
     "4:15: nobody knows whether more or less of 'score' is better: expected 'objective = maximise score' or "
     "'objective = minimise score'"},
    {"program\n" GOOD "dataset mnist\n" TRAIN, "3:1: 'dataset' beside 'program': a program takes the place "
                                               "of dataset and model, expected no 'dataset'"},
    {"program\n" GOOD "model mlp\n  hidden = 3\n" TRAIN,
     "3:1: 'model' beside 'program': a program takes the place of dataset and model, expected no 'model'"},
    {"dataset mnist\nmodel program\n",
     "2:7: unknown model 'program': expected mlp, cnn; a program is a statement "
     "of its own, expected a line 'program'"},
    {"program\n" GOOD "  codes = a\n" TRAIN,
     "3:3: unknown setting 'codes' of program: expected command, code, data, version, env, pass, fill, "
     "metrics, match, "
     "volatile, continue, repeat, run-in, threads, timeout, memory, gpus; did you mean 'code'?"},
    {"program\n" GOOD "  epochs = 3\n" TRAIN,
     "3:3: 'epochs' is a setting of train, not of program: expected command, code, data, version, env, pass, "
     "fill, "
     "metrics, match, volatile, continue, repeat, run-in, threads, timeout, memory, gpus"},
    {"program\n" GOOD TRAIN "  timeout = 3h\n",
     "5:3: 'timeout' is a setting of program, not of train: expected epochs, seeds, objective, keep"},
    {"program\n" GOOD TRAIN "  rate = 3\n", "5:3: 'rate' is a setting of models: a program is told its "
                                            "settings by its command, such as '--rate $rate' with "
                                            "an axis 'rate'"},
    {"program\n  command = p $a | tee log\n" TRAIN "axis a = 1 2\n",
     "2:18: no shell reads the command, so '|' would go to the program: expected sh -c \"...\"; quote the "
     "word if it is "
     "meant literally"},
    {"program\n  command = p {a} '{a}' ${a}\n" TRAIN "axis a = 1 2\n",
     "2:15: '{a}' is plain text: expected '$a' for the value of the axis; quote the word if it is meant "
     "literally"},
    {"program\n  command = p\n  env = A=x{a}\n" TRAIN "axis a = 1 2\n",
     "3:9: '{a}' is plain text: expected '$a' for the value of the axis; quote the word if it is meant "
     "literally"},
    {"program\n" GOOD "  code = a.py, b.py\n" TRAIN,
     "3:10: a comma behind 'a.py': expected blanks between words; quote the word if the comma is part of it"},
    {"program\n" GOOD "  env = A=1, B=2\n" TRAIN,
     "3:9: a comma behind 'A=1': expected blanks between words; quote the word if the comma is part of it"},
    {"program\n  command = A=$a p\n" TRAIN "axis a = 1 2\n",
     "2:13: 'A=$a' is no program: expected it as 'env = A=$a'"},
    {"program\n" GOOD "  metrics = stdout\n  match = n n=(\\d+)\n" TRAIN,
     "4:13: '\\d' means nothing in a POSIX extended regular expression: expected [0-9]"},
    {"program\n" GOOD "  metrics = stdout\n  match = n \\(n\\)\\t([0-9]+)\n" TRAIN,
     "4:13: '\\t' means nothing in a POSIX extended regular expression"},
    {"program\n  command = \"p\n" TRAIN, "2:13: the quote has no end: expected another \" on this line"},
    {"program\n  command = p a'b\n" TRAIN, "2:16: the quote has no end: expected another ' on this line"},
    {"program\n  command = p \\ \n" TRAIN, "2:15: a lone '\\': expected it to be the last character of a "
                                           "line that goes on in the next, without a blank "
                                           "behind it"},
    {"program\n  command = ''\n" TRAIN, "2:13: an empty word cannot be a program"},
    {"program\n  command = p --lr=$rat\n" TRAIN AXES,
     "2:20: unknown name '$rat': expected rate, act, seed, epochs, params, out, resume, metrics, or '$$' "
     "for a dollar; did you mean 'rate'?"},
    {"program\n  command = p \\\n    x 'a $1'\n" TRAIN,
     "3:10: unknown name '$1': expected seed, epochs, params, out, resume, metrics, or '$$' for a dollar"},
    {"program\n  command = p 5$\n" TRAIN,
     "2:16: '$' before no name: expected $NAME or ${NAME}, or '$$' for a dollar"},
    {"program\n  command = p ${rate\n" TRAIN AXES,
     "2:15: '$' before no name: expected $NAME or ${NAME}, or '$$' for a dollar"},
    {"program\n  command = p ${}\n" TRAIN,
     "2:15: '$' before no name: expected $NAME or ${NAME}, or '$$' for a dollar"},
    {"program\n" GOOD "  version = \"p $seed\"\n" TRAIN,
     "3:16: '$seed' cannot stand in 'version', which is run once and not for each trial"},
    {"program\n" GOOD "  version = \"p $x\"\n" TRAIN,
     "3:16: unknown name '$x': expected an axis (the recipe has none), or '$$' for a dollar"},
    {"program\n" GOOD "  version = \"sh -c 'a\"\n" TRAIN,
     "3:20: the quote has no end: expected another ' in this command"},
    {"program\n" GOOD "  version = \" \"\n" TRAIN, "3:13: an empty command: expected such as \"python3 -V\""},
    {"program\n" GOOD "  version = python3 -V\n" TRAIN,
     "3:21: '-V' is no command: expected each command in quotes, such as \"python3 -V\""},
    {"program\n" GOOD "  env = MODE\n" TRAIN,
     "3:9: 'MODE' sets no variable: expected NAME=VALUE; 'pass' takes names alone"},
    {"program\n" GOOD "  env = A-B=1\n" TRAIN,
     "3:9: 'A-B' cannot name a variable: expected NAME=VALUE, with letters, digits and '_', at most 64"},
    {"program\n" GOOD "  env = =1\n" TRAIN,
     "3:9: '' cannot name a variable: expected NAME=VALUE, with letters, digits and '_', at most 64"},
    {"program\n" GOOD "  env = HPX_SEED=1\n" TRAIN,
     "3:9: 'HPX_SEED' is hpx's own: expected no variable that begins with HPX_"},
    {"program\n" GOOD "  env = A=1 A=2\n" TRAIN, "3:13: 'env' sets 'A' twice: expected every variable once"},
    {"program\n" GOOD "  env = A=$x\n" TRAIN,
     "3:11: unknown name '$x': expected seed, epochs, params, out, resume, metrics, or '$$' for a dollar"},
    {"program\n" GOOD "  env = A=1\n  pass = A\n" TRAIN,
     "3:9: 'A' stands in 'env' and in 'pass': expected it in one of them"},
    {"program\n" GOOD "  pass = A=1\n" TRAIN, "3:10: 'A=1' cannot name a variable: expected the name of a "
                                              "variable, with letters, digits and '_', at most 64"},
    {"program\n" GOOD "  code = $rate\n" TRAIN AXES,
     "3:10: '$rate' cannot stand in 'code': axes stand in command, env and version; quote the word if the "
     "'$' is meant "
     "literally"},
    {"program\n" GOOD "  data = \"\"\n" TRAIN, "3:10: an empty word cannot stand in 'data'"},
    {"program\n" GOOD "  metrics = stdin\n" TRAIN,
     "3:13: 'metrics' cannot be 'stdin': expected file, stdout"},
    {"program\n" GOOD "  metrics = file stdout\n" TRAIN,
     "3:18: a second value of 'metrics': expected one value, file, stdout"},
    {"program\n" GOOD "  match = acc (.*)\n" TRAIN,
     "3:3: 'match' belongs to metrics stdout: expected 'metrics = stdout', or no 'match'"},
    {"program\n" GOOD "  metrics = stdout\n  match = acc\n" TRAIN,
     "4:11: 'match' has an odd number of words: expected pairs of NAME REGEX"},
    {"program\n" GOOD "  metrics = stdout\n  match = acc \"a(\"\n" TRAIN,
     "4:15: no POSIX extended regular expression: Unmatched ( or \\("},
    {"program\n" GOOD "  metrics = stdout\n  match = acc a=.*\n" TRAIN,
     "4:15: the expression has no group: expected the number in parentheses, such as \"accuracy: "
     "([0-9.]+)\""},
    {"program\n" GOOD "  metrics = stdout\n  match = \"a b\" (.*)\n" TRAIN,
     "4:11: 'a b' cannot name a metric: expected printable characters without blank, comma or quote"},
    {"program\n" GOOD "  volatile = a,b\n" TRAIN,
     "3:14: 'a,b' is like no metric: expected a name, in which * and ? stand for any"},
    {"program\n" GOOD "  continue = always\n" TRAIN,
     "3:14: 'continue' cannot be 'always': expected no, resume, yes"},
    {"program\n" GOOD "  continue = on\n" TRAIN,
     "3:14: 'continue' cannot be 'on': expected no, resume, yes; did you mean 'yes'?"},
    {"program\n" GOOD "  continue = resume\n  repeat = no\n" TRAIN,
     "3:14: 'continue = resume' beside 'repeat = no': what no run repeats cannot be proved to go on as it "
     "would have; "
     "expected 'continue = no', 'repeat = exact' or 'repeat = within X'"},
    {"program\n" GOOD "  repeat = about\n" TRAIN,
     "3:12: 'repeat' cannot be 'about': expected exact, within, no"},
    {"program\n" GOOD "  repeat = 0.002\n" TRAIN,
     "3:12: 'repeat' is a number: expected 'repeat = within 0.002'"},
    {"program\n" GOOD "  repeat = within\n" TRAIN,
     "3:12: 'within' needs how far apart metrics may be: expected 'repeat = within X', X a number from 0"},
    {"program\n" GOOD "  repeat = within -1\n" TRAIN,
     "3:19: 'within' needs how far apart metrics may be: expected 'repeat = within X', X a number from 0"},
    {"program\n" GOOD "  repeat = within 1 2\n" TRAIN,
     "3:21: 'within' needs how far apart metrics may be: expected 'repeat = within X', X a number from 0"},
    {"program\n" GOOD "  run-in = here\n" TRAIN, "3:12: 'run-in' cannot be 'here': expected copy, worktree"},
    {"program\n" GOOD "  threads = 0\n" TRAIN,
     "3:13: 'threads' cannot be '0': expected a whole number from 1 to 4096"},
    {"program\n" GOOD "  threads = $rate\n" TRAIN AXES,
     "3:13: '$rate' cannot stand in 'threads': axes stand in command, env and version; quote the word if the "
     "'$' is "
     "meant literally"},
    {"program\n" GOOD "  timeout = 2\n" TRAIN,
     "3:13: 'timeout' cannot be '2': expected a time such as 90s, 30m or 2h"},
    {"program\n" GOOD "  timeout = 2 h\n" TRAIN,
     "3:15: 'timeout' cannot be 'h': expected a time such as 90s, 30m or 2h"},
    {"program\n" GOOD "  timeout = -2h\n" TRAIN,
     "3:13: 'timeout' cannot be '-2h': expected a time such as 90s, 30m or 2h"},
    {"program\n" GOOD "  timeout = 0s\n" TRAIN,
     "3:13: 'timeout' cannot be '0s': expected a time such as 90s, 30m or 2h"},
    {"program\n" GOOD "  memory = 16\n" TRAIN,
     "3:12: 'memory' cannot be '16': expected a size such as 512MiB or 16GiB"},
    {"program\n" GOOD "  memory = 1e9TiB\n" TRAIN,
     "3:12: 'memory' cannot be '1e9TiB': expected a size such as 512MiB or 16GiB"},
    {"program\n" GOOD TRAIN "axis out = 1 2\n",
     "5:6: an axis of a program cannot be called 'out': '$out' is what hpx tells the program"},
    {"program\n" GOOD "program\n" GOOD TRAIN, "3:1: a second program: the first is at r.rcp:1"},
    {"train\n  rate = $x\nprogam\n" GOOD, "3:1: unknown statement 'progam': expected dataset, model, "
                                          "program, train, axis, search, include; did you mean "
                                          "'program'?"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        hpx_recipe *recipe;
        hpx_error error;
        const char *text = mistakes[i].recipe;
        if (hpx_recipe_parse(&recipe, "r.rcp", text, strlen(text), NULL, NULL, &error) != HPX_USAGE)
            fail_msg("accepted: %s", text);
        error.message[strcspn(error.message, "\n")] = 0;
        assert_true(strncmp(error.message, "r.rcp:", 6) == 0);
        assert_string_equal(error.message + 6, mistakes[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
