/* Runs recipes one after the other and prints what their searches have found and what is stored of them:
 *     runs STORE RECIPE...
 * A recipe with a mistake is told, and the next one runs. */
#include <hpx.h>

#include <stdio.h>

static void show_news(void *context, const hpx_news *news)
{
    (void)context;
    if (news->kind == HPX_NEWS_DONE)
        fprintf(stderr, "%s seed %llu: %.4f after %u epochs\n", news->cell, (unsigned long long)news->seed,
                news->value, news->epoch);
    else if (news->text)
        fprintf(stderr, "%s\n", news->text);
}

static void print_searches(const hpx_run_summary *run)
{
    for (size_t i = 0; i < run->search_count; i++) {
        const hpx_search_run *search = &run->searches[i];
        printf("search %s:", search->name);
        for (size_t k = 0; k < search->axis_count; k++)
            printf(" %s=%s", search->cell[k].axis, search->cell[k].value);
        printf(" score %.4f, %zu evaluations\n", search->score, search->evaluations);
    }
    printf("%zu stored, %zu trained, %zu extended, %zu failed\n", run->stored, run->trained, run->extended,
           run->failed);
}

static void print_trials(const hpx_trials *trials)
{
    for (size_t i = 0; i < trials->count; i++) {
        const hpx_trial *trial = &trials->list[i];
        printf("%.8s", trial->key);
        for (size_t k = 0; k < trial->axis_count; k++)
            printf(" %s=%s", trial->cell[k].axis, trial->cell[k].value);
        printf(" seed=%llu epochs=%u code=%.8s", (unsigned long long)trial->seed, trial->epoch, trial->code);
        if (trial->failure)
            printf(" failed: %s\n", trial->failure);
        else
            printf(" test_accuracy=%.4f\n", hpx_trial_metric(trial, "test_accuracy"));
    }
}

static hpx_status run(hpx_handle *store, const char *path, hpx_error *error)
{
    const hpx_run_options options = {.jobs = 2, .news = show_news};
    hpx_recipe *recipe;
    hpx_run_summary *summary = NULL;
    hpx_trials *trials = NULL;
    hpx_status status = hpx_read_recipe(&recipe, path, NULL, 0, error);
    if (!status)
        status = hpx_run_recipe(&summary, store, recipe, &options, error);
    if (!status)
        status = hpx_read_trials(&trials, store, recipe, 0, error);
    if (!status) {
        print_searches(summary);
        print_trials(trials);
    }
    hpx_free_trials(trials);
    hpx_free_run(summary);
    hpx_free_recipe(recipe);
    return status;
}

int main(int argc, char **argv)
{
    static hpx_error error;
    hpx_handle *store;
    int failed = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: runs STORE RECIPE...\n");
        return 2;
    }
    if (hpx_open(&store, argv[1], NULL, &error)) {
        fprintf(stderr, "runs: %s\n", error.message);
        return 1;
    }
    for (int i = 2; i < argc; i++)
        if (run(store, argv[i], &error)) {
            fprintf(stderr, "runs: %s\n", error.message);
            failed = 1;
        }
    hpx_close(store);
    return failed;
}
