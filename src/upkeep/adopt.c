#include "upkeep/adopt.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "identity/manifest.h"
#include "sample.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A code record, and whether it is of this binary's trainer. */
struct maker {
    hpx_hash code;
    bool mine;
};

struct adopt {
    hpx_store *store;
    const hpx_adopt_options *options;
    const hpx_trainer *trainer; /* of this binary, that shall count as the other */
    hpx_adopted *out;
    hpx_adoptions adoptions; /* before */
    hpx_fields binary;       /* this one's part of a manifest */
    struct trajectory *all;  /* in order of key */
    size_t count, capacity;
    struct trajectory **theirs; /* cheapest first */
    size_t theirs_count;
    struct maker *makers;
    size_t maker_count, maker_capacity;
};

/* --- what there is ----------------------------------------------------------------------------------------
 */

static hpx_status is_mine(bool *mine, struct adopt *adopt, const hpx_hash *code, hpx_error *error)
{
    for (size_t i = 0; i < adopt->maker_count; i++)
        if (hpx_hash_equal(&adopt->makers[i].code, code)) {
            *mine = adopt->makers[i].mine;
            return HPX_OK;
        }
    hpx_fields record = {0};
    hpx_status status = hpx_store_get_record(&record, adopt->store, HPX_RECORD_CODE, code, error);
    if (status && status != HPX_NOT_FOUND)
        return status;
    const hpx_field *version = hpx_fields_find(&record, "version");
    *mine = version && version->size == HPX_CODE_BYTES &&
            memcmp(version->bytes, adopt->trainer->sources->version, HPX_CODE_BYTES) == 0;
    hpx_fields_free(&record);
    adopt->makers =
        hpx_grow(adopt->makers, &adopt->maker_capacity, adopt->maker_count + 1, sizeof *adopt->makers);
    adopt->makers[adopt->maker_count++] = (struct maker){*code, *mine};
    return HPX_OK;
}

static hpx_status note_artifact(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    struct adopt *adopt = context;
    struct trajectory *last = adopt->count ? &adopt->all[adopt->count - 1] : NULL;
    bool mine;
    hpx_status status = is_mine(&mine, adopt, &artifact->code, error);
    if (!last || !hpx_hash_equal(&last->key, &artifact->key)) {
        adopt->all = hpx_grow(adopt->all, &adopt->capacity, adopt->count + 1, sizeof *adopt->all);
        last = &adopt->all[adopt->count++];
        *last = (struct trajectory){.key = artifact->key};
    }
    last->dataset = artifact->dataset;
    if (!mine) {
        last->to = artifact->epoch;
        hpx_metrics_free(&last->metrics);
        last->metrics = hpx_metrics_copy(&artifact->metrics);
        last->failed = *artifact->failure;
    }
    return status;
}

/* Whether a manifest is of this binary's format and numerics. */
static bool is_comparable(const struct adopt *adopt, const hpx_fields *manifest)
{
    const hpx_field *mine, *other;
    for (hpx_field_walk at = {0}; hpx_manifest_next_of_binary(&at, &adopt->binary, manifest, &mine, &other);)
        if (!mine || strcmp(mine->name, "code.version") != 0)
            return false;
    return true;
}

static hpx_status find_cost(struct trajectory *trajectory, struct adopt *adopt, const hpx_fields *manifest,
                            hpx_error *error)
{
    hpx_fields dataset = {0};
    hpx_status status =
        hpx_store_get_record(&dataset, adopt->store, HPX_RECORD_DATASET, &trajectory->dataset, error);
    const uint64_t macs = status ? 0 : hpx_manifest_epoch_macs(manifest, &dataset);
    trajectory->macs = macs ? macs * trajectory->to : UINT64_MAX;
    hpx_fields_free(&dataset);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

/* Says whose each trajectory is, and counts what the adoption will not reach. */
static hpx_status sort_out(struct adopt *adopt, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < adopt->count && !status; i++) {
        struct trajectory *trajectory = &adopt->all[i];
        hpx_fields manifest = {0};
        status = hpx_store_manifest(&manifest, adopt->store, &trajectory->key, error);
        const bool theirs = !status && hpx_adoptions_lead(&adopt->adoptions, adopt->options->as, &manifest);
        const bool comparable = !status && is_comparable(adopt, &manifest);
        if (comparable && theirs)
            trajectory->owner = THEIRS;
        else if (comparable && hpx_manifest_has_version(&manifest, adopt->trainer->sources->version))
            trajectory->owner = MINE;
        adopt->out->apart += !comparable && theirs;
        if (trajectory->owner == THEIRS && trajectory->to > 0)
            status = find_cost(trajectory, adopt, &manifest, error);
        hpx_fields_free(&manifest);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged, and reported */
    }
    return status;
}

