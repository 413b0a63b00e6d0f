/* hpx ls, hpx audit: they differ in the columns of their tables and in what an argument may be. */
#include "cli.h"

#include "base/memory.h"
#include "hpx/code.h"
#include "identity/manifest.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    hpx_store *store;
    hpx_adoptions adoptions;
    const struct options *options;
    hpx_objective objective; /* of the recipe; without one, the default of the first trainer */
    hpx_rows *rows;
    struct target target; /* of a recipe */
    hpx_results results;  /* with --where, --sort, --top or --metrics: all, before the first is shown */
    hpx_audit *audit;     /* NULL: ls */
    hpx_hash code;        /* the one last looked for in the repository, and what was found */
    hpx_code_reach reach;
    hpx_artifact newest;
    bool any;
    bool curves; /* a column of sparklines */
};

static hpx_status list(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct listing *listing = context;
    hpx_provenance provenance;
    hpx_status status = hpx_provenance_find(&provenance, listing->store, &listing->adoptions, artifact,
                                            HPX_PROVENANCE_ALL, error);
    if (status)
        return status;
    if (listing->audit) {
        if (!hpx_hash_equal(&listing->code, &artifact->code))
            listing->reach = hpx_code_reach_of(
                hpx_manifest_is_of_program(&provenance.manifest) ? "." : hpx_code_built.root,
                &provenance.code);
        listing->code = artifact->code;
        provenance.reach = listing->reach;
        hpx_audit_add(listing->audit, &provenance);
    }
    char *curve = NULL;
    if (listing->curves)
        status = hpx_curve_of(&curve, listing->store, &artifact->key, &listing->objective, error);
    hpx_report_provenance(listing->rows, &provenance, curve);
    hpx_provenance_free(&provenance);
    free(curve);
    return status;
}

static bool is_picky(const struct options *options)
{
    const hpx_selection *selection = &options->selection;
    return selection->where_count || selection->sort || selection->top || options->metrics;
}

static hpx_status pick(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct listing *listing = context;
    if (!is_picky(listing->options))
        return list(listing, artifact, error);
    hpx_results_add(&listing->results, artifact);
    return HPX_OK;
}

/* Once it is known what there is to show. */
static void add_columns(struct listing *listing)
{
    hpx_names metrics = {0};
    hpx_results_metrics(&metrics, &listing->results);
    if (listing->audit)
        hpx_report_audit_columns(listing->rows);
    else
        hpx_report_list_columns(listing->rows, listing->target.recipe ? &listing->objective : NULL,
                                listing->options->metrics ? &metrics : NULL);
    if (listing->curves)
        hpx_report_curve_column(listing->rows);
    hpx_names_free(&metrics);
}

static hpx_status list_picked(struct listing *listing, hpx_error *error)
{
    const struct options *options = listing->options;
    hpx_results *results = &listing->results;
    hpx_status status = hpx_results_select(results, &listing->objective, &options->selection, error);
    if (status)
        return status;
    if (options->metrics)
        add_columns(listing);
    for (size_t i = 0; i < results->count && !status; i++)
        status = list(listing, &results->at[i].artifact, error);
    return status;
}

/* Artifacts come in order of key and epoch: the newest of a key is the one before the key changes. */
static hpx_status list_newest(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct listing *listing = context;
    hpx_status status = HPX_OK;
    if (listing->any && !hpx_hash_equal(&listing->newest.key, &artifact->key))
        status = pick(listing, &listing->newest, error);
    hpx_artifact_set(&listing->newest, artifact);
    listing->any = true;
    return status;
}

static hpx_status list_all(struct listing *listing, const hpx_hash *key, hpx_error *error)
{
    const bool all = listing->options->epochs;
    hpx_status status = hpx_store_each(listing->store, key, all ? pick : list_newest, listing, error);
    if (!status && listing->any)
        status = pick(listing, &listing->newest, error);
    return status;
}

