/* hpx report: what is stored of a recipe as one HTML page. */
#include "cli.h"

#include "hpx/file.h"
#include "identity/experiment.h"
#include "page/page.h"
#include "report_pictures.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WATCH_SECONDS = 2 };

struct reported {
    hpx_store *store;
    hpx_page *page;
    hpx_adoptions adoptions;
};

static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct reported *reported = context;
    hpx_provenance provenance;
    const unsigned parts = hpx_page_add(reported->page, artifact);
    if (parts == 0)
        return HPX_OK;
    hpx_status status =
        hpx_provenance_find(&provenance, reported->store, &reported->adoptions, artifact, parts, error);
    if (!status)
        hpx_page_add_origin(reported->page, &provenance);
    hpx_provenance_free(&provenance);
    return status;
}

static hpx_status add_comparison(hpx_page *page, const char *path, hpx_error *error)
{
    enum { BYTES_MAX = 64 << 20 };
    hpx_buffer bytes = {0};
    if (!path)
        return HPX_OK;
    hpx_status status = hpx_file_read(&bytes, path, BYTES_MAX, error);
    if (!status)
        status = hpx_page_compare(page, path, &bytes, error);
    hpx_buffer_free(&bytes);
    return status;
}

static hpx_status add_costs(hpx_page *page, const hpx_recipe *recipe, const hpx_source_options *source,
                            hpx_error *error)
{
    hpx_experiment *experiment;
    if (!recipe->trainer->cost)
        return HPX_OK;
    hpx_status status = hpx_experiment_open(&experiment, recipe, source, error);
    for (uint32_t cell = 0; cell < hpx_grid_cells(&recipe->grid) && !status; cell++)
        hpx_page_set_cost(page, cell, hpx_experiment_cost(experiment, cell).forward);
    hpx_experiment_free(experiment);
    return status;
}

/* Searches, as far as what is stored decides them. */
static hpx_status plan(hpx_outcome **out, const hpx_recipe *recipe, const hpx_recipe_search *const *searches,
                       size_t count, const hpx_source_options *source, hpx_error *error)
{
    const hpx_build_options build = {
        .program = hpx_worker_program(), .dry = true, .jobs = 1, .interrupted = &hpx_interrupted};
    *out = NULL;
    return count == 0 ? HPX_OK : hpx_build(out, recipe, searches, count, source, &build, error);
}

/* The first partial cross-search of the recipe with the limits 1 to 4. */
enum { LIMITS = 4 };
struct limits {
    hpx_recipe_search searches[LIMITS];
    hpx_outcome *outcome; /* NULL: the recipe has no such search */
};

static hpx_status plan_limits(struct limits *out, hpx_page *page, const hpx_recipe *recipe,
                              const hpx_source_options *source, hpx_error *error)
{
    static const char *const names[LIMITS] = {"limit 1", "limit 2", "limit 3", "limit 4"};
    const hpx_recipe_search *searches[LIMITS];
    size_t first = 0;
    *out = (struct limits){0};
    while (first < recipe->search_count &&
           recipe->searches[first].options.method != &hpx_methods[HPX_METHOD_PARTIAL_CROSS])
        first++;
    if (first == recipe->search_count)
        return HPX_OK;
    for (uint32_t i = 0; i < LIMITS; i++) {
        out->searches[i] = recipe->searches[first];
        out->searches[i].name = names[i];
        out->searches[i].options.limit = i + 1;
        searches[i] = &out->searches[i];
    }
    const hpx_status status = plan(&out->outcome, recipe, searches, LIMITS, source, error);
    if (!status)
        hpx_page_set_limits(page, recipe->searches[first].name, out->outcome);
    return status;
}

/* --- what is made of it ------------------------------------------------------------------------------------------- */

static hpx_status write_figure(void *context, const char *name, const hpx_buffer *svg, hpx_error *error)
{
    char *path = hpx_path_join(context, name);
    const hpx_status status = hpx_file_write(path, svg->data, svg->size, error);
    free(path);
    return status;
}

/* Each figure as a file of its own, where that is asked for. */
static hpx_status write_figures(const hpx_page *page, char *folder, hpx_error *error)
{
    if (!folder)
        return HPX_OK;
    hpx_status status = hpx_make_directories(folder, error);
    if (!status)
        status = hpx_page_each_figure(page, write_figure, folder, error);
    return status;
}

/* The page, as what is stored makes it. */
struct written {
    hpx_buffer page;
    bool nothing; /* there is nothing stored yet to make it of */
    bool done;    /* all searches are: no build of the recipe has anything to add */
};

static bool all_done(const hpx_outcome *outcome)
{
    bool done = outcome != NULL;
    for (size_t i = 0; done && i < outcome->search_count; i++)
        done = outcome->searches[i].done;
    return done;
}