/* --- what both have stored -------------------------------------------------------------------------------
 */

/* The manifest under which results of this trainer with those settings will be stored. */
static void as_theirs(hpx_fields *manifest, const struct adopt *adopt)
{
    hpx_manifest_set_trainer(manifest, adopt->options->as);
    hpx_adoptions_resolve(&adopt->adoptions, manifest);
}

static int compare_keys(const void *key, const void *trajectory)
{
    return memcmp(key, ((const struct trajectory *)trajectory)->key.bytes, HPX_HASH_BYTES);
}

struct pair {
    struct adopt *adopt;
    const hpx_hash *mine;
    struct trajectory *theirs;
};

static hpx_status compare_artifacts(void *context, const hpx_artifact *theirs, hpx_error *error)
{
    struct pair *pair = context;
    hpx_adopted *out = pair->adopt->out;
    hpx_artifact mine;
    bool made_here;
    hpx_status status = is_mine(&made_here, pair->adopt, &theirs->code, error);
    if (status || made_here)
        return status;
    status = hpx_store_get(&mine, pair->adopt->store, pair->mine, theirs->epoch, NULL, error);
    if (status)
        return status == HPX_NOT_FOUND ? HPX_OK : status;
    pair->theirs->equal++;
    pair->theirs->proven = theirs->epoch == pair->theirs->to;
    if (hpx_artifact_same_output(&mine, theirs)) {
        hpx_artifact_free(&mine);
        return HPX_OK;
    }
    out->differing = theirs->key;
    out->difference = (hpx_rebuilt){.verdict = HPX_REBUILD_DIFFERS,
                                    .compared = pair->theirs->equal,
                                    .first_difference = theirs->epoch,
                                    .stored = hpx_artifact_copy(theirs),
                                    .again = mine};
    return hpx_error_set(error, HPX_DIFFERS, "the two trainers have stored different outputs");
}

static hpx_status compare_stored(struct adopt *adopt, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < adopt->count && !status; i++) {
        hpx_fields manifest = {0};
        if (adopt->all[i].owner != MINE)
            continue;
        status = hpx_store_manifest(&manifest, adopt->store, &adopt->all[i].key, error);
        as_theirs(&manifest, adopt);
        const hpx_hash key = hpx_record_id(&manifest);
        hpx_fields_free(&manifest);
        struct trajectory *theirs =
            bsearch(key.bytes, adopt->all, adopt->count, sizeof *adopt->all, compare_keys);
        struct pair pair = {adopt, &adopt->all[i].key, theirs};
        if (!status && theirs && theirs->owner == THEIRS)
            status = hpx_store_each(adopt->store, &theirs->key, compare_artifacts, &pair, error);
    }
    return status;
}

/* --- the sample -------------------------------------------------------------------------------------------
 */

static int compare_costs(const void *a, const void *b)
{
    const struct trajectory *x = *(struct trajectory *const *)a, *y = *(struct trajectory *const *)b;
    /* What has been compared already costs nothing. */
    const uint64_t p = x->proven ? 0 : x->macs, q = y->proven ? 0 : y->macs;
    return p != q ? (p > q) - (p < q) : (x > y) - (x < y);
}

static void rank(struct adopt *adopt)
{
    adopt->theirs = hpx_alloc((adopt->count + 1) * sizeof(struct trajectory *));
    for (size_t i = 0; i < adopt->count; i++) {
        adopt->all[i].covered = adopt->all[i].to == 0; /* this trainer made it all */
        if (adopt->all[i].owner == THEIRS && adopt->all[i].to > 0)
            adopt->theirs[adopt->theirs_count++] = &adopt->all[i];
    }
    qsort(adopt->theirs, adopt->theirs_count, sizeof *adopt->theirs, compare_costs);
}

