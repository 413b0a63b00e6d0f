/* hpx watch: a build of another process, as that one would draw it: from the log of builds, which says that it runs and how its
 * recipe is opened; from what is stored; and from the claims on trials. The store is opened only while it is read, so that
 * nobody waits for a watcher. */
#include "cli.h"

#include "base/machine.h"
#include "base/memory.h"
#include "hpx/file.h"
#include "live/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_SECONDS 1.0
#define POLL_SHARE   10 /* of the time, at most one part so large is spent with looking */
#define LOOK_SECONDS 5.0

/* The build that is watched, as the log of builds has it. */
struct watched {
    const char *wanted; /* the real path of its recipe; NULL: any */
    uint64_t number, started;
    size_t others; /* further builds that run */
    char *command, *recipe, *folder;
    hpx_fields binary; /* what its results are made with; none: not known */
    char **words;
    size_t count;
    hpx_store *store; /* while they are looked at */
};

/* One look at it. */
struct look {
    hpx_live *live;
    const hpx_recipe *recipe;
    hpx_hash *ended; /* trials, in order of key */
    size_t count, capacity;
    const struct look *before; /* NULL: it is the first, and what had ended then is not told */
    bool lists;
};

static void forget(struct watched *watched)
{
    for (size_t i = 0; i < watched->count; i++)
        free(watched->words[i]);
    free(watched->words);
    free(watched->command);
    free(watched->recipe);
    free(watched->folder);
    hpx_fields_free(&watched->binary);
    watched->words = NULL;
    watched->count = 0;
    watched->command = watched->recipe = watched->folder = NULL;
}

/* --- which build ---------------------------------------------------------------------------------------------- */

static char *text_of(const hpx_fields *entry, const char *name)
{
    const hpx_field *field = hpx_fields_find(entry, name);
    return field ? hpx_strndup((const char *)field->bytes, field->size) : hpx_strdup("");
}

static void take_words(struct watched *out, const hpx_fields *entry)
{
    const hpx_field *field = hpx_fields_find(entry, "words");
    const char *at = field ? (const char *)field->bytes : "", *end = at + (field ? field->size : 0);
    size_t capacity = 0;
    while (at < end) {
        out->words = hpx_grow(out->words, &capacity, out->count + 1, sizeof *out->words);
        out->words[out->count] = hpx_strndup(at, (size_t)(end - at));
        at += strlen(out->words[out->count++]) + 1;
    }
}

static void take_binary(struct watched *out, const hpx_fields *entry)
{
    const hpx_field *field = hpx_fields_find(entry, "binary");
    hpx_error unknown;
    if (field && hpx_fields_decode(&out->binary, field->bytes, field->size, &unknown) != HPX_OK)
        hpx_fields_free(&out->binary);
}

/* Of those that run, the one that began last. */
static hpx_status consider(void *context, const hpx_fields *entry, const hpx_build_span *spans,
                           size_t span_count, hpx_error *error)
{
    struct watched *watched = context;
    uint64_t number, started;
    bool runs = false;
    (void)spans, (void)span_count;
    hpx_status status = hpx_fields_count(&number, entry, "number", error);
    if (!status)
        status = hpx_fields_count(&started, entry, "started", error);
    if (!status)
        status = hpx_store_build_runs(&runs, watched->store, number, error);
    if (status || !runs)
        return status;
    char *folder = text_of(entry, "folder"), *recipe = text_of(entry, "recipe"),
         *path = hpx_path_join(folder, recipe), *real = hpx_path_real(path);
    if (!watched->wanted || (real && strcmp(real, watched->wanted) == 0)) {
        watched->others += watched->command != NULL;
        forget(watched);
        *watched = (struct watched){.wanted = watched->wanted,
                                    .number = number,
                                    .started = started,
                                    .others = watched->others,
                                    .command = text_of(entry, "command"),
                                    .recipe = hpx_strdup(recipe),
                                    .folder = hpx_strdup(folder),
                                    .store = watched->store};
        take_words(watched, entry);
        take_binary(watched, entry);
    }
    free(real);
    free(path);
    free(recipe);
    free(folder);
    return HPX_OK;
}

/* Leaves `command` NULL where no such build runs. */
static hpx_status find_build(struct watched *out, const struct options *options, const char *folder,
                             hpx_error *error)
{
    hpx_status status = hpx_open_store(&out->store, options, folder, HPX_STORE_READ, error);
    if (!status && out->store)
        status = hpx_store_each_begun(out->store, consider, out, error);
    hpx_store_close(out->store);
    out->store = NULL;
    return status;
}

