/* The recipe of a script: how it is started, which of its options are axes with which values, and what it seems to report. */
#include "inside.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

#define VALUE_MAX 1e12 /* around which values are made up */
#define EPOCHS    5

/* What it may report, the better choice first; the objective is one of them. */
static const struct metric {
    const char *name;
    bool minimised;
} metrics[] = {
    {"val_accuracy", false}, {"val_acc", false}, {"test_accuracy", false},
    {"accuracy", false},     {"score", false},   {"auc", false},
    {"f1", false},           {"val_loss", true}, {"test_loss", true},
    {"loss", true},          {"error", true},    {"rmse", true},
    {"mse", true},           {"mae", true},
};

/* Options that are no hyperparameters, by the parts of their names. */
static const char *const others[] = {
    "seed",   "epoch", "epochs", "worker",  "workers", "thread",  "threads", "jobs",   "device",  "gpu",
    "gpus",   "log",   "logs",   "verbose", "port",    "path",    "file",    "dir",    "folder",  "out",
    "output", "save",  "data",   "dataset", "sample",  "samples", "params",  "resume", "metrics", NULL};

/* Those whose values differ by orders of magnitude. */
static const char *const rates[] = {"lr", "learning", NULL};

/* --- axes -------------------------------------------------------------------------------------------------- */

/* One of the parts of a name is one of these words. */
static bool has_part(const char *name, const char *const *words)
{
    for (const char *part = name; *part; part += strspn(part, "-_")) {
        const size_t length = strcspn(part, "-_");
        for (const char *const *word = words; *word; word++)
            if (strlen(*word) == length && strncmp(*word, part, length) == 0)
                return true;
        part += length;
    }
    return false;
}

static void put_real(hpx_buffer *out, double value)
{
    char text[HPX_REAL_TEXT_BYTES];
    hpx_print(text, sizeof text, "%.6g", value);
    hpx_real_text(text, hpx_strtod(text, NULL));
    hpx_buffer_printf(out, " %s", text);
}

/* Values around its default; false: nobody knows any. */
static bool put_values(hpx_buffer *out, const struct script_option *option)
{
    double value = 0;
    if (option->values) {
        hpx_buffer_printf(out, " %s", option->values);
        return true;
    }
    const bool given = option->value && hpx_parse_real(&value, option->value);
    if (option->type == 'f' || option->type == 's' || (given && (value <= 0 || value > VALUE_MAX)))
        return false;
    const bool whole = option->type == 'i';
    if (!given)
        hpx_buffer_puts(out, whole ? " 1 2 4" : " 0.001 0.01 0.1");
    else if (whole && value < 2)
        hpx_buffer_puts(out, " 1 2 3");
    else if (whole && value == (double)(uint64_t)value)
        hpx_buffer_printf(out, " %llu %s %llu", (unsigned long long)value / 2, option->value,
                          (unsigned long long)value * 2);
    else if (whole)
        return false;
    else {
        const bool small = value <= 0.05 || has_part(option->name, rates); /* by its order of magnitude */
        put_real(out, small ? value / 10 : value / 2);
        hpx_buffer_printf(out, " %s", option->value);
        put_real(out, small ? value * 10 : value < 1 ? (1 + value) / 2 : value * 2);
    }
    return true;
}

static bool is_axis(const struct script *script, const struct script_option *option)
{
    for (size_t i = 0; i < script->axis_count; i++)
        if (script->axes[i] == option)
            return true;
    return false;
}

static void choose_axes(struct script *script)
{
    for (size_t i = 0; i < script->options.count && script->axis_count < SCRIPT_AXES_MAX; i++) {
        hpx_buffer values = {0};
        const struct script_option *option = &script->options.at[i];
        if (!has_part(option->name, others) && put_values(&values, option))
            script->axes[script->axis_count++] = option;
        hpx_buffer_free(&values);
    }
}