/* The names of paths, a line each. */
static char *list_paths(const hpx_trainer *trainer, const hpx_paths *paths)
{
    hpx_buffer text = {0};
    char name[HPX_PATH_NAME_BYTES];
    for (size_t path = 0; path < HPX_PATHS_MAX; path++)
        if (paths->words[path / 64] >> path % 64 & 1) {
            trainer->path_name(name, path);
            hpx_buffer_printf(&text, "%s%s", text.size > 0 ? "\n" : "", name);
        }
    char *list = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return list;
}

static hpx_status choose(struct adopt *adopt, hpx_error *error)
{
    hpx_adopted *out = adopt->out;
    const hpx_adopt_options *options = adopt->options;
    const struct sample_options sample = {
        .store = adopt->store,
        .folder = options->folder,
        .least = options->sample,
        .interrupted = options->interrupted,
    };
    hpx_paths paths;
    hpx_status status = sample_choose(&paths, &out->why, adopt->theirs, adopt->theirs_count, &sample, error);
    for (size_t i = 0; i < adopt->theirs_count; i++)
        out->left += !adopt->theirs[i]->covered;
    if (!status && out->left == adopt->theirs_count)
        status = hpx_error_set(error, HPX_FAILED, "not adopted: no result can be trained again: %s",
                               out->why.message);
    out->adoption.paths = list_paths(adopt->trainer, &paths);
    return status;
}

static void add_proof(hpx_adoption *adoption, const hpx_hash *key, uint32_t epochs)
{
    adoption->keys = hpx_realloc(adoption->keys, adoption->key_count + 1, sizeof *adoption->keys);
    adoption->keys[adoption->key_count++] = *key;
    adoption->epochs += epochs;
}

static hpx_status not_adopted(const hpx_rebuilt *rebuilt, const char *why, hpx_error *error)
{
    char *cell = hpx_cell_text(&rebuilt->newest->cell);
    hpx_status status = hpx_error_set(error, HPX_FAILED, "not adopted: %s: %s", cell, why);
    free(cell);
    return status;
}

static hpx_status take(void *context, const hpx_rebuilt *rebuilt, hpx_error *error)
{
    struct adopt *adopt = context;
    hpx_status status = HPX_OK;
    if (rebuilt->verdict == HPX_REBUILD_FAILED)
        return not_adopted(rebuilt, rebuilt->why, error);
    if (rebuilt->verdict == HPX_REBUILD_SAME && rebuilt->compared == 0)
        return not_adopted(rebuilt, "its results are lost", error);
    if (adopt->options->done)
        status = adopt->options->done(adopt->options->context, rebuilt, error);
    if (!status && rebuilt->verdict == HPX_REBUILD_DIFFERS) {
        adopt->out->differing = rebuilt->newest->key;
        adopt->out->difference = hpx_rebuilt_copy(rebuilt);
        status = hpx_error_set(error, HPX_DIFFERS, "this trainer gives another output");
    }
    if (!status)
        add_proof(&adopt->out->adoption, &rebuilt->newest->key, rebuilt->compared);
    return status;
}

static hpx_status train(struct adopt *adopt, hpx_error *error)
{
    const hpx_adopt_options *options = adopt->options;
    hpx_rebuild_wanted *wanted = hpx_alloc((adopt->theirs_count + 1) * sizeof *wanted);
    hpx_rebuild_options rebuild = {
        .program = options->program,
        .jobs = options->jobs,
        .wanted = wanted,
        .as_this = true,
        .folder = options->folder,
        .done = take,
        .context = adopt,
        .interrupted = options->interrupted,
    };
    hpx_rebuild_counts counts;
    for (size_t i = 0; i < adopt->theirs_count; i++) {
        const struct trajectory *trajectory = adopt->theirs[i];
        if (trajectory->chosen)
            wanted[rebuild.wanted_count++] = (hpx_rebuild_wanted){trajectory->key, trajectory->to};
        else if (trajectory->proven)
            add_proof(&adopt->out->adoption, &trajectory->key, trajectory->equal);
    }
    hpx_status status = hpx_rebuild(&counts, adopt->store, &rebuild, error);
    free(wanted);
    return status;
}

