#include "pace.h"

#include "base/memory.h"
#include "identity/manifest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLE_MACS_MAX                                                                                      \
    1e8 /* a larger network is not calibrated with if there is a smaller one: a batch takes seconds */
#define UNLIKE 4 /* networks whose costs differ by less have one pace */

static void add(struct pace *pace, double macs, double seconds)
{
    if (pace->count < PACES_MAX && macs > 0 && seconds > 0) {
        pace->epochs[pace->count].macs = macs;
        pace->epochs[pace->count++].seconds = seconds;
    }
}

double hpx_pace_seconds(const struct pace *pace, uint64_t epoch_macs)
{
    double nearest = INFINITY, seconds = NAN, macs = (double)epoch_macs;
    for (size_t i = 0; i < pace->count; i++) {
        double distance = fabs(log(macs / pace->epochs[i].macs));
        if (distance < nearest) {
            nearest = distance;
            seconds = pace->epochs[i].seconds * macs / pace->epochs[i].macs;
        }
    }
    return seconds;
}

/* --- from what is stored ----------------------------------------------------------------------------------
 */

struct stored {
    struct pace *pace;
    hpx_store *store;
    hpx_hash last;  /* key */
    char host[256]; /* whose results are looked at; empty: anybody's */
};

/* Keys are hashes: the first ones are as good a sample as any. An epoch that failed need not be whole. */
static hpx_status add_stored(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct stored *stored = context;
    hpx_fields manifest = {0}, dataset = {0};
    if (*artifact->failure || hpx_hash_equal(&artifact->key, &stored->last) ||
        (*stored->host && strcmp(artifact->host, stored->host) != 0))
        return HPX_OK;
    stored->last = artifact->key;
    if (hpx_store_manifest(&manifest, stored->store, &artifact->key, error) == HPX_OK &&
        hpx_store_get_record(&dataset, stored->store, HPX_RECORD_DATASET, &artifact->dataset, error) ==
            HPX_OK)
        add(stored->pace, (double)hpx_manifest_epoch_macs(&manifest, &dataset), artifact->seconds);
    hpx_fields_free(&manifest);
    hpx_fields_free(&dataset);
    return stored->pace->count < PACES_MAX ? HPX_OK : HPX_NOT_FOUND; /* these are enough */
}

static void add_any(struct pace *pace, hpx_store *store)
{
    struct stored stored = {.pace = pace, .store = store};
    hpx_error ignored;
    gethostname(stored.host, sizeof stored.host - 1);
    hpx_store_each(store, NULL, add_stored, &stored, &ignored);
    if (pace->count > 0)
        return;
    stored = (struct stored){.pace = pace, .store = store};
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
            add(pace, (double)trial->macs_per_epoch, parent.total_seconds / trial->from);
            hpx_artifact_free(&parent);
        }
    }
}

/* --- by calibration ---------------------------------------------------------------------------------------
 */

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
        add(pace, (double)trial->macs_per_epoch, seconds);
    pace->calibrated = pace->count > 0;
    hpx_fields_free(&manifest);
}

static double sample_macs(const struct ledger *ledger, const struct trial *trial)
{
    return (double)trial->macs_per_epoch / hpx_experiment_train_count(ledger->experiment, trial->cell);
}

static void calibrate_all(struct pace *pace, const struct ledger *ledger)
{
    const struct trial *least = NULL, *most = NULL;
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger_at(ledger, i);
        if (trial->state != TRIAL_WAITING)
            continue;
        least = !least || trial->macs_per_epoch < least->macs_per_epoch ? trial : least;
        if (sample_macs(ledger, trial) <= SAMPLE_MACS_MAX)
            most = !most || trial->macs_per_epoch > most->macs_per_epoch ? trial : most;
    }
    most = most ? most : least;
    if (most)
        calibrate(pace, ledger, most);
    if (most && most->macs_per_epoch / UNLIKE > least->macs_per_epoch)
        calibrate(pace, ledger, least);
}

void hpx_pace_find(struct pace *pace, const struct ledger *ledger, hpx_store *store)
{
    *pace = (struct pace){.count = 0};
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger_at(ledger, i);
        if (trial->state == TRIAL_KNOWN && trial->epoch > 0 && !trial->past->failure)
            add(pace, (double)trial->macs_per_epoch, trial->past->seconds / trial->epoch);
    }
    if (pace->count == 0 && store)
        add_parents(pace, ledger, store);
    if (pace->count == 0 && store)
        add_any(pace, store);
    if (pace->count == 0)
        calibrate_all(pace, ledger);
}
