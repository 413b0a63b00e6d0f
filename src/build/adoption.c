#include "hpx/adoption.h"

#include "hpx/manifest.h"
#include "hpx/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASPECT_BYTES 32 /* of one that is made of a number */

void hpx_adoption_free(hpx_adoption *adoption)
{
    hpx_fields_free(&adoption->whose);
    hpx_fields_free(&adoption->covers);
    free(adoption->keys);
    free(adoption->reason);
    *adoption = (hpx_adoption){0};
}

const uint8_t *hpx_adoption_version(const hpx_adoption *adoption)
{
    return hpx_fields_find(&adoption->whose, "code.version")->bytes;
}

/* Whether a field of a manifest says whose results have it; the others are the trajectory's. */
static bool is_whose(const char *name)
{
    return strcmp(name, "format") == 0 || hpx_manifest_is_origin(name);
}

void hpx_adoption_to_fields(hpx_fields *out, const hpx_adoption *adoption)
{
    hpx_buffer covers = {0};
    for (size_t i = 0; i < adoption->whose.count; i++)
        hpx_fields_set(out, &adoption->whose.fields[i]);
    hpx_fields_encode(&covers, &adoption->covers);
    hpx_fields_set_bytes(out, "as", adoption->as, HPX_CODE_BYTES);
    hpx_fields_set_bytes(out, "covers", covers.data, covers.size);
    hpx_fields_set_bytes(out, "keys", adoption->key_count ? adoption->keys[0].bytes : (const uint8_t *)"",
                         adoption->key_count * HPX_HASH_BYTES);
    hpx_fields_set_count(out, "epochs", adoption->epochs);
    hpx_fields_set_hash(out, "code", &adoption->code);
    hpx_fields_set_count(out, "adopted", (uint64_t)adoption->adopted_ns);
    hpx_fields_set_text(out, "reason", adoption->reason ? adoption->reason : "");
    hpx_buffer_free(&covers);
}

/* The fields beside those that say whose it is. */
enum { OWN_FIELDS = 7 };

static hpx_status read_fields(hpx_adoption *out, const hpx_fields *fields, hpx_error *error)
{
    const uint8_t *version, *as, *covers, *keys;
    size_t version_size = 0, as_size = 0, covers_size = 0, keys_size = 0;
    const char *reason;
    uint64_t adopted;
    for (size_t i = 0; i < fields->count; i++)
        if (is_whose(fields->fields[i].name))
            hpx_fields_set(&out->whose, &fields->fields[i]);
    hpx_status status = hpx_fields_bytes(&version, &version_size, fields, "code.version", error);
    if (!status)
        status = hpx_fields_bytes(&as, &as_size, fields, "as", error);
    if (!status)
        status = hpx_fields_bytes(&covers, &covers_size, fields, "covers", error);
    if (!status)
        status = hpx_fields_bytes(&keys, &keys_size, fields, "keys", error);
    if (!status)
        status = hpx_fields_count(&out->epochs, fields, "epochs", error);
    if (!status)
        status = hpx_fields_hash(&out->code, fields, "code", error);
    if (!status)
        status = hpx_fields_count(&adopted, fields, "adopted", error);
    if (!status)
        status = hpx_fields_text(&reason, fields, "reason", error);
    if (!status && (version_size != HPX_CODE_BYTES || as_size != HPX_CODE_BYTES ||
                    keys_size % HPX_HASH_BYTES != 0 || fields->count != out->whose.count + OWN_FIELDS))
        status = hpx_error_set(error, HPX_DAMAGED, "not an adoption");
    if (!status)
        status = hpx_fields_decode(&out->covers, covers, covers_size, error);
    for (size_t i = 0; i < out->covers.count && !status; i++)
        if (out->covers.fields[i].type != HPX_FIELD_TEXT)
            status = hpx_error_set(error, HPX_DAMAGED, "not an adoption");
    if (status)
        return status;
    memcpy(out->as, as, HPX_CODE_BYTES);
    out->key_count = keys_size / HPX_HASH_BYTES;
    out->keys = hpx_alloc(keys_size + 1);
    memcpy(out->keys, keys, keys_size);
    out->adopted_ns = (int64_t)adopted;
    out->reason = hpx_strdup(reason);
    return HPX_OK;
}

hpx_status hpx_adoption_from_fields(hpx_adoption *out, const hpx_fields *fields, hpx_error *error)
{
    *out = (hpx_adoption){0};
    hpx_status status = read_fields(out, fields, error);
    if (status)
        hpx_adoption_free(out);
    return status;
}

hpx_status hpx_adoption_put(hpx_store *store, const hpx_adoption *adoption, hpx_error *error)
{
    hpx_fields fields = {0};
    hpx_hash whose = hpx_record_id(&adoption->whose);
    hpx_adoption_to_fields(&fields, adoption);
    hpx_status status = hpx_store_put_adoption(store, &whose, &fields, error);
    hpx_fields_free(&fields);
    return status;
}

hpx_status hpx_adoption_drop(hpx_store *store, const hpx_adoption *adoption, hpx_error *error)
{
    hpx_hash whose = hpx_record_id(&adoption->whose);
    return hpx_store_drop_adoption(store, &whose, error);
}

/* --- aspects ----------------------------------------------------------------------------------------------
 */