static hpx_status prove(struct adopt *adopt, hpx_error *error)
{
    char name[HPX_CODE_HEX_BYTES];
    hpx_hex(name, adopt->options->as, HPX_CODE_BYTES);
    if (adopt->theirs_count == 0 && adopt->out->apart > 0)
        return hpx_error_set(error, HPX_NOT_FOUND,
                             "not adopted: all results of trainer %.8s are of other numerics than this "
                             "binary's (hpx --version -v)",
                             name);
    if (adopt->theirs_count == 0)
        return hpx_error_set(error, HPX_NOT_FOUND, "not adopted: no result made by trainer %.8s is stored",
                             name);
    if (!adopt->trainer->paths)
        return hpx_error_set(
            error, HPX_FAILED,
            "not adopted: model %s cannot tell which code its trainings run, so no sample proves "
            "anything",
            adopt->trainer->name);
    hpx_status status = choose(adopt, error);
    return status ? status : train(adopt, error);
}

/* --- the adoption -----------------------------------------------------------------------------------------
 */

/* The adoption of a trainer under this binary's numerics, whatever it covers. */
static const hpx_adoption *adoption_of(const struct adopt *adopt, const uint8_t version[HPX_CODE_BYTES])
{
    for (size_t i = 0; i < adopt->adoptions.count; i++)
        if (is_comparable(adopt, &adopt->adoptions.items[i].whose) &&
            hpx_manifest_has_version(&adopt->adoptions.items[i].whose, version))
            return &adopt->adoptions.items[i];
    return NULL;
}

/* A trainer counts as one other, and never as itself. */
static hpx_status check(const struct adopt *adopt, hpx_error *error)
{
    char mine[HPX_CODE_HEX_BYTES], other[HPX_CODE_HEX_BYTES];
    const uint8_t *at = adopt->options->as, *version = adopt->trainer->sources->version;
    const hpx_adoption *next = adoption_of(adopt, version);
    hpx_hex(mine, version, HPX_CODE_BYTES);
    if (next && memcmp(next->as, at, HPX_CODE_BYTES) != 0) {
        hpx_hex(other, next->as, HPX_CODE_BYTES);
        return hpx_error_set(error, HPX_FAILED,
                             "trainer %.8s counts as %.8s already; `hpx adopt --forget %.8s` ends that", mine,
                             other, mine);
    }
    for (size_t i = 0; i <= adopt->adoptions.count; i++) {
        hpx_hex(other, adopt->options->as, HPX_CODE_BYTES);
        if (memcmp(at, version, HPX_CODE_BYTES) == 0)
            return i == 0
                       ? hpx_error_set(error, HPX_USAGE, "%.8s is the trainer of this binary", other)
                       : hpx_error_set(error, HPX_FAILED, "trainer %.8s counts as %.8s already", other, mine);
        next = adoption_of(adopt, at);
        if (!next)
            break;
        at = next->as;
    }
    return HPX_OK;
}

/* Of an assertion, it is all of the other trainer's. */
static hpx_status set_holds(struct adopt *adopt, hpx_error *error)
{
    hpx_hash *keys = hpx_alloc((adopt->count + 1) * sizeof *keys);
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < adopt->count && !status; i++) {
        hpx_fields manifest = {0};
        const struct trajectory *trajectory = &adopt->all[i];
        if (trajectory->owner != THEIRS || !(trajectory->covered || adopt->options->unproven))
            continue;
        status = hpx_store_manifest(&manifest, adopt->store, &trajectory->key, error);
        if (!status)
            keys[adopt->out->results++] = hpx_adoption_key(&adopt->out->adoption, &manifest);
        hpx_fields_free(&manifest);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged, and reported */
    }
    if (!adopt->options->unproven)
        hpx_adoption_set_holds(&adopt->out->adoption, keys, adopt->out->results);
    free(keys);
    return status;
}

