/* What values must say to make sense, whatever their hashes: asked of all that is imported, and by verify of
 * all that is stored. */
#include "artifact.h"
#include "internal.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* What is known of a field by its name. That one is missing says whoever needs it; those of other names are
 * free. */
struct rule {
    const char *name; /* NULL behind the last */
    hpx_field_type type;
    uint64_t min, max; /* of a count; of the size of bytes */
};

static const struct rule manifest_rules[] = {
    {"code.version", HPX_FIELD_BYTES, 20, 20},
    {"dataset.data", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"dataset.test-images", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"dataset.test-labels", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"dataset.train-images", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"dataset.train-labels", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"dataset.train-count", HPX_FIELD_COUNT, 1, UINT32_MAX},
    {"dataset.validation-count", HPX_FIELD_COUNT, 0, UINT32_MAX},
    {"format", HPX_FIELD_COUNT, 0, UINT32_MAX},
    {"last-epoch", HPX_FIELD_COUNT, 1, UINT32_MAX},
    {"model.kind", HPX_FIELD_TEXT, 0, 0},
    {"numerics.blas", HPX_FIELD_TEXT, 0, 0},
    {"numerics.kernel", HPX_FIELD_TEXT, 0, 0},
    {"numerics.threads", HPX_FIELD_COUNT, 1, UINT32_MAX},
    {"program.command", HPX_FIELD_TEXT, 0, 0},
    {"program.threads", HPX_FIELD_COUNT, 1, UINT32_MAX},
    {"seed", HPX_FIELD_COUNT, 0, UINT32_MAX},
    {0},
};

static const struct rule conditions_rules[] = {
    {"run.continue", HPX_FIELD_TEXT, 0, 0},
    {"run.folder", HPX_FIELD_TEXT, 0, 0},
    {"run.gpus", HPX_FIELD_COUNT, 0, UINT32_MAX},
    {"run.in", HPX_FIELD_TEXT, 0, 0},
    {"run.memory", HPX_FIELD_COUNT, 1, UINT64_MAX},
    {"run.objective", HPX_FIELD_TEXT, 0, 0},
    {"run.pass", HPX_FIELD_TEXT, 0, 0},
    {"run.repeat", HPX_FIELD_TEXT, 0, 0},
    {"run.timeout", HPX_FIELD_REAL, 0, 0},
    {"run.volatile", HPX_FIELD_TEXT, 0, 0},
    {"run.within", HPX_FIELD_REAL, 0, 0},
    {0},
};

static const struct rule code_rules[] = {
    {"author-date", HPX_FIELD_TEXT, 0, 0}, {"branch", HPX_FIELD_TEXT, 0, 0},
    {"commit", HPX_FIELD_TEXT, 0, 0},      {"describe", HPX_FIELD_TEXT, 0, 0},
    {"dirty", HPX_FIELD_COUNT, 0, 1},      {"files", HPX_FIELD_BYTES, 0, UINT64_MAX},
    {"folder", HPX_FIELD_TEXT, 0, 0},      {"patch", HPX_FIELD_BYTES, 0, UINT64_MAX},
    {"version", HPX_FIELD_BYTES, 20, 20},  {0},
};

static const struct rule dataset_rules[] = {
    {"classes", HPX_FIELD_COUNT, 1, UINT32_MAX},
    {"data.hash", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"features", HPX_FIELD_COUNT, 1, UINT32_MAX},
    {"files.hashes", HPX_FIELD_BYTES, 0, UINT64_MAX},
    {"files.names", HPX_FIELD_BYTES, 0, UINT64_MAX},
    {"files.sizes", HPX_FIELD_COUNTS, 0, 0},
    {"name", HPX_FIELD_TEXT, 0, 0},
    {"test-images.hash", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"test-labels.hash", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"test.count", HPX_FIELD_COUNT, 0, UINT32_MAX},
    {"train-images.hash", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"train-labels.hash", HPX_FIELD_BYTES, HPX_HASH_BYTES, HPX_HASH_BYTES},
    {"train.count", HPX_FIELD_COUNT, 0, UINT32_MAX},
    {0},
};

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Of a field, or with others allowed of an axis. */
static bool is_name(const char *text, const char *others)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    for (const char *c = text; *c; c++)
        if (!strchr(letters, *c) && !strchr(others, *c))
            return false;
    return *text != 0;
}

/* Whether whoever wrote the recipe has named it. */
static bool is_of_user(const char *field)
{
    return strncmp(field, "axis.", 5) == 0 || strncmp(field, "env.", 4) == 0;
}