/* What the arguments name: all, a key, or a recipe, which is opened. */
static hpx_status list_what(struct listing *listing, const char *data, hpx_error *error)
{
    const struct options *options = listing->options;
    const char *what = options->count ? options->arguments[0] : NULL;
    const bool by_key = listing->audit && options->count == 1 && hpx_is_key(what);
    size_t count = options->count;
    hpx_hash key;
    hpx_status status = HPX_OK;
    if (what && !by_key) {
        status = hpx_open_target(&listing->target, options->arguments, &count, false, error);
        if (!status)
            listing->objective = listing->target.recipe->objective;
    }
    if (!status && !options->metrics)
        add_columns(listing);
    if (status || !listing->store)
        return status || !by_key
                   ? status
                   : hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key; the store is empty", what);
    if (!what)
        return list_all(listing, NULL, error);
    if (!by_key)
        return hpx_each_stored(listing->store, &listing->target, data, options->epochs, pick, listing, error);
    status = hpx_store_find_key(&key, listing->store, what, error);
    return status ? status : list_all(listing, &key, error);
}

static hpx_status list_from(struct listing *listing, const char *folder, const char *data, hpx_error *error)
{
    const struct options *options = listing->options;
    hpx_status status = hpx_open_store(&listing->store, options, folder, HPX_STORE_READ, error);
    if (!status)
        status = hpx_adoptions_read(&listing->adoptions, listing->store, error);
    if (!status)
        status = list_what(listing, data, error);
    if (!status && is_picky(options))
        status = list_picked(listing, error);
    if (!status && !listing->store && !listing->audit && !options->quiet)
        hpx_say("there is no store in %s yet; build makes it", folder);
    return status;
}

static void close_listing(struct listing *listing)
{
    hpx_rows_free(listing->rows);
    hpx_results_free(&listing->results);
    hpx_artifact_free(&listing->newest);
    hpx_adoptions_free(&listing->adoptions);
    hpx_free_target(&listing->target);
    hpx_store_close(listing->store);
    hpx_audit_free(listing->audit);
}

static int run(const struct options *options, hpx_audit *audit)
{
    char *folder = hpx_store_folder(options, options->count ? options->arguments[0] : "."),
         *data = hpx_data_folder(folder);
    hpx_buffer text = {0};
    hpx_json json = {.out = &text};
    struct listing listing = {
        .options = options,
        .objective = {.name = hpx_trainer_find(*hpx_trainer_names())->objective},
        .rows = options->json ? hpx_rows_to_json(&json) : hpx_rows_to_table(),
        .audit = audit,
        .curves = !audit && !options->epochs && hpx_shows_curves(options),
    };
    hpx_error error;
    if (options->json)
        hpx_json_open(&json, NULL, '[');
    hpx_status status = list_from(&listing, folder, data, &error);
    if (!status) {
        hpx_rows_finish(&text, listing.rows);
        listing.rows = NULL;
    }
    if (options->json)
        hpx_json_close(&json, ']');
    else if (!status && audit)
        hpx_audit_print(&text, audit);
    close_listing(&listing);
    int code = status ? hpx_fail(&error) : hpx_print_result(&text);
    hpx_buffer_free(&text);
    free(data);
    free(folder);
    return code;
}

int hpx_run_ls(const struct options *options)
{
    return run(options, NULL);
}

static const char *why_no_patch(const hpx_fields *code)
{
    if (hpx_code_is_dirty(code))
        return "its patch is unknown; the store has its sources";
    return *hpx_fields_text_or_empty(code, "commit") ? "built from its commit, without edits"
                                                     : "its commit is unknown; the store has its sources";
}

/* audit --patch CODE: what lay between the commit and the sources that made some results. */
static hpx_status add_patch(hpx_buffer *text, hpx_store *store, const struct options *options,
                            hpx_error *error)
{
    hpx_hash id;
    hpx_fields code = {0};
    const uint8_t *patch;
    size_t size;
    if (!store)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such code; the store is empty", options->patch);
    hpx_status status = hpx_store_find_record(&id, store, HPX_RECORD_CODE, options->patch, error);
    if (!status)
        status = hpx_store_get_record(&code, store, HPX_RECORD_CODE, &id, error);
    if (!status)
        status = hpx_fields_bytes(&patch, &size, &code, "patch", error);
    if (!status && size == 0)
        hpx_say("%s: %s", options->patch, why_no_patch(&code));
    if (!status)
        hpx_buffer_add(text, patch, size);
    hpx_fields_free(&code);
    return status;
}

int hpx_run_audit(const struct options *options)
{
    if (options->patch)
        return hpx_print_from_store(options, add_patch, hpx_print_bytes);
    if (!options->quiet)
        hpx_warn_if_stale();
    return run(options, hpx_audit_new());
}
