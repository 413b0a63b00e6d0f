#include "diagnosis.h"

#include "base/text.h"
#include "program/printed.h"
#include "program/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SHOWN 8

void hpx_trial_run_free(struct hpx_trial_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        hpx_metrics_free(&run->epochs[i].metrics);
    free(run->epochs);
    free(run->accident);
    hpx_buffer_free(&run->log);
    *run = (struct hpx_trial_run){.ran = false};
}

/* --- words of a recipe ------------------------------------------------------------------------------------ */

/* A word of `program`, as its recipe has it: what has a meaning there stands between quotes. */
static void add_word(hpx_buffer *out, const char *text)
{
    const char *quote = !*text || strpbrk(text, " \t#$'\\") ? "\"" : "";
    if (strchr(text, '"'))
        quote = "'";
    hpx_buffer_printf(out, " %s%s%s", quote, text, quote);
}

/* "code = train.py src/ util.py": what there is, and what is to come. */
static void add_list_binding(hpx_buffer *out, const char *name, const hpx_program_words *stated,
                             const hpx_path_list *more)
{
    if (more->count == 0)
        return;
    hpx_buffer_printf(out, "%s =", name);
    for (size_t i = 0; i < stated->count; i++)
        add_word(out, stated->words[i]);
    for (size_t i = 0; i < more->count; i++)
        add_word(out, more->paths[i]);
    hpx_buffer_puts(out, "\n");
}

/* --- what it opened --------------------------------------------------------------------------------------- */

static void add_part(hpx_buffer *out, size_t count, const char *one, const char *many)
{
    if (count > 0)
        hpx_buffer_printf(out, "%s%zu %s", out->size ? ", " : "", count, hpx_plural(count, one, many));
}

static const char *python_of(const hpx_program *program)
{
    const char *word = program->command.words[0], *slash = strrchr(word, '/');
    return strncmp(slash ? slash + 1 : word, "python", 6) == 0 ? word : "python3";
}

/* What the system and its packages are is a matter of `version`. */
static void advise_version(hpx_diagnosis *out, const hpx_program *program, const hpx_undeclared *undeclared)
{
    if (program->version_count > 0 || undeclared->installed == 0)
        return;
    hpx_buffer_printf(
        &out->advice,
        "%zu files of the system and of installed packages were opened, and no `version` tells when they "
        "change\n",
        undeclared->installed);
    if (undeclared->python)
        hpx_buffer_printf(&out->bindings, "version = \"%s -V\" \"%s -m pip freeze\"\n", python_of(program),
                          python_of(program));
}

/* Python looks first where PYTHONPATH says. */
static void advise_in_place(hpx_diagnosis *out, const hpx_program *program, const hpx_undeclared *undeclared)
{
    if (undeclared->in_place.count == 0)
        return;
    hpx_buffer_printf(&out->advice, "%s is declared, but was opened in the work tree and not in the copy: ",
                      undeclared->in_place.paths[0]);
    if (!undeclared->import_folder) {
        hpx_buffer_puts(&out->advice, "name it relative to the recipe, or say `run-in = worktree`\n");
        return;
    }
    hpx_buffer_puts(&out->advice,
                    "it is installed as editable; let Python look in the copy first, or say `run-in = "
                    "worktree`\n");
    hpx_buffer variable = {0};
    hpx_buffer_puts(&out->bindings, "env =");
    for (size_t i = 0; i < program->env_count; i++) {
        variable.size = 0;
        hpx_buffer_printf(&variable, "%s=%s", program->env[i].name, program->env[i].text);
        add_word(&out->bindings, hpx_buffer_text(&variable));
    }
    variable.size = 0;
    hpx_buffer_puts(&variable, "PYTHONPATH=");
    hpx_template_literal(&variable, undeclared->import_folder);
    add_word(&out->bindings, hpx_buffer_text(&variable));
    hpx_buffer_puts(&out->bindings, "\n");
    hpx_buffer_free(&variable);
}