static hpx_status make_page(struct written *out, hpx_store *store, const struct target *target,
                            const struct options *options, const char *data, hpx_error *error)
{
    const hpx_source_options source = {.store = store, .folder = data, .elsewhere = hpx_elsewhere()};
    const struct target whole = {.recipe = target->recipe};
    struct reported reported = {.store = store, .page = hpx_page_new(target->recipe)};
    hpx_outcome *outcome = NULL;
    struct limits limits = {0};
    struct pictures pictures;
    hpx_status status = add_comparison(reported.page, options->compared, error);
    hpx_page_set_words(reported.page, options->arguments, options->count);
    if (!status)
        status = hpx_adoptions_read(&reported.adoptions, store, error);
    if (!status)
        status = add_costs(reported.page, target->recipe, &source, error);
    if (!status)
        status = hpx_each_stored(store, &whole, data, true, add, &reported, error);
    if (!status)
        status = hpx_store_each_build(store, hpx_page_add_build, reported.page, error);
    out->nothing = !status && hpx_page_cells(reported.page) == 0;
    if (out->nothing)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no cell of its grid is stored; first: hpx build %s",
                               target->path, target->path);
    if (!status)
        status = plan(&outcome, target->recipe, target->searches, target->count, &source, error);
    if (!status)
        status = plan_limits(&limits, reported.page, target->recipe, &source, error);
    if (!status) {
        hpx_add_pictures(&pictures, reported.page, target->recipe, store, data);
        hpx_page_write(&out->page, reported.page, outcome);
        out->done = all_done(outcome);
        status = write_figures(reported.page, options->figures, error);
        hpx_free_pictures(&pictures);
    }
    hpx_page_free(reported.page);
    hpx_outcome_free(outcome);
    hpx_outcome_free(limits.outcome);
    hpx_adoptions_free(&reported.adoptions);
    return status;
}

/* Opens the store no longer than it reads it. `changes`: of the store when it was read last, unless NULL; where there
 * are no others `out` stays empty. */
static hpx_status read_page(struct written *out, uint64_t *changes, const struct target *target,
                            const struct options *options, hpx_error *error)
{
    char *folder = hpx_store_folder(options, target->path), *data = hpx_data_folder(folder);
    hpx_store *store = NULL;
    hpx_status status = hpx_open_store(&store, options, folder, HPX_STORE_READ, error);
    if (!status && !store)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no store here; first: hpx build %s", folder,
                               target->path);
    out->nothing = status == HPX_NOT_FOUND;
    if (!status && (!changes || *changes != hpx_store_changes(store))) {
        const uint64_t now = hpx_store_changes(store);
        status = make_page(out, store, target, options, data, error);
        if (!status && changes)
            *changes = now;
    }
    hpx_store_close(store);
    free(data);
    free(folder);
    return status;
}

/* --- a page that is kept up to date ------------------------------------------------------------------------------- */

static void wait_between(void)
{
    const struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
    for (int i = 0; i < WATCH_SECONDS * 10 && !hpx_interrupted; i++)
        nanosleep(&tick, NULL);
}

/* The page as it is while results come. */
static hpx_status write_live(const char *path, const hpx_buffer *page, hpx_error *error)
{
    hpx_buffer live = {0};
    hpx_page_write_live(&live, page, WATCH_SECONDS);
    const hpx_status status = hpx_file_write(path, live.data, live.size, error);
    hpx_buffer_free(&live);
    return status;
}

static hpx_status write_if_changed(const char *path, struct written *last, struct written *now,
                                   hpx_error *error)
{
    const hpx_buffer *old = &last->page, *new = &now->page;
    hpx_status status = HPX_OK;
    if (new->size == 0)
        return HPX_OK;
    if (new->size != old->size || memcmp(new->data, old->data, new->size) != 0)
        status = write_live(path, new, error);
    hpx_buffer_free(&last->page);
    *last = *now;
    *now = (struct written){.done = false};
    return status;
}

/* Writes the page again whenever results have come, until there are no more to come or the user ends it. The page that
 * is left then stands still. */
static hpx_status watch(const struct target *target, const struct options *options, hpx_error *error)
{
    struct written last = {.done = false}, now = {.done = false};
    uint64_t changes = UINT64_MAX;
    bool said = options->quiet;
    hpx_status status = HPX_OK;
    while (!status && !last.done && !hpx_interrupted) {
        status = read_page(&now, &changes, target, options, error);
        if (now.nothing) {
            if (!said)
                hpx_say("%s: nothing is stored of it yet; waits for: hpx build %s", target->path,
                        target->path);
            said = true;
            status = HPX_OK;
        } else if (!status) {
            status = write_if_changed(options->output, &last, &now, error);
        }
        if (!status && !last.done)
            wait_between();
    }
    if (status == HPX_INTERRUPTED)
        status = HPX_OK;
    if (!status && last.page.size > 0)
        status = hpx_file_write(options->output, last.page.data, last.page.size, error);
    if (!status && last.done && !options->quiet)
        hpx_say("%s: all searches of %s are done", options->output, target->path);
    hpx_buffer_free(&last.page);
    hpx_buffer_free(&now.page);
    return status;
}

static hpx_status write_once(const struct target *target, const struct options *options, int *code,
                             hpx_error *error)
{
    struct written written = {.done = false};
    const hpx_status status = read_page(&written, NULL, target, options, error);
    if (!status && options->output)
        *code = hpx_write_output(options->output, &written.page);
    hpx_buffer_free(&written.page);
    return status;
}

int hpx_run_report(const struct options *options)
{
    struct target target;
    size_t count = options->count;
    hpx_error error;
    int code = EXIT_DONE;
    const bool to_file = options->output && strcmp(options->output, "-") != 0;
    if (options->watch ? !to_file : !options->output && !options->figures) {
        hpx_say("report: name the file to write: -o report.html%s",
                options->watch ? "" : ", or a folder for its figures: --figures DIR");
        return EXIT_USAGE;
    }
    hpx_status status = hpx_open_target(&target, options->arguments, &count, false, &error);
    if (status)
        return hpx_fail(&error);
    if (options->watch) {
        hpx_catch_interrupts();
        status = watch(&target, options, &error);
    } else {
        status = write_once(&target, options, &code, &error);
    }
    hpx_free_target(&target);
    return status ? hpx_fail(&error) : code;
}
