/* What a put leaves of a trajectory's checkpoints (hpx/keep.h). */
#include "artifact.h"
#include "blobs.h"
#include "checkpoint.h"
#include "internal.h"
#include "record.h"

#include <math.h>
#include <stdlib.h>

/* The best of the stored checkpoints and the one at hand, of equals the first; 0: none has the objective. */
static hpx_status find_best(uint32_t *best, hpx_store *store, MDB_txn *txn, const struct epochs *stored,
                            const hpx_artifact *at_hand, const hpx_objective *objective, hpx_error *error)
{
    double best_value = hpx_objective_value(objective, &at_hand->metrics);
    *best = isnan(best_value) ? 0 : at_hand->epoch;
    for (size_t i = 0; i < stored->count; i++) {
        hpx_artifact artifact;
        uint32_t epoch = stored->epochs[i];
        hpx_status status = hpx_get_artifact(&artifact, store, txn, &at_hand->key, epoch, error);
        if (status == HPX_NOT_FOUND || epoch == at_hand->epoch)
            continue;
        if (status)
            return status;
        const double value = hpx_objective_value(objective, &artifact.metrics);
        hpx_artifact_free(&artifact);
        const bool earlier = epoch < *best && !hpx_objective_better(objective, best_value, value);
        if (hpx_objective_better(objective, value, best_value) || earlier) {
            best_value = value;
            *best = epoch;
        }
    }
    return HPX_OK;
}

/* Drops one and takes it out of the list. */
static hpx_status drop_at(hpx_store *store, MDB_txn *txn, const hpx_hash *key, struct epochs *stored,
                          size_t at, hpx_error *error)
{
    hpx_status status = hpx_drop_checkpoint(store, txn, key, stored->epochs[at], error);
    for (size_t i = at; i + 1 < stored->count; i++)
        stored->epochs[i] = stored->epochs[i + 1];
    stored->count--;
    return status;
}

/* Looks, from the newest down, for a checkpoint above `epoch` that is whole, and whether there is one of
 * `epoch` itself. A damaged one is no use: it is dropped and makes room for the one at hand. */
static hpx_status find_newest(uint32_t *newest, bool *present, hpx_store *store, MDB_txn *txn,
                              const hpx_hash *key, uint32_t epoch, struct epochs *stored, hpx_error *error)
{
    hpx_status status = HPX_OK;
    *newest = epoch;
    *present = false;
    for (size_t i = stored->count; i-- > 0 && stored->epochs[i] >= epoch && !status;) {
        uint32_t found = stored->epochs[i];
        if (*newest > epoch && found > epoch)
            continue;
        status = hpx_find_whole_checkpoint(store, txn, key, found, error);
        if (status == HPX_NOT_FOUND)
            status = drop_at(store, txn, key, stored, i, error);
        else if (!status && found == epoch)
            *present = true;
        else if (!status)
            *newest = found;
    }
    return status;
}

hpx_status hpx_keep_checkpoints(hpx_store *store, MDB_txn *txn, const hpx_artifact *artifact,
                                const hpx_blob *checkpoint, struct staged *staged,
                                const hpx_put_options *options, hpx_error *error)
{
    const hpx_hash *key = &artifact->key;
    struct epochs stored = {0};
    uint32_t newest = 0, best = 0;
    bool present = false, pinned = false;
    hpx_status status = hpx_list_epochs(&stored, store, txn, DB_CHECKPOINTS, key, error);
    if (!status)
        status = find_newest(&newest, &present, store, txn, key, artifact->epoch, &stored, error);
    if (!status && options->keep == HPX_KEEP_BEST)
        status = find_best(&best, store, txn, &stored, artifact, &options->objective, error);
    if (!status)
        status = hpx_find_pin(&pinned, store, txn, key, error);
    bool all = pinned || options->keep == HPX_KEEP_ALL;
    bool ended = options->keep == HPX_KEEP_NONE && options->last && newest == artifact->epoch;
    const bool bare = !checkpoint || *artifact->failure; /* nothing could take the place of another */
    for (size_t i = 0; i < stored.count && !status && !all && (ended || !bare); i++) {
        uint32_t epoch = stored.epochs[i];
        if (ended ? epoch <= newest : epoch < newest && epoch != best)
            status = hpx_drop_checkpoint(store, txn, key, epoch, error);
    }
    bool wanted = !bare && (all || (!ended && (artifact->epoch == newest || artifact->epoch == best)));
    if (!status && wanted && !present)
        status = hpx_put_checkpoint(store, txn, key, artifact->epoch, checkpoint, staged, error);
    free(stored.epochs);
    return status;
}
