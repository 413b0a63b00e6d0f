#include "upkeep/adopt.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "identity/manifest.h"
#include "sample.h"
#include "upkeep/makers.h"

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
    hpx_binaries others;    /* the first with this binary's numerics */
    struct trajectory *all; /* in order of key */
    size_t count, capacity;
    struct maker *makers;
    size_t maker_count, maker_capacity;

    /* For one of the others at a time: */
    hpx_adoption adoption;      /* to be made */
    hpx_adoptions adoptions;    /* all of the store but that one */
    struct trajectory **theirs; /* cheapest first */
    size_t theirs_count;
};

/* --- what there is -------------------------------------------------------------------------------------- */

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

static hpx_status find_cost(struct trajectory *trajectory, struct adopt *adopt, const hpx_fields *manifest,
                            hpx_error *error)
{
    hpx_fields dataset = {0};
    hpx_status status =
        hpx_store_get_record(&dataset, adopt->store, HPX_RECORD_DATASET, &trajectory->dataset, error);
    const uint64_t cost = status ? 0 : hpx_manifest_epoch_cost(manifest, &dataset);
    trajectory->cost = cost ? cost * trajectory->to : UINT64_MAX;
    hpx_fields_free(&dataset);
    return status == HPX_NOT_FOUND ? HPX_OK : status;
}

/* Whose a trajectory is: the other binary's, or what this one finds without the adoption. */
static enum owner owner_of(const struct adopt *adopt, const hpx_fields *manifest)
{
    return hpx_adoptions_lead(&adopt->adoptions, &adopt->adoption.as, manifest)      ? THEIRS
           : hpx_adoptions_lead(&adopt->adoptions, &adopt->adoption.whose, manifest) ? MINE
                                                                                     : NOBODY;
}

static hpx_status sort_out(struct adopt *adopt, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < adopt->count && !status; i++) {
        struct trajectory *trajectory = &adopt->all[i];
        hpx_fields manifest = {0};
        status = hpx_store_manifest(&manifest, adopt->store, &trajectory->key, error);
        trajectory->owner = status ? NOBODY : owner_of(adopt, &manifest);
        trajectory->equal = 0;
        trajectory->proven = trajectory->chosen = false;
        trajectory->covered = trajectory->to == 0; /* this trainer made it all */
        if (trajectory->owner == THEIRS && trajectory->to > 0)
            status = find_cost(trajectory, adopt, &manifest, error);
        hpx_fields_free(&manifest);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged, and reported */
    }
    return status;
}

/* --- what both have stored ------------------------------------------------------------------------------ */

