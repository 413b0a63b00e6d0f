#include "pace.h"

#include "base/memory.h"
#include "base/random.h"
#include "identity/manifest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALIBRATION_MACS 2e8 /* of an epoch of a calibration: about a tenth of a second */
#define SAMPLE_MACS_MAX                                                                                      \
    1e8 /* a larger network is not calibrated with if there is a smaller one: a batch takes seconds */
#define UNLIKE  4   /* networks whose costs differ by less have one pace */
#define INK     0.2 /* share of pixels that are not 0, as in MNIST */
#define PURPOSE 'P'

static void add(struct pace *pace, double macs, double seconds)
{
    if (pace->count < PACES_MAX && macs > 0 && seconds > 0) {
        pace->epochs[pace->count].macs = macs;
        pace->epochs[pace->count++].seconds = seconds;
    }
}

double pace_seconds(const struct pace *pace, uint64_t epoch_macs)
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
        const struct trial *trial = ledger->trials[i];
        hpx_artifact parent;
        hpx_error ignored;
        if (trial->verdict == HPX_EXTEND &&
            hpx_store_get(&parent, store, &trial->key, trial->from, NULL, &ignored) == HPX_OK)
            add(pace, (double)trial->macs_per_epoch, parent.total_seconds / trial->from);
    }
}

/* --- by calibration ---------------------------------------------------------------------------------------
 */

static void draw(uint8_t *out, size_t count, uint32_t below, double share)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t words[4];
        hpx_random(words, 1, PURPOSE, 0, (uint32_t)(i >> 32), (uint32_t)i);
        const uint32_t value = hpx_random_float(words[0]) < share ? words[1] % below : 0;
        out[i] = (uint8_t)value;
    }
}

static hpx_status keep_seconds(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)error;
    *(double *)context = epoch->seconds;
    return HPX_OK;
}

/* Two epochs of a few images: in the first one memory and caches are cold. */
static void calibrate(struct pace *pace, const struct ledger *ledger, const struct trial *trial)
{
    hpx_experiment *experiment = ledger->experiment;
    const hpx_source *source = hpx_experiment_source(experiment, trial->cell);
    uint32_t samples = hpx_experiment_train_count(experiment, trial->cell);
    hpx_fields manifest = {0};
    uint64_t batch = 1;
    double seconds = NAN;
    hpx_error ignored;
    hpx_experiment_fields(&manifest, experiment, trial->cell, trial->seed);
    hpx_fields_count(&batch, &manifest, "train.batch", &ignored);
    double wanted = CALIBRATION_MACS * samples / (double)trial->macs_per_epoch;
    uint32_t count = wanted > (double)batch ? (uint32_t)fmin(wanted, samples) : (uint32_t)batch;
    count = count < samples ? count : samples;
    uint32_t tests = (uint32_t)((double)count * source->test_count / samples) + 1;
    uint8_t *pixels = hpx_alloc((size_t)count * source->features), *labels = hpx_alloc(count);
    draw(pixels, (size_t)count * source->features, 256, INK);
    draw(labels, count, source->classes, 1);
    tests = tests < count ? tests : count;
    const hpx_split split = {
        .features = source->features,
        .classes = source->classes,
        .train = {pixels, labels, count},
        .validation = {pixels, labels, tests},
        .test = {pixels, labels, tests},
    };
    hpx_status status =
        hpx_experiment_recipe(experiment)
            ->trainer->run(&manifest, &split, 0, 2, NULL, 0, keep_seconds, &seconds, &ignored);
    if (!status)
        add(pace, (double)trial->macs_per_epoch, seconds * samples / count);
    pace->calibrated = pace->count > 0;
    free(pixels);
    free(labels);
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
        const struct trial *trial = ledger->trials[i];
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

void pace_find(struct pace *pace, const struct ledger *ledger, hpx_store *store)
{
    *pace = (struct pace){.count = 0};
    for (size_t i = 0; i < ledger->count; i++) {
        const struct trial *trial = ledger->trials[i];
        if (trial->state == TRIAL_KNOWN && trial->epoch > 0 && !trial->failure)
            add(pace, (double)trial->macs_per_epoch, trial->seconds / trial->epoch);
    }
    if (pace->count == 0 && store)
        add_parents(pace, ledger, store);
    if (pace->count == 0 && store)
        add_any(pace, store);
    if (pace->count == 0)
        calibrate_all(pace, ledger);
}