/* The aspect of a field of a manifest; NULL if it has none. `room` holds it where it is made of a number. */
static const char *aspect_of(char room[ASPECT_BYTES], const hpx_field *field)
{
    if (strncmp(field->name, "model.", 6) != 0 && strncmp(field->name, "train.", 6) != 0)
        return NULL;
    switch (field->type) {
    case HPX_FIELD_TEXT:
        return (const char *)field->bytes;
    case HPX_FIELD_REAL:
        return field->real == 0 ? "0" : "nonzero";
    case HPX_FIELD_COUNTS:
        snprintf(room, ASPECT_BYTES, "%" PRIu64, field->count);
        return room;
    case HPX_FIELD_COUNT:
    case HPX_FIELD_BYTES:
        return NULL;
    }
    return NULL;
}

static bool has_aspect(const hpx_fields *covers, const char *name, const char *aspect)
{
    const hpx_field *field = hpx_fields_find(covers, name);
    const size_t length = strlen(aspect);
    for (const char *at = field ? (const char *)field->bytes : NULL; at && *at;) {
        const size_t word = strcspn(at, " ");
        if (word == length && memcmp(at, aspect, length) == 0)
            return true;
        at += word + (at[word] == ' ');
    }
    return false;
}

void hpx_adoption_cover(hpx_fields *covers, const hpx_fields *manifest)
{
    char room[ASPECT_BYTES];
    for (size_t i = 0; i < manifest->count; i++) {
        const char *name = manifest->fields[i].name, *aspect = aspect_of(room, &manifest->fields[i]);
        if (!aspect || has_aspect(covers, name, aspect))
            continue;
        const hpx_field *field = hpx_fields_find(covers, name);
        char *text = hpx_format("%s%s%s", field ? (const char *)field->bytes : "", field ? " " : "", aspect);
        hpx_fields_set_text(covers, name, text);
        free(text);
    }
}

bool hpx_adoption_lacks(hpx_buffer *what, const hpx_fields *covers, const hpx_fields *manifest)
{
    char room[ASPECT_BYTES];
    for (size_t i = 0; i < manifest->count; i++) {
        const hpx_field *field = &manifest->fields[i];
        const char *aspect = aspect_of(room, field);
        if (!aspect || has_aspect(covers, field->name, aspect))
            continue;
        hpx_buffer_printf(what, field->type == HPX_FIELD_COUNTS ? "%s of %s" : "%s %s",
                          strchr(field->name, '.') + 1, aspect);
        return true;
    }
    return false;
}

/* --- all of a store ---------------------------------------------------------------------------------------
 */

static hpx_status collect(void *context, const hpx_hash *whose, const hpx_fields *fields, hpx_error *error)
{
    (void)error;
    hpx_adoptions *adoptions = context;
    hpx_adoption adoption;
    hpx_error malformed;
    if (hpx_adoption_from_fields(&adoption, fields, &malformed) != HPX_OK)
        return HPX_OK;
    const hpx_hash name = hpx_record_id(&adoption.whose);
    if (!hpx_hash_equal(&name, whose)) {
        hpx_adoption_free(&adoption);
        return HPX_OK;
    }
    adoptions->items =
        hpx_grow(adoptions->items, &adoptions->capacity, adoptions->count + 1, sizeof *adoptions->items);
    adoptions->items[adoptions->count++] = adoption;
    return HPX_OK;
}

hpx_status hpx_adoptions_read(hpx_adoptions *out, hpx_store *store, hpx_error *error)
{
    *out = (hpx_adoptions){0};
    return store ? hpx_store_each_adoption(store, collect, out, error) : HPX_OK;
}

void hpx_adoptions_free(hpx_adoptions *adoptions)
{
    for (size_t i = 0; i < adoptions->count; i++)
        hpx_adoption_free(&adoptions->items[i]);
    free(adoptions->items);
    *adoptions = (hpx_adoptions){0};
}

static bool holds(const hpx_adoption *adoption, const hpx_fields *manifest)
{
    hpx_buffer ignored = {0};
    const hpx_fields *whose = &adoption->whose;
    for (size_t i = 0; i < whose->count; i++)
        if (!hpx_field_equal(&whose->fields[i], hpx_fields_find(manifest, whose->fields[i].name)))
            return false;
    const bool lacks = adoption->key_count > 0 && hpx_adoption_lacks(&ignored, &adoption->covers, manifest);
    hpx_buffer_free(&ignored);
    return !lacks;
}

const hpx_adoption *hpx_adoptions_find(const hpx_adoptions *adoptions, const hpx_fields *manifest)
{
    for (size_t i = 0; i < adoptions->count; i++)
        if (holds(&adoptions->items[i], manifest))
            return &adoptions->items[i];
    return NULL;
}

void hpx_adoptions_resolve(const hpx_adoptions *adoptions, hpx_fields *manifest)
{
    const hpx_adoption *next;
    /* None is followed twice: adopting refuses circles, and a circle that came about otherwise has an end. */
    for (size_t i = 0; i < adoptions->count && (next = hpx_adoptions_find(adoptions, manifest)); i++)
        hpx_manifest_set_trainer(manifest, next->as);
}

bool hpx_adoptions_lead(const hpx_adoptions *adoptions, const uint8_t version[HPX_CODE_BYTES],
                        const hpx_fields *manifest)
{
    hpx_fields made = {0};
    for (size_t i = 0; i < manifest->count; i++)
        hpx_fields_set(&made, &manifest->fields[i]);
    hpx_manifest_set_trainer(&made, version);
    hpx_adoptions_resolve(adoptions, &made);
    const bool same =
        hpx_field_equal(hpx_fields_find(&made, "code.version"), hpx_fields_find(manifest, "code.version"));
    hpx_fields_free(&made);
    return same;
}