/* Opens the recipe as the build has opened it: from its folder, with its words. */
static hpx_status open_recipe(struct target **out, size_t *count, const struct watched *watched,
                              hpx_error *error)
{
    *out = NULL;
    *count = 0;
    if (strcmp(watched->recipe, "-") == 0)
        return hpx_error_set(error, HPX_FAILED,
                             "the build has its recipe from standard input: it cannot be read again");
    if (chdir(watched->folder) != 0)
        return hpx_error_errno(error, "%s", watched->folder);
    if (strcmp(watched->command, "trial") != 0)
        return hpx_open_targets(out, count, watched->words, watched->count, error);
    struct target trial;
    hpx_status status = hpx_open_trial(&trial, watched->words, watched->count, error);
    if (!status) {
        *out = hpx_alloc(sizeof **out);
        **out = trial;
        *count = 1;
    }
    return status;
}

/* --- a look at it --------------------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(hpx_hash));
}

static bool has_ended(const struct look *look, const hpx_hash *key)
{
    return look->count > 0 && bsearch(key, look->ended, look->count, sizeof *key, compare_keys);
}

static void note_end(struct look *look, const hpx_event *event)
{
    look->ended = hpx_grow(look->ended, &look->capacity, look->count + 1, sizeof *look->ended);
    look->ended[look->count++] = *event->key;
    if (!look->lists || !look->before || has_ended(look->before, event->key))
        return;
    char *name = hpx_live_trial_name(look->recipe, event),
         *line = event->failed ? hpx_format("failed %s: epoch %u: %s\n", name, event->epoch, event->message)
                               : hpx_format("done   %s: %.*f\n", name,
                                            look->recipe->objective.minimised ? 6 : 4, event->value);
    hpx_show_text(line);
    free(line);
    free(name);
}

static void see(void *context, const hpx_event *event)
{
    struct look *look = context;
    hpx_live_take(look->live, event, hpx_clock_seconds());
    if (event->kind == HPX_EVENT_DONE || event->kind == HPX_EVENT_FAILED)
        note_end(look, event);
}

static void free_look(struct look *look)
{
    hpx_live_free(look->live);
    free(look->ended);
    *look = (struct look){0};
}

/* A build that is being watched. */
struct watching {
    const struct watched *watched;
    const struct target *target;
    const struct options *options;
    const char *folder; /* of the store */
    bool draws, runs;
    struct look last;
    hpx_outcome *outcome; /* as of the last look */
    uint64_t changes;     /* of the store then */
    double looked_at, took;
};

/* What the searches can have seen, and what is in training. */
static hpx_status look_at(struct watching *watching, hpx_store *store, hpx_error *error)
{
    const struct target *target = watching->target;
    char *data = hpx_data_folder(watching->folder);
    struct look look = {.live = hpx_live_new(target->recipe),
                        .recipe = target->recipe,
                        .before = watching->last.live ? &watching->last : NULL,
                        .lists =
                            !watching->options->quiet && (!watching->draws || watching->options->verbose)};
    const hpx_fields *binary = &watching->watched->binary;
    const hpx_source_options source = {
        .store = store, .folder = data, .numerics = binary->count > 0 ? binary : NULL};
    const hpx_build_options build = {.program = hpx_worker_program(),
                                     .jobs = hpx_processors(),
                                     .dry = true,
                                     .others = true,
                                     .speculative = true,
                                     .event = see,
                                     .context = &look,
                                     .interrupted = &hpx_interrupted};
    hpx_outcome_free(watching->outcome);
    hpx_status status = hpx_build(&watching->outcome, target->recipe, target->searches, target->count,
                                  &source, &build, error);
    if (look.count > 0)
        qsort(look.ended, look.count, sizeof *look.ended, compare_keys);
    free_look(&watching->last);
    watching->last = look;
    watching->last.before = NULL;
    free(data);
    return status;
}

/* Looks at the build, unless nothing has been stored since the last time; now and then even so, for trials that have begun.
 * Whether it runs is asked before, so that the last look comes behind its end. */
static hpx_status look_again(struct watching *watching, hpx_error *error)
{
    const double begin = hpx_clock_seconds();
    hpx_store *store;
    hpx_status status = hpx_open_store(&store, watching->options, watching->folder, HPX_STORE_READ, error);
    if (!status && !store)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: the store is gone", watching->folder);
    if (!status)
        status = hpx_store_build_runs(&watching->runs, store, watching->watched->number, error);
    const uint64_t changes = status ? 0 : hpx_store_changes(store);
    if (!status && (!watching->runs || !watching->last.live || changes != watching->changes ||
                    begin - watching->looked_at >= LOOK_SECONDS)) {
        status = look_at(watching, store, error);
        watching->changes = changes;
        watching->looked_at = begin;
    }
    hpx_store_close(store);
    watching->took = hpx_clock_seconds() - begin;
    return status;
}