/* Stores again, as the other trainer's, what this one has made before and the adoption holds for. */
static hpx_status copy_mine(struct adopt *adopt, hpx_error *error)
{
    hpx_adoptions now;
    hpx_status status = hpx_adoptions_read(&now, adopt->store, error);
    for (size_t i = 0; i < adopt->count && !status; i++) {
        hpx_fields manifest = {0};
        hpx_buffer bytes = {0};
        if (adopt->all[i].owner != MINE)
            continue;
        status = hpx_store_manifest(&manifest, adopt->store, &adopt->all[i].key, error);
        if (!status && hpx_adoptions_find(&now, &manifest)) {
            hpx_adoptions_resolve(&now, &manifest);
            hpx_fields_encode(&bytes, &manifest);
            status = hpx_store_copy(adopt->store, &adopt->all[i].key, &bytes, error);
            adopt->out->copied += !status;
        }
        hpx_buffer_free(&bytes);
        hpx_fields_free(&manifest);
    }
    hpx_adoptions_free(&now);
    return status;
}

/* The adoption before the copies: what ends between them is made good by adopting again. */
static hpx_status adopt_now(struct adopt *adopt, hpx_error *error)
{
    hpx_adoption *adoption = &adopt->out->adoption;
    hpx_fields code = {0};
    hpx_code_fields(&code, &hpx_code_built, adopt->trainer->sources);
    for (size_t i = 0; i < adopt->binary.count; i++)
        hpx_fields_set(&adoption->whose, &adopt->binary.fields[i]);
    memcpy(adoption->as, adopt->options->as, HPX_CODE_BYTES);
    adoption->code = hpx_record_id(&code);
    adoption->adopted_ns = hpx_clock_ns();
    adoption->reason = hpx_strdup(adopt->options->reason ? adopt->options->reason : "");
    hpx_status status = set_holds(adopt, error);
    if (!status)
        status = hpx_store_put_record(adopt->store, HPX_RECORD_CODE, &code, error);
    if (!status)
        status = hpx_adoption_put(adopt->store, adoption, error);
    if (!status)
        status = copy_mine(adopt, error);
    hpx_fields_free(&code);
    return status;
}

hpx_status hpx_adopt(hpx_adopted *out, hpx_store *store, const hpx_adopt_options *options, hpx_error *error)
{
    struct adopt adopt = {.store = store, .options = options, .out = out};
    *out = (hpx_adopted){0};
    hpx_status status = hpx_adoptions_read(&adopt.adoptions, store, error);
    if (!status)
        status = hpx_adopt_trainer(&adopt.trainer, store, options->as, error);
    if (!status)
        hpx_manifest_set_binary(&adopt.binary, adopt.trainer);
    if (!status)
        status = check(&adopt, error);
    if (!status)
        status = hpx_store_each(store, NULL, note_artifact, &adopt, error);
    if (!status)
        status = sort_out(&adopt, error);
    if (!status)
        status = compare_stored(&adopt, error);
    if (!status && !options->unproven) {
        rank(&adopt);
        status = prove(&adopt, error);
    }
    if (!status)
        status = adopt_now(&adopt, error);
    hpx_adoptions_free(&adopt.adoptions);
    hpx_fields_free(&adopt.binary);
    free(adopt.makers);
    free(adopt.theirs);
    for (size_t i = 0; i < adopt.count; i++)
        hpx_metrics_free(&adopt.all[i].metrics);
    free(adopt.all);
    return status;
}

void hpx_adopted_free(hpx_adopted *adopted)
{
    hpx_adoption_free(&adopted->adoption);
    hpx_rebuilt_free(&adopted->difference);
}

/* --- trainers by name -------------------------------------------------------------------------------------
 */

struct search {
    const char *prefix;
    uint8_t found[HPX_CODE_BYTES];
    size_t count;
};

static hpx_status match(void *context, const hpx_hash *key, const hpx_fields *fields, hpx_error *error)
{
    (void)key, (void)error;
    struct search *search = context;
    char hex[HPX_CODE_HEX_BYTES];
    const hpx_field *version = hpx_fields_find(fields, "code.version");
    if (!version || version->size != HPX_CODE_BYTES)
        return HPX_OK;
    hpx_hex(hex, version->bytes, HPX_CODE_BYTES);
    if (strncasecmp(hex, search->prefix, strlen(search->prefix)) != 0 ||
        (search->count > 0 && memcmp(search->found, version->bytes, HPX_CODE_BYTES) == 0))
        return HPX_OK;
    search->count++;
    memcpy(search->found, version->bytes, HPX_CODE_BYTES);
    return HPX_OK;
}