static void advise_undeclared(hpx_diagnosis *out, const hpx_program *program,
                              const hpx_undeclared *undeclared)
{
    if (undeclared->code.count + undeclared->data.count > undeclared->in_home.count)
        hpx_buffer_puts(&out->advice,
                        "an edit of a file that is not declared makes no result miss: declare it\n");
    if (undeclared->in_home.count > 0)
        hpx_buffer_printf(
            &out->advice,
            "%s is kept in HOME between runs: declare it as data, or let the program keep it below TMPDIR\n",
            undeclared->in_home.paths[0]);
    add_list_binding(&out->bindings, "code", &program->code, &undeclared->code);
    add_list_binding(&out->bindings, "data", &program->data, &undeclared->data);
}

void hpx_diagnose_declared(hpx_diagnosis *out, const hpx_recipe *recipe, const hpx_undeclared *undeclared,
                           const char *why)
{
    const hpx_program *program = recipe->program;
    const size_t elsewhere = undeclared->code.count + undeclared->data.count - undeclared->in_home.count;
    add_part(&out->found, elsewhere, "file is not declared", "files are not declared");
    add_part(&out->found, undeclared->in_home.count, "file in HOME is not declared",
             "files in HOME are not declared");
    add_part(&out->found, undeclared->in_place.count, "file was opened in the work tree",
             "files were opened in the work tree");
    out->verdict = out->found.size ? HPX_DOCTOR_FAIL : why ? HPX_DOCTOR_NOT_TRIED : HPX_DOCTOR_PASS;
    if (why)
        hpx_buffer_printf(&out->found, "%s%s", out->found.size ? "; more is not known: " : "", why);
    else if (out->verdict == HPX_DOCTOR_PASS)
        hpx_buffer_puts(&out->found, "all files that it opened are declared");
    advise_undeclared(out, program, undeclared);
    advise_in_place(out, program, undeclared);
    advise_version(out, program, undeclared);
}

/* --- whether it repeats ----------------------------------------------------------------------------------- */

/* The metric that is furthest apart in all epochs. */
struct furthest {
    hpx_difference difference; /* name NULL: there is none */
    double apart;              /* infinite where one run does not have it */
    uint32_t epoch;
};

static struct furthest find_furthest(const struct hpx_trial_run *first, const struct hpx_trial_run *second,
                                     const char *volatiles)
{
    const hpx_comparison exact = {.likeness = HPX_LIKE_METRICS, .volatiles = volatiles};
    struct furthest furthest = {.apart = 0};
    for (size_t i = 0; i < first->count && i < second->count; i++) {
        hpx_difference difference;
        if (hpx_metrics_alike(&difference, &first->epochs[i].metrics, &second->epochs[i].metrics, &exact))
            continue;
        const double value = fabs(difference.a - difference.b), apart = isfinite(value) ? value : INFINITY;
        if (furthest.difference.name && apart <= furthest.apart)
            continue;
        furthest = (struct furthest){difference, apart, first->epochs[i].epoch};
    }
    return furthest;
}

/* A tolerance with one digit, above twice the distance: two runs show but a part of what there is. */
static const char *tolerance_text(char out[HPX_REAL_TEXT_BYTES], double apart)
{
    const double unit = pow(10, floor(log10(2 * apart)));
    char text[32];
    hpx_print(text, sizeof text, "%.0e", ceil(2 * apart / unit) * unit);
    return hpx_real_text(out, hpx_strtod(text, NULL));
}

static const char *repeat_text(char out[64], const hpx_comparison *comparison)
{
    char within[HPX_REAL_TEXT_BYTES];
    if (comparison->likeness == HPX_LIKE_ANY)
        hpx_print(out, 64, "no");
    else if (comparison->within > 0)
        hpx_print(out, 64, "within %s", hpx_real_text(within, comparison->within));
    else
        hpx_print(out, 64, "exact");
    return out;
}

static void advise_repeat(hpx_diagnosis *out, const struct furthest *furthest)
{
    char text[HPX_REAL_TEXT_BYTES];
    hpx_buffer_puts(
        &out->advice,
        "seed all random numbers from $seed (HPX_SEED), and look for what depends on time or on the "
        "order of threads; or say how far results may be apart\n");
    if (furthest->difference.name && isfinite(furthest->apart))
        hpx_buffer_printf(&out->bindings, "repeat = within %s\n", tolerance_text(text, furthest->apart));
    else
        hpx_buffer_puts(&out->bindings, "repeat = no\n");
}