/* Draws what was seen again and again until it is time for the next look. */
static void wait_and_draw(const struct watching *watching)
{
    const struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
    const double begin = hpx_clock_seconds(), seconds = fmax(POLL_SECONDS, POLL_SHARE * watching->took);
    double drawn = 0;
    for (double now = begin; now - begin < seconds && !hpx_interrupted; now = hpx_clock_seconds()) {
        if (watching->draws && (now - drawn >= POLL_SECONDS || hpx_terminal_changed) &&
            hpx_terminal_is_ours()) {
            hpx_buffer lines = {0};
            const hpx_screen screen = hpx_terminal_screen(STDERR_FILENO);
            hpx_live_draw(&lines, watching->last.live, &screen, now);
            hpx_terminal_draw(hpx_buffer_text(&lines));
            hpx_buffer_free(&lines);
            drawn = now;
        }
        nanosleep(&tick, NULL);
    }
}

/* How a build has ended, by its number. */
struct end {
    uint64_t number;
    bool known; /* it said so itself */
    uint64_t status;
};

static hpx_status find_status(void *context, const hpx_fields *entry, const hpx_build_span *spans,
                              size_t span_count, hpx_error *error)
{
    struct end *end = context;
    uint64_t number;
    (void)spans, (void)span_count;
    hpx_status status = hpx_fields_count(&number, entry, "number", error);
    if (status || number != end->number)
        return status;
    end->known = true;
    return hpx_fields_count(&end->status, entry, "status", error);
}

/* Says so where it has not come to its end. */
static hpx_status say_end(const struct watching *watching, hpx_error *error)
{
    struct end end = {.number = watching->watched->number};
    hpx_store *store;
    hpx_status status = hpx_open_store(&store, watching->options, watching->folder, HPX_STORE_READ, error);
    if (!status && store)
        status = hpx_store_each_build(store, find_status, &end, error);
    hpx_store_close(store);
    if (!status && !(end.known && end.status == HPX_OK) && !watching->options->quiet)
        hpx_say("the build %s", !end.known                      ? "was killed"
                                : end.status == HPX_INTERRUPTED ? "was interrupted"
                                                                : "has failed");
    return status;
}

/* Until the build ends, or the user is fed up. */
static hpx_status watch(struct watching *watching, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (watching->draws)
        hpx_terminal_watch();
    for (watching->runs = true; watching->runs && !status && !hpx_interrupted;) {
        status = look_again(watching, error);
        if (!status && watching->runs)
            wait_and_draw(watching);
    }
    hpx_terminal_clear();
    free_look(&watching->last);
    return status || hpx_interrupted ? status : say_end(watching, error);
}

/* --- the command ---------------------------------------------------------------------------------------------- */

static int watch_build(const struct watched *watched, const struct options *options, const char *folder)
{
    struct target *targets;
    struct watching watching = {.watched = watched,
                                .options = options,
                                .folder = folder,
                                .draws = hpx_terminal_is_able(STDERR_FILENO) && !options->quiet};
    hpx_buffer text = {0};
    hpx_error error;
    size_t count, at = 0;
    int code = EXIT_DONE;
    hpx_status status = open_recipe(&targets, &count, watched, &error);
    while (!status && at + 1 < count && strcmp(targets[at].path, watched->recipe) != 0)
        at++;
    if (!status && watched->others > 0 && !options->quiet)
        hpx_say("watching %s; %zu more: hpx watch RECIPE", watched->recipe, watched->others);
    if (!status) {
        watching.target = &targets[at];
        status = watch(&watching, &error);
    }
    if (!status && !hpx_interrupted && watching.outcome) {
        hpx_report_outcome(&text, watching.outcome);
        code = hpx_print_result(&text);
    }
    hpx_outcome_free(watching.outcome);
    hpx_free_targets(targets, count);
    return status && !hpx_interrupted ? hpx_fail(&error) : code;
}

int hpx_run_watch(const struct options *options)
{
    const char *recipe = options->count ? options->arguments[0] : NULL;
    struct watched watched = {0};
    hpx_error error;
    int code = EXIT_DONE;
    char *wanted = recipe ? hpx_recipe_path(recipe) : NULL, *real = wanted ? hpx_path_real(wanted) : NULL;
    if (wanted && !real) {
        hpx_no_such_recipe(wanted, &error);
        free(wanted);
        return hpx_fail(&error);
    }
    char *named = hpx_store_folder(options, recipe ? recipe : "."), *folder = hpx_path_real(named);
    watched.wanted = real;
    hpx_catch_interrupts();
    hpx_status status = find_build(&watched, options, folder ? folder : named, &error);
    if (status)
        code = hpx_fail(&error);
    else if (watched.command)
        code = watch_build(&watched, options, folder);
    else if (!options->quiet)
        hpx_say(recipe ? "no build of %s runs that trains something"
                       : "no build runs that trains something (%s)",
                recipe ? recipe : named);
    forget(&watched);
    free(folder);
    free(named);
    free(real);
    free(wanted);
    return code;
}
