/* hpx best: the best cells over all that is stored of a recipe's grid. */
#include "cli.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>

#define TOP_DEFAULT 10

struct ranking {
    const hpx_objective *objective;
    hpx_results cells;
};

static hpx_status add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct ranking *ranking = context;
    (void)error;
    hpx_results_add_seed(&ranking->cells, artifact, ranking->objective);
    return HPX_OK;
}

/* The table; at a terminal with the epochs of each cell's trajectory. */
static hpx_status print(hpx_buffer *text, hpx_store *store, const struct ranking *ranking,
                        const struct target *target, const struct options *options, hpx_error *error)
{
    const size_t count = ranking->cells.count;
    const bool shows = hpx_shows_curves(options);
    char **curves = hpx_alloc((count + 1) * sizeof *curves);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < count && !status && shows; i++)
        status =
            hpx_curve_of(&curves[i], store, &ranking->cells.at[i].artifact.key, ranking->objective, error);
    if (!status)
        hpx_report_best(text, &ranking->cells, target->recipe, options->metrics, shows ? curves : NULL);
    for (size_t i = 0; i < count; i++)
        free(curves[i]);
    free(curves);
    return status;
}

static hpx_status rank(hpx_buffer *text, hpx_store *store, const struct target *target, const char *data,
                       const struct options *options, hpx_error *error)
{
    struct ranking ranking = {.objective = &target->recipe->objective};
    hpx_selection selection = options->selection;
    hpx_status status = HPX_OK;
    selection.sort = selection.sort ? selection.sort : "score";
    selection.top = selection.top ? selection.top : TOP_DEFAULT;
    if (store)
        status = hpx_each_stored(store, target, data, false, add, &ranking, error);
    if (!status && ranking.cells.count == 0 && !options->quiet)
        hpx_say("%s: no cell of its grid is stored with %u %s", target->path, target->recipe->epochs,
                hpx_plural(target->recipe->epochs, "epoch", "epochs"));
    if (!status)
        status = hpx_results_select(&ranking.cells, ranking.objective, &selection, error);
    if (!status && options->json)
        hpx_report_best_json(text, &ranking.cells, target->recipe);
    else if (!status)
        status = print(text, store, &ranking, target, options, error);
    hpx_results_free(&ranking.cells);
    return status;
}

int hpx_run_best(const struct options *options)
{
    struct target target;
    size_t count = options->count;
    hpx_store *store = NULL;
    hpx_error error;
    hpx_buffer text = {0};
    if (!options->quiet)
        hpx_warn_if_stale();
    char *folder = hpx_store_folder(options, options->arguments[0]), *data = hpx_data_folder(folder);
    hpx_status status = hpx_open_target(&target, options->arguments, &count, false, &error);
    if (!status)
        status = hpx_open_store(&store, options, folder, HPX_STORE_READ, &error);
    if (!status)
        status = rank(&text, store, &target, data, options, &error);
    int code = status ? hpx_fail(&error) : hpx_print_result(&text);
    hpx_store_close(store);
    hpx_free_target(&target);
    free(data);
    free(folder);
    return code;
}
