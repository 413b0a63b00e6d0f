#include "inside.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_BEFORE 60 /* bytes of a long line shown before and after the caret */
#define QUOTE_AFTER  50
#define SHOWN_BYTES  48
#define LISTED_MAX   16 /* values of an axis that a message lists */

static bool continues(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

/* The line and a caret under `column`. Tabs stay tabs in both, so that they align; what a terminal must not
 * get (control characters, broken UTF-8) becomes '?'. */
static void quote(hpx_buffer *out, const struct line *at, size_t column)
{
    size_t from = 0, to = at->size;
    if (column > QUOTE_BEFORE + 3)
        from = column - 1 - QUOTE_BEFORE;
    if (to > column + QUOTE_AFTER + 3)
        to = column + QUOTE_AFTER;
    while (from < to && from > 0 && continues(at->bytes[from]))
        from++;
    while (to > from && to < at->size && continues(at->bytes[to]))
        to--;
    hpx_buffer caret = {0};
    hpx_buffer_puts(out, from > 0 ? "\n..." : "\n");
    hpx_buffer_puts(&caret, from > 0 ? "\n   " : "\n");
    for (size_t i = from, length; i < to; i += length) {
        uint32_t code;
        length = hpx_utf8_next(&code, at->bytes + i, to - i);
        bool bad = length == 0 || (!hpx_is_visible(code) && code != '\t');
        if (length == 0)
            length = 1;
        hpx_buffer_add(out, bad ? "?" : at->bytes + i, bad ? 1 : length);
        if (i < column - 1)
            hpx_buffer_puts(&caret, at->bytes[i] == '\t' ? "\t" : " ");
    }
    hpx_buffer_puts(out, to < at->size ? "..." : "");
    hpx_buffer_puts(out, hpx_buffer_text(&caret));
    hpx_buffer_puts(out, "^");
    hpx_buffer_free(&caret);
}

/* The part of a line that holds the byte at `column`, and where in it. */
static struct line find_part(const struct line *at, size_t column, size_t *part_column)
{
    struct line part = *at;
    const char *end = at->bytes + at->size, *stop;
    while ((stop = memchr(part.bytes, '\n', (size_t)(end - part.bytes))) && stop < at->bytes + column - 1) {
        part.bytes = stop + 1;
        part.number++;
    }
    *part_column = column - (size_t)(part.bytes - at->bytes);
    part.size = (size_t)((stop ? stop : end) - part.bytes);
    if (stop && part.size > 0 && part.bytes[part.size - 1] == '\r')
        part.size--;
    return part;
}

static void describe(hpx_buffer *out, const struct line *part, size_t column, const char *message)
{
    if (part->source->is_word)
        hpx_buffer_printf(out, "%s: %s", part->source->path, message);
    else
        hpx_buffer_printf(out, "%s:%u:%zu: %s", part->source->path, part->number, column, message);
    if (part->size > 0)
        quote(out, part, column);
    for (const struct source *s = part->source; s->includer; s = s->includer)
        hpx_buffer_printf(out, "\nincluded from %s:%u", s->includer->path, s->include_line);
}

static hpx_status fail(struct parse *p, const struct line *at, size_t column, const char *message)
{
    struct line part = find_part(at, column, &column);
    size_t source = 0;
    while (source < p->source_count && p->sources[source] != part.source)
        source++;
    if (!p->status)
        p->status = HPX_USAGE;
    for (size_t i = 0; i < p->mistake_count && i < MISTAKES_MAX; i++) {
        const struct mistake *m = &p->mistakes[i];
        if (m->source == source && m->line == part.number && m->column == column)
            return HPX_USAGE;
    }
    if (p->mistake_count++ >= MISTAKES_MAX)
        return HPX_USAGE;
    hpx_buffer text = {0};
    describe(&text, &part, column, message);
    p->mistakes[p->mistake_count - 1] = (struct mistake){
        .source = source,
        .line = part.number,
        .column = (uint32_t)column,
        .text = hpx_arena_strndup(p->arena, hpx_buffer_text(&text), text.size),
    };
    hpx_buffer_free(&text);
    return HPX_USAGE;
}

static int by_place(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

void hpx_recipe_tell(struct parse *p, hpx_error *error)
{
    size_t count = p->mistake_count < MISTAKES_MAX ? p->mistake_count : MISTAKES_MAX, told = 0;
    hpx_buffer text = {0};
    qsort(p->mistakes, count, sizeof *p->mistakes, by_place);
    for (; told < count; told++) {
        size_t more = strlen(p->mistakes[told].text) + sizeof "\nand 18446744073709551615 more mistakes";
        if (told > 0 && text.size + more > HPX_ERROR_BYTES)
            break;
        hpx_buffer_printf(&text, "%s%s", told ? "\n" : "", p->mistakes[told].text);
    }
    if (told < p->mistake_count)
        hpx_buffer_printf(&text, "\nand %zu more mistake%s", p->mistake_count - told,
                          p->mistake_count - told == 1 ? "" : "s");
    hpx_error_set(error, p->status, "%s", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

hpx_place hpx_recipe_place(const struct word *word)
{
    size_t column;
    struct line part = find_part(word->line, word->column, &column);
    return (hpx_place){part.source->path, part.number, (uint32_t)column};
}

void hpx_recipe_describe(hpx_buffer *out, const struct word *at, const char *message)
{
    size_t column;
    struct line part = find_part(at->line, at->column, &column);
    describe(out, &part, column, message);
}

hpx_status hpx_recipe_fail_at(struct parse *p, const struct line *at, size_t column, const char *format, ...)
{
    char message[HPX_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    hpx_vprint(message, sizeof message, format, args);
    va_end(args);
    return fail(p, at, column, message);
}

hpx_status hpx_recipe_fail(struct parse *p, const struct word *at, const char *format, ...)
{
    char message[HPX_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    hpx_vprint(message, sizeof message, format, args);
    va_end(args);
    return fail(p, at->line, at->column, message);
}

const char *hpx_recipe_show(struct parse *p, const char *text)
{
    if (strlen(text) <= SHOWN_BYTES)
        return text;
    size_t length = SHOWN_BYTES - 3;
    while (length > 0 && continues(text[length]))
        length--;
    return hpx_arena_format(p->arena, "%.*s...", (int)length, text);
}

const char *hpx_recipe_list(struct parse *p, const char *const *words)
{
    const char *list = "";
    for (; *words; words++)
        list = hpx_arena_format(p->arena, "%s%s%s", list, *list ? ", " : "", *words);
    return list;
}

/* What other tools call it, and what it is called here. */
static const hpx_alias aliases[] = {
    {"lr", "rate"},
    {"learning-rate", "rate"},
    {"eta", "rate"},
    {"alpha", "rate"},
    {"batch-size", "batch"},
    {"bs", "batch"},
    {"minibatch", "batch"},
    {"wd", "weight-decay"},
    {"decay", "weight-decay"},
    {"regularization", "weight-decay"},
    {"l2-regularization", "weight-decay"},
    {"l2", "weight-decay"},
    {"mu", "momentum"},
    {"eps", "epsilon"},
    {"opt", "optimizer"},
    {"scheduler", "schedule"},
    {"lr-schedule", "schedule"},
    {"lr-decay", "schedule"},
    {"gamma", "step-factor"},
    {"step-size", "step-epochs"},
    {"none", "constant"},
    {"fixed", "constant"},
    {"cos", "cosine"},
    {"cosine-annealing", "cosine"},
    {"max-epochs", "epochs"},
    {"num-epochs", "epochs"},
    {"iterations", "epochs"},
    {"iters", "epochs"},
    {"max-iter", "epochs"},
    {"steps", "epochs"},
    {"random-state", "seeds"},
    {"random-seed", "seeds"},
    {"repeats", "seeds"},
    {"repetitions", "seeds"},
    {"runs", "seeds"},
    {"metric", "objective"},
    {"monitor", "objective"},
    {"goal", "objective"},
    {"target", "objective"},
    {"score", "objective"},
    {"direction", "objective"},
    {"maximize", "maximise"},
    {"max", "maximise"},
    {"higher", "maximise"},
    {"minimize", "minimise"},
    {"min", "minimise"},
    {"lower", "minimise"},
    {"checkpoint", "keep"},
    {"save", "keep"},
    {"save-best", "keep"},
    {"every", "all"},
    {"no", "none"},
    {"true", "yes"},
    {"on", "yes"},
    {"false", "no"},
    {"off", "no"},
    {"final", "newest"},
    {"last", "newest"},
    {"latest", "newest"},
    {"val-accuracy", "validation_accuracy"},
    {"val-acc", "validation_accuracy"},
    {"validation-acc", "validation_accuracy"},
    {"accuracy", "validation_accuracy"},
    {"acc", "validation_accuracy"},
    {"val-loss", "validation_loss"},
    {"loss", "validation_loss"},
    {"test-acc", "test_accuracy"},
    {"train-acc", "train_accuracy"},
    {"layers", "hidden"},
    {"units", "hidden"},
    {"hidden-units", "hidden"},
    {"neurons", "hidden"},
    {"nodes", "hidden"},
    {"width", "hidden"},
    {"sizes", "hidden"},
    {"hidden-layers", "hidden"},
    {"hidden-sizes", "hidden"},
    {"channels", "filters"},
    {"out-channels", "filters"},
    {"kernel-size", "kernel"},
    {"filter-size", "kernel"},
    {"strides", "stride"},
    {"pad", "padding"},
    {"pool-size", "pool"},
    {"pool-type", "pooling"},
    {"avg", "average"},
    {"act", "activation"},
    {"activation-function", "activation"},
    {"nonlinearity", "activation"},
    {"drop", "dropout"},
    {"dropout-rate", "dropout"},
    {"initialization", "init"},
    {"initializer", "init"},
    {"weight-init", "init"},
    {"xavier", "glorot"},
    {"xavier-normal", "glorot"},
    {"xavier-uniform", "glorot"},
    {"glorot-normal", "glorot"},
    {"glorot-uniform", "glorot"},
    {"kaiming", "he"},
    {"kaiming-normal", "he"},
    {"kaiming-uniform", "he"},
    {"he-normal", "he"},
    {"he-uniform", "he"},
    {"adamw", "adam"},
    {"val", "validation"},
    {"valid", "validation"},
    {"holdout", "validation"},
    {"validation-size", "validation"},
    {"validation-split", "validation"},
    {"samples", "take"},
    {"subset", "take"},
    {"limit", "take"},
    {"size", "take"},
    {"algorithm", "method"},
    {"strategy", "method"},
    {"iterations", "evaluations"},
    {"trials", "evaluations"},
    {"n-trials", "evaluations"},
    {"evals", "evaluations"},
    {"max-evals", "evaluations"},
    {"n-iter", "evaluations"},
    {"budget", "evaluations"},
    {"start-point", "start"},
    {"from", "start"},
    {"initial-points", "initial"},
    {"reduction-factor", "eta"},
    {"min-budget", "min-epochs"},
    {"neighborhood", "neighbours"},
    {"patience", "limit"},
    {"hillclimb", "hill-climb"},
    {"grid-search", "grid"},
    {"cross", "full-cross"},
    {"cross-search", "full-cross"},
    {"full", "full-cross"},
    {"full-cross-search", "full-cross"},
    {"partial", "partial-cross"},
    {"partial-cross-search", "partial-cross"},
    {"bayesian", "bayes"},
    {"gp", "bayes"},
    {"tpe", "bayes"},
    {"random-search", "random"},
    {"successive-halving", "halving"},
    {"logarithm", "log"},
    {"logarithmic", "log"},
    {"loguniform", "log"},
    {"logspace", "log"},
    {"geometric", "log"},
    {"geomspace", "log"},
    {"uniform", "linear"},
    {"range", "linear"},
    {"linspace", "linear"},
    {"lin", "linear"},
    {"arange", "linear"},
    {"int", "linear"},
    {"integer", "linear"},
    {"randint", "linear"},
    {"quniform", "linear"},
    {"float", "linear"},
    {"log-uniform", "log"},
    {"categorical", "unordered"},
    {"nominal", "unordered"},
    {"ordinal", "ordered"},
    {"parameter", "axis"},
    {"param", "axis"},
    {"params", "axis"},
    {"hyperparameter", "axis"},
    {"training", "train"},
    {"data", "dataset"},
    {"network", "model"},
    {"net", "model"},
    {"optimize", "search"},
    {"import", "include"},
    {"perceptron", "mlp"},
    {"dense", "mlp"},
    {"conv", "cnn"},
    {"convnet", "cnn"},
    {"script", "program"},
    {"run", "program"},
    {"cmd", "command"},
    {"exec", "command"},
    {"sources", "code"},
    {"deps", "code"},
    {"dependencies", "code"},
    {"inputs", "data"},
    {"environment", "env"},
    {"passenv", "pass"},
    {"regex", "match"},
    {"pattern", "match"},
    {"template", "fill"},
    {"tolerance", "repeat"},
    {"deterministic", "repeat"},
    {"time-limit", "timeout"},
    {"mem", "memory"},
    {"cpus", "threads"},
    {"cores", "threads"},
    {"cwd", "run-in"},
};
#define ALIASES (sizeof aliases / sizeof *aliases)

/* As aliases are written: '_' and '-' are one, 'A' and 'a' too. */
static const char *plain_of(struct parse *p, const char *word)
{
    char *plain = hpx_arena_strndup(p->arena, word, strlen(word));
    for (char *c = plain; *c; c++)
        *c = *c == '_' ? '-' : *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
    return plain;
}

const char *hpx_recipe_meant(struct parse *p, const char *wrong, const char *const *words)
{
    const char *plain = plain_of(p, wrong);
    for (size_t i = 0; words[i]; i++)
        if (strcmp(plain, plain_of(p, words[i])) == 0)
            return words[i];
    return hpx_alias_find(aliases, ALIASES, plain, words);
}

const char *hpx_recipe_nearest(struct parse *p, const char *wrong, const char *const *words)
{
    const char *plain = plain_of(p, wrong), *nearest = hpx_recipe_meant(p, wrong, words);
    if (!nearest)
        nearest = hpx_nearest_word(wrong, words);
    if (!nearest)
        nearest = hpx_nearest_word(plain, words);
    if (nearest)
        return nearest;
    const char *longer[ALIASES + 1] = {NULL}; /* too many words are near to a short one */
    const size_t length = strlen(plain);
    size_t count = 0;
    for (size_t i = 0; i < ALIASES; i++) {
        const size_t other = strlen(aliases[i].word);
        if (other > 5 && other <= length + 2 && length <= other + 2 && hpx_word_is_in(words, aliases[i].here))
            longer[count++] = aliases[i].word;
    }
    const char *alias = hpx_nearest_word(plain, longer);
    return alias ? hpx_alias_find(aliases, ALIASES, alias, words) : NULL;
}

const char *hpx_recipe_hint(struct parse *p, const char *wrong, const char *const *words)
{
    const char *nearest = hpx_recipe_nearest(p, wrong, words);
    return nearest ? hpx_arena_format(p->arena, "; did you mean '%s'?", nearest) : "";
}

const char *hpx_recipe_expected(struct parse *p, const hpx_setting *setting)
{
    hpx_buffer values = {0};
    hpx_recipe_values(&values, setting);
    const char *text = hpx_arena_strndup(p->arena, hpx_buffer_text(&values), values.size);
    hpx_buffer_free(&values);
    return text;
}

void hpx_recipe_expected_values(hpx_buffer *out, const hpx_axis *axis, const char *wrong)
{
    if (axis->count > LISTED_MAX) {
        hpx_buffer_printf(out, "expected one of its %u values from %s to %s", axis->count,
                          axis->values[0].text, axis->values[axis->count - 1].text);
        return;
    }
    const char *words[LISTED_MAX + 1] = {NULL};
    hpx_buffer_puts(out, "expected ");
    for (uint32_t i = 0; i < axis->count; i++) {
        words[i] = axis->values[i].text;
        hpx_buffer_printf(out, "%s%s", i ? ", " : "", words[i]);
    }
    double number; /* one number is not a misspelling of another */
    const char *nearest = hpx_parse_real(&number, wrong) ? NULL : hpx_nearest_word(wrong, words);
    if (nearest)
        hpx_buffer_printf(out, "; did you mean '%s'?", nearest);
}