void hpx_diagnose_deterministic(hpx_diagnosis *out, const struct hpx_trial_run *first,
                                const struct hpx_trial_run *second, const hpx_comparison *comparison)
{
    char repeat[64];
    if (first->accident || second->accident) {
        out->verdict = HPX_DOCTOR_NOT_TRIED;
        hpx_buffer_puts(&out->found,
                        first->accident ? "the trial ended by accident" : "the second run ended by accident");
        return;
    }
    const struct furthest furthest = find_furthest(first, second, comparison->volatiles);
    const double within = comparison->within;
    repeat_text(repeat, comparison);
    if (first->count != second->count || strcmp(first->failure, second->failure) != 0) {
        out->verdict = comparison->likeness == HPX_LIKE_ANY ? HPX_DOCTOR_PASS : HPX_DOCTOR_FAIL;
        hpx_buffer_puts(&out->found, "two runs ended otherwise");
    } else if (!furthest.difference.name) {
        hpx_buffer_puts(&out->found, "two runs have equal metrics");
        if (comparison->likeness == HPX_LIKE_ANY || within > 0)
            hpx_buffer_puts(&out->advice,
                            "if that is always so, `repeat = exact` finds out what changes it\n");
    } else {
        const bool alike = comparison->likeness == HPX_LIKE_ANY || furthest.apart <= within;
        out->verdict = alike ? HPX_DOCTOR_PASS : HPX_DOCTOR_FAIL;
        hpx_buffer_printf(&out->found, "two runs differ in epoch %u: ", furthest.epoch);
        hpx_difference_print(&out->found, &furthest.difference, "in the other");
        hpx_buffer_printf(&out->found, "; repeat = %s", repeat);
    }
    if (out->verdict == HPX_DOCTOR_FAIL)
        advise_repeat(out, &furthest);
}

/* --- what it says ----------------------------------------------------------------------------------------- */

static bool has_metric(const struct hpx_trial_run *run, const char *name)
{
    for (size_t i = 0; i < run->count; i++)
        for (size_t m = 0; m < run->epochs[i].metrics.count; m++)
            if (strcmp(run->epochs[i].metrics.list[m].name, name) == 0)
                return true;
    return false;
}

static void add_forms(hpx_buffer *out, const hpx_printed *printed)
{
    const struct {
        size_t count;
        const char *name;
    } forms[] = {{printed->objects, "JSON"}, {printed->pairs, "name=value"}, {printed->matched, "match"}};
    const char *before = "";
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].count == 0)
            continue;
        hpx_buffer_printf(out, "%s%s", before, forms[i].name);
        before = ", ";
    }
}

/* "2 epochs, 3 metrics: loss accuracy lr; from $HPX_METRICS". What does not continue has one result, whatever its epochs. */
static void add_recognised(hpx_diagnosis *out, const hpx_recipe *recipe, const struct hpx_trial_run *run,
                           const hpx_printed *printed)
{
    const hpx_metrics *last = &run->epochs[run->count - 1].metrics;
    if (recipe->program->continues != HPX_CONTINUE_NO)
        add_part(&out->found, run->count, "epoch", "epochs");
    add_part(&out->found, last->count, "metric:", "metrics:");
    for (size_t i = 0; i < last->count && i < NAMES_SHOWN; i++)
        hpx_buffer_printf(&out->found, " %s", last->list[i].name);
    if (last->count > NAMES_SHOWN)
        hpx_buffer_puts(&out->found, " ...");
    if (recipe->program->metrics == HPX_METRICS_FILE) {
        hpx_buffer_puts(&out->found, "; from $HPX_METRICS");
        return;
    }
    hpx_buffer_puts(&out->found, "; from standard output (");
    add_forms(&out->found, printed);
    hpx_buffer_puts(&out->found, ")");
}

