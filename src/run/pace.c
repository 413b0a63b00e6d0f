#include "pace.h"

#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "identity/manifest.h"
#include "program/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A larger network is not calibrated with if there is a smaller one: a batch takes seconds. */
#define FORWARD_MAX 3e7
#define UNLIKE      4 /* networks whose costs differ by less have one pace */

static void add(struct pace *pace, double cost, double seconds)
{
    if (pace->count < PACES_MAX && cost > 0 && seconds > 0) {
        pace->epochs[pace->count].cost = cost;
        pace->epochs[pace->count++].seconds = seconds;
    }
}

double hpx_pace_seconds(const struct pace *pace, uint64_t epoch_cost)
{
    double nearest = INFINITY, sum = 0, cost = (double)epoch_cost;
    size_t count = 0; /* of those that are equally near: all, of programs */
    for (size_t i = 0; i < pace->count; i++) {
        double distance = fabs(log(cost / pace->epochs[i].cost));
        if (distance < nearest)
            count = 0;
        if (distance <= nearest) {
            nearest = distance;
            sum = (count++ ? sum : 0) + pace->epochs[i].seconds * cost / pace->epochs[i].cost;
        }
    }
    return count ? sum / (double)count : NAN;
}

/* --- from what is stored -------------------------------------------------------------------------------- */

struct stored {
    struct pace *pace;
    hpx_store *store;
    const hpx_recipe *recipe; /* whose trainer's costs are compared, or whose program's times */
    hpx_hash last;            /* key */
    char host[64];            /* whose results are looked at; empty: anybody's */
};

static const char *axis_value(void *manifest, const char *name)
{
    static _Thread_local char number[HPX_REAL_TEXT_BYTES];
    char *field_name = hpx_format("axis.%s", name);
    const hpx_field *field = hpx_fields_find(manifest, field_name);
    free(field_name);
    if (!field)
        return NULL;
    return field->type == HPX_FIELD_TEXT ? (const char *)field->bytes : hpx_real_text(number, field->real);
}

/* Whether a program's result is of the same command, with its own values of the axes. */
static bool has_command(hpx_fields *manifest, const hpx_program *program)
{
    hpx_buffer command = {0};
    hpx_error ignored;
    for (size_t i = 0; i < program->command.count; i++) {
        hpx_buffer word = {0};
        hpx_template_bind(&word, program->command.words[i], axis_value, manifest, &ignored);
        hpx_words_add(&command, hpx_buffer_text(&word));
        hpx_buffer_free(&word);
    }
    const bool same =
        strcmp(hpx_buffer_text(&command), hpx_fields_text_or_empty(manifest, "program.command")) == 0;
    hpx_buffer_free(&command);
    return same;
}

/* Keys are hashes: the first ones are as good a sample as any. An epoch that failed need not be whole. */
static hpx_status add_stored(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct stored *stored = context;
    const hpx_recipe *recipe = stored->recipe;
    const hpx_trainer *trainer;
    hpx_fields manifest = {0}, dataset = {0};
    if (*artifact->failure || hpx_hash_equal(&artifact->key, &stored->last) ||
        (*stored->host && strcmp(artifact->host, stored->host) != 0))
        return HPX_OK;
    stored->last = artifact->key;
    const bool same = hpx_store_manifest(&manifest, stored->store, &artifact->key, error) == HPX_OK &&
                      hpx_trainer_of(&trainer, &manifest, error) == HPX_OK && trainer == recipe->trainer;
    if (same && recipe->program && has_command(&manifest, recipe->program))
        add(stored->pace, 1, artifact->total_seconds / artifact->epoch);
    if (same && !recipe->program &&
        hpx_store_get_record(&dataset, stored->store, HPX_RECORD_DATASET, &artifact->dataset, error) ==
            HPX_OK)
        add(stored->pace, (double)hpx_manifest_epoch_cost(&manifest, &dataset), artifact->seconds);
    hpx_fields_free(&manifest);
    hpx_fields_free(&dataset);
    return stored->pace->count < PACES_MAX ? HPX_OK : HPX_NOT_FOUND; /* these are enough */
}

static void add_any(struct pace *pace, const hpx_recipe *recipe, hpx_store *store)
{
    struct stored stored = {pace, store, recipe, .host = ""};
    hpx_error ignored;
    hpx_host_name(stored.host, sizeof stored.host);
    hpx_store_each(store, NULL, add_stored, &stored, &ignored);
    if (pace->count > 0)
        return;
    stored = (struct stored){pace, store, recipe, .host = ""};
    hpx_store_each(store, NULL, add_stored, &stored, &ignored);
}

static void add_parents(struct pace *pace, const struct ledger *ledger, hpx_store *store)
{
    for (size_t i = 0; i < ledger->count && pace->count < PACES_MAX; i++) {
        const struct trial *trial = ledger_at(ledger, i);
        hpx_artifact parent;
        hpx_error ignored;
        if (trial->verdict == HPX_EXTEND &&
            hpx_store_get(&parent, store, &trial->key, trial->from, NULL, &ignored) == HPX_OK) {
            add(pace, (double)trial->epoch_cost, parent.total_seconds / trial->from);
            hpx_artifact_free(&parent);
        }
    }
}

/* --- by calibration ------------------------------------------------------------------------------------- */

static void calibrate(struct pace *pace, const struct ledger *ledger, const struct trial *trial)
{
    hpx_experiment *experiment = ledger->experiment;
    const hpx_trainer *trainer = hpx_experiment_recipe(experiment)->trainer;
    hpx_fields manifest = {0};
    double seconds;
    hpx_error ignored;
    hpx_experiment_fields(&manifest, experiment, trial->cell, trial->seed);
    if (trainer->calibrate &&
        trainer->calibrate(&seconds, &manifest, &hpx_experiment_source(experiment, trial->cell)->record,
                           &ignored) == HPX_OK)
        add(pace, (double)trial->epoch_cost, seconds);
    pace->calibrated = pace->count > 0;
    hpx_fields_free(&manifest);
}

static void calibrate_all(struct pace *pace, const struct ledger *ledger)
{
    const struct trial *least = NULL, *most = NULL;
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger_at(ledger, i);
        if (trial->state != TRIAL_WAITING)
            continue;
        least = !least || trial->epoch_cost < least->epoch_cost ? trial : least;
        if ((!most || trial->epoch_cost > most->epoch_cost) &&
            (double)hpx_experiment_cost(ledger->experiment, trial->cell).forward <= FORWARD_MAX)
            most = trial;
    }
    most = most ? most : least;
    if (most)
        calibrate(pace, ledger, most);
    if (most && most->epoch_cost / UNLIKE > least->epoch_cost)
        calibrate(pace, ledger, least);
}

void hpx_pace_find(struct pace *pace, const struct ledger *ledger, hpx_store *store)
{
    *pace = (struct pace){.count = 0};
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger_at(ledger, i);
        if (trial->state == TRIAL_KNOWN && trial->epoch > 0 && !trial->past->failure)
            add(pace, (double)trial->epoch_cost, trial->past->seconds / trial->epoch);
    }
    if (pace->count == 0 && store)
        add_parents(pace, ledger, store);
    if (pace->count == 0 && store)
        add_any(pace, hpx_experiment_recipe(ledger->experiment), store);
    if (pace->count == 0)
        calibrate_all(pace, ledger);
}
