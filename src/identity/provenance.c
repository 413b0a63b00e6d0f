#include "identity/provenance.h"

#include "base/memory.h"
#include "store/space.h"

#include <stdlib.h>
#include <string.h>

/* HPX_OK for what the store has lost, and has reported. */
static hpx_status forgive(hpx_status status)
{
    return status == HPX_NOT_FOUND || status == HPX_DAMAGED ? HPX_OK : status;
}

hpx_status hpx_provenance_find(hpx_provenance *out, hpx_store *store, const hpx_adoptions *adoptions,
                               const hpx_artifact *artifact, unsigned parts, hpx_error *error)
{
    const struct {
        unsigned part;
        hpx_record_kind kind;
        hpx_fields *fields;
        const hpx_hash *id;
    } records[] = {
        {HPX_PROVENANCE_CODE, HPX_RECORD_CODE, &out->code, &artifact->code},
        {HPX_PROVENANCE_DATASET, HPX_RECORD_DATASET, &out->dataset, &artifact->dataset},
        {hpx_artifact_is_of_program(artifact) ? HPX_PROVENANCE_CONDITIONS : 0, HPX_RECORD_CONDITIONS,
         &out->conditions, &artifact->conditions},
    };
    hpx_status status = HPX_OK;
    *out = (hpx_provenance){.artifact = *artifact, .adoptions = adoptions};
    if (parts & HPX_PROVENANCE_MANIFEST)
        status = forgive(hpx_store_manifest(&out->manifest, store, &artifact->key, error));
    for (size_t i = 0; i < sizeof records / sizeof *records && !status; i++)
        if (parts & records[i].part)
            status = forgive(
                hpx_store_get_record(records[i].fields, store, records[i].kind, records[i].id, error));
    if (!status && (parts & HPX_PROVENANCE_IMPORT))
        status = forgive(hpx_store_find_import(&out->import, store, &artifact->key, artifact->epoch, error));
    if (status)
        hpx_provenance_free(out);
    return status;
}

void hpx_provenance_free(hpx_provenance *provenance)
{
    hpx_fields_free(&provenance->manifest);
    hpx_fields_free(&provenance->code);
    hpx_fields_free(&provenance->dataset);
    hpx_fields_free(&provenance->conditions);
    hpx_fields_free(&provenance->import);
    *provenance = (hpx_provenance){0};
}

static const uint8_t *version_in(const hpx_fields *fields, const char *name)
{
    const hpx_field *version = hpx_fields_find(fields, name);
    return version && version->size == HPX_CODE_BYTES ? version->bytes : NULL;
}

const uint8_t *hpx_provenance_maker(const hpx_provenance *provenance)
{
    return version_in(&provenance->code, "version");
}

const uint8_t *hpx_provenance_trainer(const hpx_provenance *provenance)
{
    return version_in(&provenance->manifest, "code.version");
}

const hpx_adoption *hpx_provenance_next_adoption(size_t *at, const hpx_provenance *provenance)
{
    const hpx_adoptions *adoptions = provenance->adoptions;
    const uint8_t *as = hpx_provenance_trainer(provenance);
    while (as && *at < adoptions->count) {
        const hpx_adoption *adoption = &adoptions->items[(*at)++];
        if (memcmp(hpx_adoption_version(adoption), as, HPX_CODE_BYTES) != 0 &&
            hpx_adoptions_lead(adoptions, &adoption->whose, &provenance->manifest))
            return adoption;
    }
    return NULL;
}

/* --- a trajectory ------------------------------------------------------------------------------------------- */

struct epochs {
    hpx_artifact *artifacts;
    size_t count, capacity;
};

static hpx_status collect(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    struct epochs *epochs = context;
    epochs->artifacts =
        hpx_grow(epochs->artifacts, &epochs->capacity, epochs->count + 1, sizeof *epochs->artifacts);
    epochs->artifacts[epochs->count++] = hpx_artifact_copy(artifact);
    return HPX_OK;
}

struct later {
    struct epochs conflicts, replicates;
};

static hpx_status collect_later(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct later *later = context;
    return collect(artifact->replicate ? &later->replicates : &later->conflicts, artifact, error);
}

static hpx_status read_epochs(hpx_trajectory *out, hpx_store *store, const hpx_hash *key, hpx_error *error)
{
    struct epochs epochs = {0};
    struct later later = {0};
    hpx_status status = hpx_store_each(store, key, collect, &epochs, error);
    if (!status)
        status = hpx_store_each_conflict(store, key, collect_later, &later, error);
    out->artifacts = epochs.artifacts;
    out->count = epochs.count;
    out->conflicts = later.conflicts.artifacts;
    out->conflict_count = later.conflicts.count;
    out->replicates = later.replicates.artifacts;
    out->replicate_count = later.replicates.count;
    return status;
}

hpx_status hpx_trajectory_read(hpx_trajectory *out, hpx_store *store, const char *prefix, hpx_error *error)
{
    hpx_hash key;
    *out = (hpx_trajectory){.adoptions = hpx_alloc(sizeof *out->adoptions)};
    if (!store)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: no such key; the store is empty", prefix);
    hpx_status status = hpx_store_find_key(&key, store, prefix, error);
    if (!status)
        status = read_epochs(out, store, &key, error);
    if (!status && out->count == 0)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: its results are lost", prefix);
    if (!status)
        status = forgive(
            hpx_store_newest_checkpoint_epoch(&out->checkpoint_epoch, store, &key, UINT32_MAX, error));
    if (!status)
        status = hpx_store_is_pinned(&out->pinned, store, &key, error);
    if (!status)
        status = hpx_adoptions_read(out->adoptions, store, error);
    if (!status)
        status = hpx_provenance_find(&out->newest, store, out->adoptions, &out->artifacts[out->count - 1],
                                     HPX_PROVENANCE_ALL, error);
    return status;
}

static void free_artifacts(hpx_artifact *artifacts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hpx_artifact_free(&artifacts[i]);
    free(artifacts);
}

void hpx_trajectory_free(hpx_trajectory *trajectory)
{
    hpx_provenance_free(&trajectory->newest);
    free_artifacts(trajectory->conflicts, trajectory->conflict_count);
    free_artifacts(trajectory->replicates, trajectory->replicate_count);
    free_artifacts(trajectory->artifacts, trajectory->count);
    if (trajectory->adoptions)
        hpx_adoptions_free(trajectory->adoptions);
    free(trajectory->adoptions);
    *trajectory = (hpx_trajectory){0};
}