/* What hpx has said of its lines: "hpx: line 3: ...". */
static void add_warnings(hpx_buffer *out, const hpx_buffer *log)
{
    const char *text = (const char *)log->data, *end = text + log->size;
    static const char mark[] = "hpx: ";
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text)), *last = newline ? newline : end;
        const size_t size = (size_t)(last - text);
        if (size > strlen(mark) && strncmp(text, mark, strlen(mark)) == 0) {
            hpx_text_show(out, text + strlen(mark), size - strlen(mark), "");
            hpx_buffer_puts(out, "\n");
        }
        text = newline ? newline + 1 : end;
    }
}

/* Which of them is the objective: one of that name, else the first that is like it; none where it has been found. */
static const hpx_unread *find_objective(const hpx_printed *printed, const struct hpx_trial_run *run,
                                        const char *objective)
{
    const hpx_unread *like = NULL;
    if (has_metric(run, objective))
        return NULL;
    for (size_t i = 0; i < printed->unread_count; i++) {
        const hpx_unread *unread = &printed->unread[i];
        if (strcmp(unread->name, objective) == 0)
            return unread;
        if (!like && (strstr(unread->name, objective) || strstr(objective, unread->name)))
            like = unread;
    }
    return like;
}

static void advise_match(hpx_diagnosis *out, const hpx_recipe *recipe, const struct hpx_trial_run *run,
                         const hpx_printed *printed)
{
    const hpx_program *program = recipe->program;
    const char *name = recipe->objective.name, *line = "";
    const hpx_unread *objective = find_objective(printed, run, name);
    bool any = false;
    hpx_buffer match = {0};
    hpx_buffer_puts(&match, "match =");
    for (size_t i = 0; i < program->match_count; i++) {
        add_word(&match, program->matches[i].name);
        add_word(&match, program->matches[i].text);
    }
    for (size_t i = 0; i < printed->unread_count; i++) {
        const hpx_unread *unread = &printed->unread[i];
        if (has_metric(run, unread->name))
            continue;
        if (strcmp(unread->line, line) != 0) {
            hpx_buffer_puts(&out->advice, "this line is not read: ");
            hpx_text_show(&out->advice, unread->line, strlen(unread->line), "");
            hpx_buffer_puts(&out->advice, "\n");
        }
        line = unread->line;
        add_word(&match, unread == objective ? name : unread->name);
        add_word(&match, unread->regex);
        any = true;
    }
    if (any && program->metrics == HPX_METRICS_FILE)
        hpx_buffer_puts(&out->bindings, "metrics = stdout\n");
    if (any)
        hpx_buffer_printf(&out->bindings, "%s\n", hpx_buffer_text(&match));
    else if (run->count == 0 && program->metrics == HPX_METRICS_FILE && printed->objects + printed->pairs > 0)
        hpx_buffer_puts(&out->bindings, "metrics = stdout\n");
    hpx_buffer_free(&match);
}

void hpx_diagnose_output(hpx_diagnosis *out, const hpx_recipe *recipe, const struct hpx_trial_run *run)
{
    const bool in_file = recipe->program->metrics == HPX_METRICS_FILE;
    hpx_buffer match = {0};
    hpx_printed printed;
    for (size_t i = 0; i < recipe->program->match_count; i++) {
        hpx_words_add(&match, recipe->program->matches[i].name);
        hpx_words_add(&match, recipe->program->matches[i].text);
    }
    hpx_printed_look(&printed, run->log.data, run->log.size, match.size ? hpx_buffer_text(&match) : NULL);
    if (run->accident) {
        out->verdict = HPX_DOCTOR_FAIL;
        hpx_text_show(&out->found, run->accident, strcspn(run->accident, "\n"), "");
    } else if (*run->failure) {
        out->verdict = HPX_DOCTOR_FAIL;
        hpx_buffer_printf(&out->found, "the program says that it failed: %s", run->failure);
    } else {
        add_recognised(out, recipe, run, &printed);
    }
    add_warnings(&out->advice, &run->log);
    if (run->accident || !in_file) /* what is printed beside a file of metrics is for people */
        advise_match(out, recipe, run, &printed);
    hpx_buffer_free(&match);
}