/* The manifest under which results of the other binary with those settings will be stored. */
static void as_theirs(hpx_fields *manifest, const struct adopt *adopt)
{
    hpx_manifest_set_binary_fields(manifest, &adopt->adoption.as);
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

/* The first one, in the trajectory of that key; the other outputs are the new binary's or this one's. */
static hpx_status note_difference(hpx_adopted *out, const hpx_hash *key, const hpx_rebuilt *rebuilt,
                                  const char *what, hpx_error *error)
{
    if (out->difference.first_difference == 0) {
        out->differing = *key;
        out->difference = hpx_rebuilt_copy(rebuilt);
    }
    return hpx_error_set(error, HPX_DIFFERS, "%s", what);
}

/* Of two results that are both this binary's now only the one that it trained itself is a proof. */
static hpx_status compare_artifacts(void *context, const hpx_artifact *theirs, hpx_error *error)
{
    struct pair *pair = context;
    hpx_artifact mine;
    bool made_here;
    hpx_status status = is_mine(&made_here, pair->adopt, &theirs->code, error);
    if (status || made_here)
        return status;
    status = hpx_store_get(&mine, pair->adopt->store, pair->mine, theirs->epoch, NULL, error);
    if (status)
        return status == HPX_NOT_FOUND ? HPX_OK : status;
    status = is_mine(&made_here, pair->adopt, &mine.code, error);
    if (!status && made_here) {
        pair->theirs->equal++;
        pair->theirs->proven = theirs->epoch == pair->theirs->to;
    }
    if (!status && !hpx_artifact_same_output(&mine, theirs)) {
        const hpx_rebuilt difference = {.verdict = HPX_REBUILD_DIFFERS,
                                        .compared = pair->theirs->equal,
                                        .first_difference = theirs->epoch,
                                        .stored = *theirs,
                                        .again = mine};
        status = note_difference(pair->adopt->out, &theirs->key, &difference,
                                 "the two trainers have stored different outputs", error);
    }
    hpx_artifact_free(&mine);
    return status;
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

/* --- the sample ----------------------------------------------------------------------------------------- */

static int compare_costs(const void *a, const void *b)
{
    const struct trajectory *x = *(struct trajectory *const *)a, *y = *(struct trajectory *const *)b;
    /* What has been compared already costs nothing. */
    const uint64_t p = x->proven ? 0 : x->cost, q = y->proven ? 0 : y->cost;
    return p != q ? (p > q) - (p < q) : (x > y) - (x < y);
}

static void rank(struct adopt *adopt)
{
    adopt->theirs_count = 0;
    for (size_t i = 0; i < adopt->count; i++)
        if (adopt->all[i].owner == THEIRS && adopt->all[i].to > 0)
            adopt->theirs[adopt->theirs_count++] = &adopt->all[i];
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

static hpx_status choose(size_t *covered, struct adopt *adopt, hpx_error *error)
{
    const hpx_adopt_options *options = adopt->options;
    const struct sample_options sample = {
        .store = adopt->store,
        .folder = options->folder,
        .least = options->sample,
        .interrupted = options->interrupted,
    };
    hpx_paths paths;
    hpx_error why;
    hpx_status status = hpx_sample_choose(&paths, &why, adopt->theirs, adopt->theirs_count, &sample, error);
    if (status)
        return status;
    *covered = 0;
    for (size_t i = 0; i < adopt->theirs_count; i++)
        *covered += adopt->theirs[i]->covered;
    if (adopt->out->left == 0)
        adopt->out->why = why;
    adopt->out->left += adopt->theirs_count - *covered;
    adopt->adoption.paths = list_paths(adopt->trainer, &paths);
    return HPX_OK;
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
    if (!status && rebuilt->verdict == HPX_REBUILD_DIFFERS)
        status = note_difference(adopt->out, &rebuilt->newest->key, rebuilt,
                                 "this trainer gives another output", error);
    if (!status)
        add_proof(&adopt->adoption, &rebuilt->newest->key, rebuilt->compared);
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
            add_proof(&adopt->adoption, &trajectory->key, trajectory->equal);
    }
    hpx_status status = hpx_rebuild(&counts, adopt->store, &rebuild, error);
    free(wanted);
    return status;
}

/* --- the adoption --------------------------------------------------------------------------------------- */

/* Lets the adoption hold for what it has proven, and for no trajectory for which another one does. */
static hpx_status set_holds(struct adopt *adopt, hpx_error *error)
{
    hpx_hash *keys = hpx_alloc((adopt->count + 1) * sizeof *keys);
    hpx_status status = HPX_OK;
    size_t count = 0;
    for (size_t i = 0; i < adopt->count && !status; i++) {
        hpx_fields manifest = {0};
        const struct trajectory *trajectory = &adopt->all[i];
        if (trajectory->owner != THEIRS || !(trajectory->covered || adopt->options->unproven))
            continue;
        status = hpx_store_manifest(&manifest, adopt->store, &trajectory->key, error);
        if (!status) {
            hpx_manifest_set_binary_fields(&manifest, &adopt->adoption.whose);
            const hpx_adoption *other = hpx_adoptions_find(&adopt->adoptions, &manifest);
            if (!other || other->key_count == 0)
                keys[count++] = hpx_adoption_key(&adopt->adoption, &manifest);
            adopt->out->results++;
        }
        hpx_fields_free(&manifest);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged, and reported */
    }
    if (!adopt->options->unproven)
        hpx_adoption_set_holds(&adopt->adoption, keys, count);
    free(keys);
    return status;
}

/* Where this binary has come to find other results than a trajectory's, which are equal, these get what they
 * lack of it. */
static hpx_status copy_equal(struct adopt *adopt, hpx_error *error)
{
    hpx_adoptions now;
    hpx_status status = hpx_adoptions_read(&now, adopt->store, error);
    for (size_t i = 0; i < adopt->count && !status; i++) {
        hpx_fields manifest = {0};
        hpx_buffer bytes = {0};
        const struct trajectory *trajectory = &adopt->all[i];
        if (trajectory->owner != MINE && !(trajectory->owner == THEIRS && trajectory->covered))
            continue;
        status = hpx_store_manifest(&manifest, adopt->store, &trajectory->key, error);
        if (!status) {
            hpx_manifest_set_binary_fields(&manifest, &adopt->adoption.whose);
            hpx_adoptions_resolve(&now, &manifest);
            hpx_fields_encode(&bytes, &manifest);
            const hpx_hash key = hpx_hash_of(bytes.data, bytes.size);
            if (!hpx_hash_equal(&key, &trajectory->key)) {
                status = hpx_store_copy(adopt->store, &trajectory->key, &bytes, error);
                adopt->out->copied += !status;
            }
        }
        hpx_buffer_free(&bytes);
        hpx_fields_free(&manifest);
        if (status == HPX_NOT_FOUND)
            status = HPX_OK; /* damaged, and reported */
    }
    hpx_adoptions_free(&now);
    return status;
}

/* The adoption before the copies: what ends between them is made good by adopting again. */
static hpx_status adopt_now(struct adopt *adopt, hpx_error *error)
{
    hpx_adoption *adoption = &adopt->adoption;
    hpx_adoptions *made = &adopt->out->made;
    hpx_fields code = {0};
    hpx_code_fields(&code, &hpx_code_built, adopt->trainer->sources);
    adoption->code = hpx_record_id(&code);
    adoption->adopted_ns = hpx_clock_ns();
    adoption->reason = hpx_strdup(adopt->options->reason ? adopt->options->reason : "");
    hpx_status status = set_holds(adopt, error);
    const bool holds = adoption->hold_count > 0 || adopt->options->unproven;
    if (!status)
        status = hpx_store_put_record(adopt->store, HPX_RECORD_CODE, &code, error);
    if (!status && holds)
        status = hpx_adoption_put(adopt->store, adoption, error);
    if (!status)
        status = copy_equal(adopt, error);
    if (!status && holds) {
        made->items = hpx_grow(made->items, &made->capacity, made->count + 1, sizeof *made->items);
        made->items[made->count++] = *adoption;
        *adoption = (hpx_adoption){0};
    }
    hpx_fields_free(&code);
    return status;
}

static hpx_status prove(size_t *covered, struct adopt *adopt, hpx_error *error)
{
    hpx_status status = choose(covered, adopt, error);
    return status || *covered == 0 ? status : train(adopt, error);
}

/* An assertion reaches equal numerics only. */
static bool is_within_reach(const struct adopt *adopt)
{
    return adopt->options->unproven ? hpx_adoption_same_numerics(&adopt->adoption)
                                    : hpx_adoption_is_possible(&adopt->adoption.whose, &adopt->adoption.as);
}

/* Where the other binary has results that can be trained again. */
static hpx_status adopt_other(struct adopt *adopt, hpx_error *error)
{
    size_t covered = 0;
    hpx_status status = sort_out(adopt, error);
    if (status)
        return status;
    rank(adopt);
    if (!is_within_reach(adopt)) {
        adopt->out->apart += adopt->theirs_count;
        return HPX_OK;
    }
    if (adopt->theirs_count > 0)
        status = compare_stored(adopt, error);
    if (!status && adopt->theirs_count > 0 && !adopt->options->unproven)
        status = prove(&covered, adopt, error);
    if (!status && (covered > 0 || adopt->options->unproven))
        status = adopt_now(adopt, error);
    return status;
}

/* All adoptions but one of the same two binaries, which will be replaced. */
static hpx_status read_adoptions(struct adopt *adopt, hpx_error *error)
{
    hpx_adoptions *adoptions = &adopt->adoptions;
    const hpx_hash mine = hpx_adoption_id(&adopt->adoption);
    hpx_status status = hpx_adoptions_read(adoptions, adopt->store, error);
    size_t kept = 0;
    for (size_t i = 0; i < adoptions->count; i++) {
        const hpx_hash id = hpx_adoption_id(&adoptions->items[i]);
        if (hpx_hash_equal(&id, &mine))
            hpx_adoption_free(&adoptions->items[i]);
        else
            adoptions->items[kept++] = adoptions->items[i];
    }
    adoptions->count = kept;
    return status;
}

/* HPX_DIFFERS of one of the others does not keep the next ones from being adopted. */
static hpx_status adopt_others(struct adopt *adopt, hpx_error *error)
{
    hpx_error difference = {.status = HPX_OK};
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < adopt->others.count && !status; i++) {
        hpx_manifest_set_binary(&adopt->adoption.whose, adopt->trainer);
        hpx_manifest_set_binary_fields(&adopt->adoption.as, &adopt->others.items[i]);
        status = read_adoptions(adopt, error);
        if (!status)
            status = adopt_other(adopt, error);
        hpx_adoptions_free(&adopt->adoptions);
        hpx_adoption_free(&adopt->adoption);
        if (status == HPX_DIFFERS && difference.status == HPX_OK) {
            difference = *error;
            status = HPX_OK;
        }
    }
    if (!status && difference.status) {
        *error = difference;
        status = difference.status;
    }
    return status;
}

static hpx_status explain_nothing(const struct adopt *adopt, hpx_error *error)
{
    char name[HPX_CODE_HEX_BYTES];
    hpx_hex(name, adopt->options->as, HPX_CODE_BYTES);
    if (adopt->out->left > 0)
        return hpx_error_set(error, HPX_FAILED, "not adopted: no result can be trained again: %s",
                             adopt->out->why.message);
    if (adopt->out->apart > 0)
        return hpx_error_set(error, HPX_NOT_FOUND,
                             "not adopted: all results of trainer %.8s are of other numerics than this "
                             "binary's (hpx --version -v), with plain vectors on one side: no sample proves "
                             "these equal",
                             name);
    return hpx_error_set(error, HPX_NOT_FOUND, "not adopted: no result made by trainer %.8s is stored", name);
}

/* --- the others ----------------------------------------------------------------------------------------- */

static hpx_status find_others(struct adopt *adopt, hpx_error *error)
{
    hpx_fields first = {0};
    adopt->others.version = adopt->options->as;
    hpx_manifest_set_binary(&first, adopt->trainer);
    hpx_manifest_set_trainer(&first, adopt->options->as);
    hpx_status status = hpx_binaries_add(&adopt->others, NULL, &first, error);
    hpx_fields_free(&first);
    return status ? status : hpx_binaries_find(&adopt->others, adopt->store, error);
}

/* Whether a binary is equivalent to one of this trainer, in so many steps at most. */
static bool counts_as(const hpx_adoptions *adoptions, const hpx_fields *binary,
                      const uint8_t version[HPX_CODE_BYTES], size_t steps)
{
    if (hpx_manifest_has_version(binary, version))
        return true;
    for (size_t i = 0; i < adoptions->count && steps > 0; i++)
        if (hpx_manifest_same_binary(&adoptions->items[i].whose, binary) &&
            counts_as(adoptions, &adoptions->items[i].as, version, steps - 1))
            return true;
    return false;
}

/* A trainer is equivalent to one other, and never to itself. */
static hpx_status check(const struct adopt *adopt, const hpx_adoptions *adoptions, hpx_error *error)
{
    char mine[HPX_CODE_HEX_BYTES], other[HPX_CODE_HEX_BYTES];
    const uint8_t *as = adopt->options->as, *version = adopt->trainer->sources->version;
    hpx_fields binary = {0};
    hpx_status status = HPX_OK;
    hpx_hex(mine, version, HPX_CODE_BYTES);
    hpx_hex(other, as, HPX_CODE_BYTES);
    if (memcmp(as, version, HPX_CODE_BYTES) == 0)
        return hpx_error_set(error, HPX_USAGE, "%.8s is the trainer of this binary", other);
    hpx_manifest_set_binary(&binary, adopt->trainer);
    for (size_t i = 0; i < adopt->others.count && !status; i++)
        if (counts_as(adoptions, &adopt->others.items[i], version, adoptions->count))
            status =
                hpx_error_set(error, HPX_FAILED, "trainer %.8s is equivalent to %.8s already", other, mine);
    for (size_t i = 0; i < adoptions->count && !status; i++) {
        const hpx_adoption *adoption = &adoptions->items[i];
        if (!hpx_manifest_same_binary(&adoption->whose, &binary) ||
            hpx_manifest_has_version(&adoption->as, as))
            continue;
        hpx_hex(other, hpx_adoption_as_version(adoption), HPX_CODE_BYTES);
        status =
            hpx_error_set(error, HPX_FAILED,
                          "trainer %.8s is equivalent to %.8s already; `hpx adopt --forget %.8s` ends that",
                          mine, other, mine);
    }
    hpx_fields_free(&binary);
    return status;
}

static hpx_status prepare(struct adopt *adopt, hpx_error *error)
{
    hpx_adoptions adoptions;
    hpx_status status = hpx_adopt_trainer(&adopt->trainer, adopt->store, adopt->options->as, error);
    if (status)
        return status;
    if (!adopt->options->unproven && !adopt->trainer->paths)
        return hpx_error_set(
            error, HPX_FAILED,
            "not adopted: model %s cannot tell which code its trainings run, so no sample proves "
            "anything",
            adopt->trainer->name);
    status = find_others(adopt, error);
    if (!status)
        status = hpx_adoptions_read(&adoptions, adopt->store, error);
    if (!status) {
        status = check(adopt, &adoptions, error);
        hpx_adoptions_free(&adoptions);
    }
    return status ? status : hpx_store_each(adopt->store, NULL, note_artifact, adopt, error);
}

hpx_status hpx_adopt(hpx_adopted *out, hpx_store *store, const hpx_adopt_options *options, hpx_error *error)
{
    struct adopt adopt = {.store = store, .options = options, .out = out};
    *out = (hpx_adopted){0};
    hpx_status status = prepare(&adopt, error);
    adopt.theirs = hpx_alloc((adopt.count + 1) * sizeof(struct trajectory *));
    if (!status)
        status = adopt_others(&adopt, error);
    if (!status && out->made.count == 0 && out->results == 0)
        status = explain_nothing(&adopt, error);
    hpx_binaries_free(&adopt.others);
    free(adopt.makers);
    free(adopt.theirs);
    for (size_t i = 0; i < adopt.count; i++)
        hpx_metrics_free(&adopt.all[i].metrics);
    free(adopt.all);
    return status;
}

void hpx_adopted_free(hpx_adopted *adopted)
{
    hpx_adoptions_free(&adopted->made);
    hpx_rebuilt_free(&adopted->difference);
}
