#include "upkeep/makers.h"

#include "base/memory.h"
#include "hpx/code.h"
#include "identity/adoption.h"
#include "identity/manifest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

hpx_status hpx_binaries_add(void *context, const hpx_hash *key, const hpx_fields *manifest, hpx_error *error)
{
    (void)key, (void)error;
    hpx_binaries *binaries = context;
    if (!hpx_manifest_has_version(manifest, binaries->version))
        return HPX_OK;
    for (size_t i = 0; i < binaries->count; i++)
        if (hpx_manifest_same_binary(&binaries->items[i], manifest))
            return HPX_OK;
    binaries->items =
        hpx_grow(binaries->items, &binaries->capacity, binaries->count + 1, sizeof *binaries->items);
    hpx_fields *binary = &binaries->items[binaries->count++];
    *binary = (hpx_fields){0};
    for (size_t i = 0; i < manifest->count; i++)
        if (hpx_manifest_is_binary(manifest->fields[i].name))
            hpx_fields_set(binary, &manifest->fields[i]);
    return HPX_OK;
}

hpx_status hpx_binaries_find(hpx_binaries *binaries, hpx_store *store, hpx_error *error)
{
    hpx_status status = hpx_store_each_manifest(store, hpx_binaries_add, binaries, error);
    return status ? status : hpx_store_each_adoption(store, hpx_binaries_add, binaries, error);
}

void hpx_binaries_free(hpx_binaries *binaries)
{
    for (size_t i = 0; i < binaries->count; i++)
        hpx_fields_free(&binaries->items[i]);
    free(binaries->items);
}

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
    hpx_adoptions adoptions;
    hpx_binaries binaries;
    const hpx_trainer *trainer;
};

/* By the results that are stored as that version's, or as those of one that it is equivalent to. */
static hpx_status match_kind(void *context, const hpx_hash *key, const hpx_fields *manifest, hpx_error *error)
{
    (void)key;
    struct kind *kind = context;
    for (size_t i = 0; i < kind->binaries.count && !kind->trainer; i++)
        if (hpx_adoptions_lead(&kind->adoptions, &kind->binaries.items[i], manifest))
            return hpx_trainer_of(&kind->trainer, manifest, error);
    return HPX_OK;
}

hpx_status hpx_adopt_trainer(const hpx_trainer **out, hpx_store *store, const uint8_t version[HPX_CODE_BYTES],
                             hpx_error *error)
{
    char hex[HPX_CODE_HEX_BYTES];
    struct kind kind = {.binaries.version = version};
    hpx_status status = hpx_adoptions_read(&kind.adoptions, store, error);
    for (const char *const *name = hpx_trainer_names(); *name; name++)
        if (memcmp(hpx_trainer_find(*name)->sources->version, version, HPX_CODE_BYTES) == 0)
            kind.trainer = hpx_trainer_find(*name);
    if (!status)
        status = hpx_binaries_find(&kind.binaries, store, error);
    if (!status)
        status = hpx_store_each_manifest(store, match_kind, &kind, error);
    hpx_hex(hex, version, HPX_CODE_BYTES);
    if (!status && !kind.trainer)
        status =
            hpx_error_set(error, HPX_NOT_FOUND, "not adopted: no result made by trainer %.8s is stored", hex);
    if (!status && kind.trainer == hpx_trainer_find("program"))
        status = hpx_error_set(
            error, HPX_USAGE,
            "not adopted: %.8s is the code of a program, and no sample shows which of its parts "
            "a result depends on; leave files that decide nothing out of 'code'",
            hex);
    *out = kind.trainer;
    hpx_binaries_free(&kind.binaries);
    hpx_adoptions_free(&kind.adoptions);
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