static bool keeps_rule(const hpx_field *field, const struct rule *rules)
{
    for (; rules->name; rules++) {
        if (strcmp(rules->name, field->name) != 0)
            continue;
        const uint64_t number = rules->type == HPX_FIELD_BYTES ? field->size : field->count;
        const bool bounded = rules->type == HPX_FIELD_COUNT || rules->type == HPX_FIELD_BYTES;
        return field->type == rules->type && (!bounded || (number >= rules->min && number <= rules->max));
    }
    return true;
}

/* What a command has printed has lines. */
static bool is_visible(const hpx_field *field)
{
    static const char output[] = ".output";
    const size_t length = strlen(field->name), tail = strlen(output);
    const char *at = (const char *)field->bytes, *end = at + field->size;
    if (length <= tail || strcmp(field->name + length - tail, output) != 0)
        return hpx_text_is_visible(at, field->size);
    for (const char *next; at < end; at = next + 1) {
        next = memchr(at, '\n', (size_t)(end - at));
        next = next ? next : end;
        if (!hpx_text_is_visible(at, (size_t)(next - at)))
            return false;
    }
    return true;
}

static hpx_status check_all(const hpx_fields *fields, const struct rule *rules, hpx_error *error)
{
    for (size_t i = 0; i < fields->count; i++) {
        const hpx_field *field = &fields->fields[i];
        if (!is_name(field->name, is_of_user(field->name) ? "._" CAPITALS : "._"))
            return hpx_error_set(error, HPX_DAMAGED, "field %zu has a name that is none", i + 1);
        if (field->type == HPX_FIELD_TEXT && !is_visible(field))
            return hpx_error_set(error, HPX_DAMAGED, "field '%s' has characters that are not visible",
                                 field->name);
        if (!keeps_rule(field, rules))
            return hpx_error_set(error, HPX_DAMAGED, "field '%s' is of another type, or out of its range",
                                 field->name);
    }
    return HPX_OK;
}

hpx_status hpx_validate_fields(const hpx_store *store, enum database db, const hpx_fields *fields,
                               hpx_error *error)
{
    static const struct rule none[] = {{0}};
    hpx_status status = check_all(fields,
                                  db == DB_MANIFESTS    ? manifest_rules
                                  : db == DB_CODES      ? code_rules
                                  : db == DB_DATASETS   ? dataset_rules
                                  : db == DB_CONDITIONS ? conditions_rules
                                                        : none,
                                  error);
    if (!status && db == DB_MANIFESTS && store->judge)
        status = store->judge->manifest(fields, error);
    return status;
}

static const char *validate_cell(const hpx_cell *cell)
{
    const char *axis, *value;
    for (size_t at = 0; hpx_cell_next(&at, &axis, &value, cell);) {
        if (!is_name(axis, "_" CAPITALS))
            return "an axis whose name is no name";
        if (!hpx_text_is_visible(value, strlen(value)))
            return "a value of an axis with characters that are not visible";
    }
    return NULL;
}

/* NULL if nothing is wrong. */
const char *hpx_validate_artifact(const hpx_artifact *artifact, const hpx_fields *manifest)
{
    const hpx_field *seed = hpx_fields_find(manifest, "seed"),
                    *last = hpx_fields_find(manifest, "last-epoch");
    if (artifact->epoch == 0 || artifact->parent >= artifact->epoch)
        return "no epoch can continue a later one, or be 0";
    if (last && artifact->epoch > last->count)
        return "an epoch behind the last one of its training";
    if (*artifact->failure && *artifact->stopped)
        return "an epoch that failed, and stopped";
    if ((*artifact->stopped || artifact->replicate) && !hpx_artifact_is_of_program(artifact))
        return "a result of a program without its conditions";
    if (seed && artifact->seed != seed->count)
        return "another seed than its manifest has";
    if (!(artifact->seconds >= 0) || !(artifact->total_seconds >= 0) || isinf(artifact->total_seconds) ||
        isinf(artifact->seconds))
        return "a time that is none";
    if (!hpx_text_is_visible(artifact->host, strlen(artifact->host)) ||
        !hpx_text_is_visible(artifact->failure, strlen(artifact->failure)) ||
        !hpx_text_is_visible(artifact->stopped, strlen(artifact->stopped)))
        return "a text with characters that are not visible";
    return validate_cell(&artifact->cell);
}