hpx_status hpx_adopt_find_trainer(uint8_t out[HPX_CODE_BYTES], hpx_store *store, const char *prefix,
                                  hpx_error *error)
{
    struct search search = {.prefix = prefix};
    hpx_status status = hpx_store_each_manifest(store, match, &search, error);
    if (!status)
        status = hpx_store_each_adoption(store, match, &search, error);
    if (status)
        return status;
    if (search.count == 0)
        return hpx_error_set(error, HPX_NOT_FOUND,
                             "%s: no result is of such a trainer; `hpx audit` lists them", prefix);
    if (search.count > 1)
        return hpx_error_set(error, HPX_USAGE, "%s: ambiguous trainer prefix; give more digits", prefix);
    memcpy(out, search.found, HPX_CODE_BYTES);
    return HPX_OK;
}

struct kind {
    const hpx_adoptions *adoptions;
    const uint8_t *version;
    const hpx_trainer *trainer;
};

/* By the results that are stored as that version's, or as those of one that it counts as. */
static hpx_status match_kind(void *context, const hpx_hash *key, const hpx_fields *manifest, hpx_error *error)
{
    (void)key;
    struct kind *kind = context;
    if (kind->trainer || !hpx_adoptions_lead(kind->adoptions, kind->version, manifest))
        return HPX_OK;
    return hpx_trainer_of(&kind->trainer, manifest, error);
}

hpx_status hpx_adopt_trainer(const hpx_trainer **out, hpx_store *store, const uint8_t version[HPX_CODE_BYTES],
                             hpx_error *error)
{
    hpx_adoptions adoptions;
    char hex[HPX_CODE_HEX_BYTES];
    struct kind kind = {.adoptions = &adoptions, .version = version};
    hpx_status status = hpx_adoptions_read(&adoptions, store, error);
    for (const char *const *name = hpx_trainer_names(); *name; name++)
        if (memcmp(hpx_trainer_find(*name)->sources->version, version, HPX_CODE_BYTES) == 0)
            kind.trainer = hpx_trainer_find(*name);
    if (!status)
        status = hpx_store_each_manifest(store, match_kind, &kind, error);
    hpx_hex(hex, version, HPX_CODE_BYTES);
    if (!status && !kind.trainer)
        status =
            hpx_error_set(error, HPX_NOT_FOUND, "not adopted: no result made by trainer %.8s is stored", hex);
    *out = kind.trainer;
    hpx_adoptions_free(&adoptions);
    return status;
}

static bool begins(const uint8_t version[HPX_CODE_BYTES], const char *prefix)
{
    char hex[HPX_CODE_HEX_BYTES];
    hpx_hex(hex, version, HPX_CODE_BYTES);
    return *prefix && strncasecmp(hex, prefix, strlen(prefix)) == 0;
}

static hpx_status find_adopted(uint8_t out[HPX_CODE_BYTES], const hpx_adoptions *adoptions,
                               const char *prefix, hpx_error *error)
{
    bool any = false;
    for (size_t i = 0; i < adoptions->count; i++) {
        const uint8_t *found = hpx_adoption_version(&adoptions->items[i]);
        if (!begins(found, prefix))
            continue;
        if (any && memcmp(out, found, HPX_CODE_BYTES) != 0)
            return hpx_error_set(error, HPX_USAGE, "%s: ambiguous trainer prefix; give more digits", prefix);
        memcpy(out, found, HPX_CODE_BYTES);
        any = true;
    }
    return any ? HPX_OK
               : hpx_error_set(error, HPX_NOT_FOUND,
                               "%s: no such trainer was adopted; `hpx adopt` lists them", prefix);
}

hpx_status hpx_adopt_forget(uint8_t version[HPX_CODE_BYTES], hpx_store *store, const char *prefix,
                            hpx_error *error)
{
    hpx_adoptions adoptions;
    hpx_status status = hpx_adoptions_read(&adoptions, store, error);
    if (!status)
        status = find_adopted(version, &adoptions, prefix, error);
    for (size_t i = 0; i < adoptions.count && !status; i++)
        if (memcmp(hpx_adoption_version(&adoptions.items[i]), version, HPX_CODE_BYTES) == 0)
            status = hpx_adoption_drop(store, &adoptions.items[i], error);
    hpx_adoptions_free(&adoptions);
    return status;
}
