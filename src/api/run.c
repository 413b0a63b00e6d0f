/* Running a recipe: hpx_build with what the caller says, its events as news, its outcome as a summary. */
#include "inside.h"

#include "base/machine.h"
#include "hpx/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The summary comes first: who frees it has all. */
struct run {
    hpx_run_summary summary;
    hpx_arena *arena;
};

/* --- news ------------------------------------------------------------------------------------------------- */

static hpx_news_kind kind_of(const hpx_event *event)
{
    switch (event->kind) {
    case HPX_EVENT_STARTED:
        return HPX_NEWS_STARTED;
    case HPX_EVENT_EPOCH:
        return HPX_NEWS_EPOCH;
    case HPX_EVENT_DONE:
        return HPX_NEWS_DONE;
    case HPX_EVENT_FAILED:
        return HPX_NEWS_FAILED;
    default:
        return event->message ? HPX_NEWS_SAID : HPX_NEWS_TICK;
    }
}

static void tell(void *context, const hpx_event *event)
{
    const hpx_run_options *options = context;
    const hpx_news news = {
        .kind = kind_of(event),
        .cell = event->cell,
        .seed = event->seed,
        .epoch = event->epoch,
        .epochs = event->epochs,
        .value = event->cell ? event->value : NAN,
        .text = event->message,
        .done = event->done,
        .running = event->running,
        .seconds_left = event->seconds_left,
    };
    options->news(options->context, &news);
}

/* --- the summary ------------------------------------------------------------------------------------------ */

static hpx_search_run search_run(hpx_arena *arena, const hpx_recipe *recipe, const hpx_search_outcome *search)
{
    hpx_search_run run = {
        .name = hpx_arena_format(arena, "%s", search->search->name),
        .method = search->search->options.method->name,
        .done = search->done,
        .score = NAN,
        .score_sd = NAN,
        .difference = NAN,
        .evaluations = search->visit_count,
        .relative_cost = search->relative_cost,
        .seconds = search->seconds,
    };
    if (!search->done)
        return run;
    hpx_buffer pairs = {0};
    hpx_recipe_cell(&pairs, recipe, search->result.end);
    const hpx_cell end = hpx_cell_of(&pairs);
    run.cell = hpx_coordinates(&run.axis_count, arena, &end);
    hpx_buffer_free(&pairs);
    run.score = search->score;
    run.score_sd = search->score_sd;
    run.difference = search->difference;
    run.stop = search->result.stop;
    return run;
}

static hpx_run_summary *summarise(const hpx_outcome *outcome)
{
    struct run *run = hpx_alloc(sizeof *run);
    run->arena = hpx_arena_new();
    hpx_search_run *searches = hpx_arena_alloc(run->arena, outcome->search_count * sizeof *searches);
    for (size_t i = 0; i < outcome->search_count; i++)
        searches[i] = search_run(run->arena, outcome->recipe, &outcome->searches[i]);
    run->summary = (hpx_run_summary){
        .searches = searches,
        .search_count = outcome->search_count,
        .stored = outcome->stored,
        .trained = outcome->trained,
        .extended = outcome->extended,
        .failed = outcome->failed,
        .accidents = outcome->accidents,
    };
    return &run->summary;
}

void hpx_free_run(hpx_run_summary *summary)
{
    struct run *run = (struct run *)summary;
    if (run)
        hpx_arena_free(run->arena);
    free(run);
}

/* --- the run ---------------------------------------------------------------------------------------------- */

/* The searches that the options name, or all. free() them. */
static hpx_status find_searches(const hpx_recipe_search ***out, size_t *count, const hpx_recipe *recipe,
                                const hpx_run_options *options, hpx_error *error)
{
    const bool all = !options->searches;
    hpx_status status = HPX_OK;
    *count = all ? recipe->search_count : options->search_count;
    *out = hpx_alloc((*count + 1) * sizeof **out);
    for (size_t i = 0; i < *count && !status; i++)
        if (all)
            (*out)[i] = &recipe->searches[i];
        else
            status = hpx_recipe_find_search(&(*out)[i], recipe,
                                            options->searches[i] ? options->searches[i] : "", error);
    if (!status && *count == 0)
        status = hpx_error_set(error, HPX_USAGE, "%s: there is no search to run; add a `search` statement",
                               recipe->path);
    return status;
}

static hpx_status run(hpx_outcome **out, const hpx_handle *handle, const hpx_recipe *recipe,
                      const hpx_run_options *options, hpx_error *error)
{
    const hpx_recipe_search **searches;
    size_t count;
    const hpx_source_options source = {
        .store = handle->store, .remember = true, .folder = handle->data_folder, .fetch = options->fetch};
    const hpx_build_options build = {
        .program = handle->hpx,
        .jobs = options->jobs ? options->jobs : hpx_processors(),
        .guest = true,
        .keep_going = options->keep_going,
        .speculative = true,
        .event = options->news ? tell : NULL,
        .context = (void *)options,
        .interrupted = options->stop,
    };
    hpx_status status = find_searches(&searches, &count, recipe, options, error);
    hpx_store_on_wait(NULL, options->stop);
    if (!status)
        status = hpx_build(out, recipe, searches, count, &source, &build, error);
    hpx_store_on_wait(NULL, NULL);
    free(searches);
    return status;
}

hpx_status hpx_run_recipe(hpx_run_summary **out, hpx_handle *handle, const hpx_recipe *recipe,
                          const hpx_run_options *options, hpx_error *error)
{
    static const hpx_run_options none;
    struct call call;
    hpx_outcome *outcome = NULL;
    hpx_status status = hpx_call_begin(&call, handle, out && handle && recipe, error);
    if (out)
        *out = NULL;
    if (status)
        return status;
    if (!hpx_store_is_writable(handle->store))
        status = hpx_error_set(call.error, HPX_USAGE, "%s: the store is open for reading",
                               hpx_store_directory(handle->store));
    else
        status = run(&outcome, handle, recipe, options ? options : &none, call.error);
    if (outcome)
        *out = summarise(outcome);
    hpx_outcome_free(outcome);
    return hpx_call_end(&call, status);
}
