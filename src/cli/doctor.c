/* hpx doctor: a program's trial, looked at. */
#include "cli.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define EPOCHS 2 /* as many as it takes to go on from one */

static void say(void *context, const char *text)
{
    const struct options *options = context;
    if (!options->quiet)
        hpx_say("%s", text);
}

static bool names(const char *word, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=';
}

static bool is_named(char *const *words, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (names(words[i], name))
            return true;
    return false;
}

/* Reads the recipe again as that of one trial: of axes that are not named the first value, and few epochs. Its words are in
 * the arena. */
static hpx_status open_trial(struct target *out, hpx_arena *arena, const struct target *all,
                             char *const *arguments, size_t given, hpx_error *error)
{
    const hpx_recipe *recipe = all->recipe;
    size_t count = given;
    char **words = hpx_arena_alloc(arena, (given + recipe->grid.axes + 1) * sizeof *words);
    words[0] = all->path;
    memcpy(words + 1, arguments + 1, (given - 1) * sizeof *words);
    for (size_t axis = 0; axis < recipe->grid.axes; axis++)
        if (recipe->axes[axis].place.line > 0 && !is_named(arguments + 1, given - 1, recipe->axes[axis].name))
            words[count++] =
                hpx_arena_format(arena, "%s=%s", recipe->axes[axis].name, recipe->axes[axis].values[0].text);
    if (recipe->epochs > EPOCHS && !is_named(words + 1, count - 1, "epochs"))
        words[count++] = hpx_arena_format(arena, "epochs=%d", EPOCHS);
    return hpx_open_trial(out, words, count, error);
}

/* Prints the result; the exit code. */
static int print(const hpx_recipe *recipe, hpx_examination *examination, const struct options *options)
{
    hpx_buffer text = {0};
    int code = EXIT_DONE;
    for (size_t i = 0; i < HPX_DOCTOR_CHECKS; i++)
        if (examination->checks[i].verdict == HPX_DOCTOR_FAIL)
            code = EXIT_FAILED;
    if (options->json)
        hpx_report_examination_json(&text, recipe, examination);
    else
        hpx_report_examination(&text, examination);
    const int printed = hpx_print_result(&text);
    return printed ? printed : code;
}

int hpx_run_doctor(const struct options *options)
{
    const hpx_doctor_options doctor = {
        .program = hpx_worker_program(),
        .say = say,
        .context = (void *)options,
        .interrupted = &hpx_interrupted,
    };
    struct target all, trial = {.path = NULL};
    hpx_examination examination = {0};
    hpx_error error;
    size_t count = options->count;
    hpx_arena *arena = hpx_arena_new();
    char **words = hpx_arena_alloc(arena, count * sizeof *words);
    memcpy(words, options->arguments, count * sizeof *words);
    hpx_status status = hpx_open_target(&all, words, &count, true, &error);
    if (!status && !all.recipe->program)
        status = hpx_error_set(&error, HPX_USAGE,
                               "%s: hpx doctor looks at programs, and this recipe has a model", all.path);
    if (!status)
        status = open_trial(&trial, arena, &all, options->arguments, options->count, &error);
    if (!status) {
        hpx_catch_interrupts();
        status = hpx_doctor(&examination, trial.recipe, &doctor, &error);
    }
    const int code = status ? hpx_fail(&error) : print(trial.recipe, &examination, options);
    hpx_examination_free(&examination);
    hpx_free_target(&trial);
    hpx_free_target(&all);
    hpx_arena_free(arena);
    return code;
}