static void put_axes(hpx_buffer *out, const struct script *script)
{
    bool more = false;
    hpx_buffer_puts(out, "\n");
    if (script->axis_count == 0)
        hpx_buffer_printf(
            out, "# An axis is a name and its values; `$NAME` in `command` is the value of a trial:\n"
                 "# axis rate = 0.001 0.01 0.1\n\n");
    for (size_t i = 0; i < script->axis_count; i++) {
        const struct script_option *option = script->axes[i];
        hpx_buffer_printf(out, "axis %s =", option->name);
        put_values(out, option);
        if (option->value)
            hpx_buffer_printf(out, " # its default is %s", option->value);
        hpx_buffer_puts(out, "\n");
    }
    for (size_t i = 0; i < script->options.count; i++) {
        const struct script_option *option = &script->options.at[i];
        if (is_axis(script, option) || strcmp(option->name, "seed") == 0 || option->type == 'f')
            continue;
        hpx_buffer_puts(out,
                        more ? "" : "\n# It takes these, too; an axis needs `--NAME $NAME` in `command`:\n");
        hpx_buffer_printf(out, "# axis %s =", option->name);
        if (!put_values(out, option))
            hpx_buffer_puts(out, option->value ? hpx_arena_format(script->arena, " %s", option->value)
                                               : " VALUES");
        hpx_buffer_puts(out, "\n");
        more = true;
    }
    hpx_buffer_puts(out, "\n");
}

/* --- the recipe -------------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word)
{
    for (const char *at = text; (at = strstr(at, word)); at++) {
        const char next = at[strlen(word)];
        const bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (begins && !isalnum((unsigned char)next) && next != '_')
            return true;
    }
    return false;
}

static void put_train(hpx_buffer *out, const char *text)
{
    const struct metric *metric = NULL;
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics && !metric; i++)
        if (has_word(text, metrics[i].name))
            metric = &metrics[i];
    hpx_buffer_puts(out, "\ntrain\n");
    if (has_word(text, "HPX_EPOCHS"))
        hpx_buffer_printf(out, "  epochs = %d\n", EPOCHS);
    hpx_buffer_printf(out,
                      "  seeds = 1 # `seeds = 1..3` scores a cell by the mean over three runs\n"
                      "  objective = %s %s # %s\n",
                      !metric || metric->minimised ? "minimise" : "maximise", metric ? metric->name : "loss",
                      metric ? "what its text names; any metric that it reports"
                             : "a metric that it reports");
}

static void put_command(hpx_buffer *out, const struct script *script)
{
    hpx_buffer_puts(out, "  command =");
    if (script->runs_itself)
        hpx_buffer_printf(out, " ./%s", script->name);
    else
        hpx_buffer_printf(out, " %s %s", script->language->interpreter, script->name);
    for (size_t i = 0; i < script->axis_count; i++)
        hpx_buffer_printf(out, " --%s $%s", script->axes[i]->name, script->axes[i]->name);
    for (size_t i = 0; i < script->options.count; i++)
        if (strcmp(script->options.at[i].name, "seed") == 0)
            hpx_buffer_puts(out, " --seed $seed");
    hpx_buffer_puts(out, "\n");
}

static void put_program(hpx_buffer *out, struct script *script)
{
    const char *text = hpx_buffer_text(&script->text);
    const struct script_language *language = script->language;
    hpx_buffer_puts(out, "\nprogram\n");
    put_command(out, script);
    hpx_buffer_puts(out, "  code =");
    for (size_t i = 0; i < script->file_count; i++)
        hpx_buffer_printf(out, " %s", script->files[i]);
    hpx_buffer_puts(out, " # the files that it is made of: an edit of them makes stored results miss\n");
    for (size_t i = 0; i < script->data.count; i++)
        hpx_buffer_printf(out, "%s%s", i ? " " : "  data = ", script->data.paths[i]);
    hpx_buffer_puts(out, script->data.count ? "\n" : "");
    if (!script->runs_itself && language->version)
        hpx_buffer_printf(out, "  version = \"%s\" # what this prints is part of a result's identity\n",
                          language->version);
    if (has_word(text, "HPX_RESUME"))
        hpx_buffer_puts(
            out, "  continue = yes # more epochs go on from the checkpoint of fewer; hpx proves it first\n");
    if (!has_word(text, "HPX_METRICS"))
        hpx_buffer_puts(out, "  metrics = stdout # lines such as `loss=0.1`, or JSON\n");
}

void hpx_starter_put_script(hpx_buffer *out, struct script *script)
{
    choose_axes(script);
    hpx_buffer_printf(out, "# Runs %s. `hpx doctor` tries it once and says what this recipe lacks.\n",
                      script->name);
    put_program(out, script);
    put_train(out, hpx_buffer_text(&script->text));
    put_axes(out, script);
    hpx_buffer_puts(
        out, script->axis_count > 1
                 ? "search cross\n  method = partial-cross # or grid, bayes, halving, ...\n  limit = 1\n"
                 : "search all\n  method = grid\n");
}
