#include "identity/adoption.h"

#include "base/memory.h"
#include "identity/manifest.h"

#include <stdlib.h>
#include <string.h>

void hpx_adoption_free(hpx_adoption *adoption)
{
    hpx_fields_free(&adoption->whose);
    hpx_fields_free(&adoption->as);
    free(adoption->keys);
    free(adoption->holds);
    free(adoption->paths);
    free(adoption->reason);
    *adoption = (hpx_adoption){0};
}

const uint8_t *hpx_adoption_version(const hpx_adoption *adoption)
{
    return hpx_fields_find(&adoption->whose, "code.version")->bytes;
}

const uint8_t *hpx_adoption_as_version(const hpx_adoption *adoption)
{
    return hpx_fields_find(&adoption->as, "code.version")->bytes;
}

/* Whether two binaries differ in their trainers at most. */
static bool same_numerics(const hpx_fields *a, const hpx_fields *b)
{
    const hpx_field *left, *right;
    for (hpx_field_walk at = {0}; hpx_manifest_next_of_binary(&at, a, b, &left, &right);)
        if (!left || strcmp(left->name, "code.version") != 0)
            return false;
    return true;
}

bool hpx_adoption_same_numerics(const hpx_adoption *adoption)
{
    return same_numerics(&adoption->whose, &adoption->as);
}

static bool has_blas(const hpx_fields *manifest)
{
    return strcmp(hpx_fields_text_or_empty(manifest, "numerics.vector"), "plain") == 0;
}

bool hpx_adoption_is_possible(const hpx_fields *a, const hpx_fields *b)
{
    const hpx_field *left, *right;
    if (hpx_manifest_is_of_program(a))
        return false;
    for (hpx_field_walk at = {0}; hpx_fields_next_difference(&at, a, b, &left, &right);)
        if (!hpx_manifest_is_binary(left ? left->name : right->name))
            return false;
    return !hpx_field_equal(hpx_fields_find(a, "code.version"), hpx_fields_find(b, "code.version")) &&
           (same_numerics(a, b) || !(has_blas(a) || has_blas(b)));
}

/* The field "as". */
static void set_as(hpx_fields *out, const hpx_adoption *adoption)
{
    hpx_buffer bytes = {0};
    if (hpx_adoption_same_numerics(adoption))
        hpx_buffer_add(&bytes, hpx_adoption_as_version(adoption), HPX_CODE_BYTES);
    else
        hpx_fields_encode(&bytes, &adoption->as);
    hpx_fields_set_bytes(out, "as", bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
}

hpx_hash hpx_adoption_id(const hpx_adoption *adoption)
{
    hpx_fields name = {0};
    hpx_manifest_set_binary_fields(&name, &adoption->whose);
    if (!hpx_adoption_same_numerics(adoption))
        set_as(&name, adoption);
    const hpx_hash id = hpx_record_id(&name);
    hpx_fields_free(&name);
    return id;
}

static void set_hashes(hpx_fields *out, const char *name, const hpx_hash *hashes, size_t count)
{
    hpx_fields_set_bytes(out, name, count ? hashes[0].bytes : (const uint8_t *)"", count * HPX_HASH_BYTES);
}

void hpx_adoption_to_fields(hpx_fields *out, const hpx_adoption *adoption)
{
    hpx_manifest_set_binary_fields(out, &adoption->whose);
    set_as(out, adoption);
    set_hashes(out, "keys", adoption->keys, adoption->key_count);
    set_hashes(out, "holds", adoption->holds, adoption->hold_count);
    hpx_fields_set_text(out, "paths", adoption->paths ? adoption->paths : "");
    hpx_fields_set_count(out, "epochs", adoption->epochs);
    hpx_fields_set_hash(out, "code", &adoption->code);
    hpx_fields_set_count(out, "adopted", (uint64_t)adoption->adopted_ns);
    hpx_fields_set_text(out, "reason", adoption->reason ? adoption->reason : "");
}

static hpx_status not_an_adoption(hpx_error *error)
{
    return hpx_error_set(error, HPX_DAMAGED, "not an adoption");
}

static hpx_status read_hashes(hpx_hash **out, size_t *count, const hpx_fields *fields, const char *name,
                              hpx_error *error)
{
    const uint8_t *bytes;
    size_t size = 0;
    hpx_status status = hpx_fields_bytes(&bytes, &size, fields, name, error);
    if (!status && size % HPX_HASH_BYTES != 0)
        status = not_an_adoption(error);
    if (status)
        return status;
    *out = hpx_alloc(size + 1);
    memcpy(*out, bytes, size);
    *count = size / HPX_HASH_BYTES;
    return HPX_OK;
}

static hpx_status read_text(char **out, const hpx_fields *fields, const char *name, hpx_error *error)
{
    const char *text;
    hpx_status status = hpx_fields_text(&text, fields, name, error);
    if (!status)
        *out = hpx_strdup(text);
    return status;
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, HPX_HASH_BYTES);
}

/* What it holds for: in a record of before, which has "covers" there, nothing. `count` is of such fields. */
static hpx_status read_holds(hpx_adoption *out, size_t *count, const hpx_fields *fields, hpx_error *error)
{
    *count = hpx_fields_find(fields, "covers") ? 1 : 2;
    if (*count == 1) {
        out->paths = hpx_strdup("");
        return HPX_OK;
    }
    hpx_status status = read_hashes(&out->holds, &out->hold_count, fields, "holds", error);
    if (!status)
        status = read_text(&out->paths, fields, "paths", error);
    for (size_t i = 1; i < out->hold_count && !status; i++)
        if (compare_hashes(&out->holds[i - 1], &out->holds[i]) >= 0)
            status = not_an_adoption(error);
    return status;
}

static bool has_version(const hpx_fields *binary)
{
    const hpx_field *version = hpx_fields_find(binary, "code.version");
    return version && version->type == HPX_FIELD_BYTES && version->size == HPX_CODE_BYTES;
}

/* Both binaries: what is of a binary among the fields, and "as". */
static hpx_status read_binaries(hpx_adoption *out, const hpx_fields *fields, hpx_error *error)
{
    const uint8_t *as;
    size_t size = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (hpx_manifest_is_binary(fields->fields[i].name))
            hpx_fields_set(&out->whose, &fields->fields[i]);
    hpx_status status = hpx_fields_bytes(&as, &size, fields, "as", error);
    if (!status && size == HPX_CODE_BYTES) {
        hpx_manifest_set_binary_fields(&out->as, &out->whose);
        hpx_manifest_set_trainer(&out->as, as);
    } else if (!status) {
        status = hpx_fields_decode(&out->as, as, size, error);
        for (size_t i = 0; i < out->as.count && !status; i++)
            if (!hpx_manifest_is_binary(out->as.fields[i].name))
                status = not_an_adoption(error);
        if (!status && same_numerics(&out->whose, &out->as))
            status = not_an_adoption(error);
    }
    if (!status && !(has_version(&out->whose) && has_version(&out->as)))
        status = not_an_adoption(error);
    return status;
}

/* The other fields beside those that say whose it is. */
enum { OWN_FIELDS = 6 };

static hpx_status read_fields(hpx_adoption *out, const hpx_fields *fields, hpx_error *error)
{
    size_t hold_fields = 0;
    uint64_t adopted = 0;
    hpx_status status = read_binaries(out, fields, error);
    if (!status)
        status = read_hashes(&out->keys, &out->key_count, fields, "keys", error);
    if (!status)
        status = read_holds(out, &hold_fields, fields, error);
    if (!status)
        status = hpx_fields_count(&out->epochs, fields, "epochs", error);
    if (!status)
        status = hpx_fields_hash(&out->code, fields, "code", error);
    if (!status)
        status = hpx_fields_count(&adopted, fields, "adopted", error);
    if (!status)
        status = read_text(&out->reason, fields, "reason", error);
    if (!status && fields->count != out->whose.count + OWN_FIELDS + hold_fields)
        status = not_an_adoption(error);
    out->adopted_ns = (int64_t)adopted;
    return status;
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
    const hpx_hash id = hpx_adoption_id(adoption);
    hpx_adoption_to_fields(&fields, adoption);
    hpx_status status = hpx_store_put_adoption(store, &id, &fields, error);
    hpx_fields_free(&fields);
    return status;
}

hpx_status hpx_adoption_drop(hpx_store *store, const hpx_adoption *adoption, hpx_error *error)
{
    const hpx_hash id = hpx_adoption_id(adoption);
    return hpx_store_drop_adoption(store, &id, error);
}

hpx_hash hpx_adoption_key(const hpx_adoption *adoption, const hpx_fields *manifest)
{
    hpx_fields theirs = {0};
    hpx_fields_add(&theirs, manifest);
    hpx_manifest_set_binary_fields(&theirs, &adoption->as);
    const hpx_hash key = hpx_record_id(&theirs);
    hpx_fields_free(&theirs);
    return key;
}

void hpx_adoption_set_holds(hpx_adoption *adoption, const hpx_hash *keys, size_t count)
{
    adoption->holds = hpx_realloc(adoption->holds, count + 1, sizeof *keys);
    memcpy(adoption->holds, keys, count * sizeof *keys);
    adoption->hold_count = count;
    qsort(adoption->holds, count, sizeof *keys, compare_hashes);
}

/* --- all of a store ------------------------------------------------------------------------------------- */

static hpx_status collect(void *context, const hpx_hash *name, const hpx_fields *fields, hpx_error *error)
{
    (void)error;
    hpx_adoptions *adoptions = context;
    hpx_adoption adoption;
    hpx_error malformed;
    if (hpx_adoption_from_fields(&adoption, fields, &malformed) != HPX_OK)
        return HPX_OK;
    const hpx_hash id = hpx_adoption_id(&adoption);
    if (!hpx_hash_equal(&id, name)) {
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
    if (!hpx_manifest_same_binary(&adoption->whose, manifest))
        return false;
    if (adoption->key_count == 0)
        return true;
    if (adoption->hold_count == 0)
        return false;
    const hpx_hash key = hpx_adoption_key(adoption, manifest);
    return bsearch(&key, adoption->holds, adoption->hold_count, sizeof key, compare_hashes) != NULL;
}

const hpx_adoption *hpx_adoptions_find(const hpx_adoptions *adoptions, const hpx_fields *manifest)
{
    const hpx_adoption *asserted = NULL;
    for (size_t i = 0; i < adoptions->count; i++) {
        const hpx_adoption *adoption = &adoptions->items[i];
        if (!holds(adoption, manifest))
            continue;
        if (adoption->key_count > 0)
            return adoption;
        asserted = adoption;
    }
    return asserted;
}

void hpx_adoptions_resolve(const hpx_adoptions *adoptions, hpx_fields *manifest)
{
    const hpx_adoption *next;
    /* None is followed twice: adopting refuses circles, and a circle that came about otherwise has an end. */
    for (size_t i = 0; i < adoptions->count && (next = hpx_adoptions_find(adoptions, manifest)); i++)
        hpx_manifest_set_binary_fields(manifest, &next->as);
}

bool hpx_adoptions_lead(const hpx_adoptions *adoptions, const hpx_fields *binary, const hpx_fields *manifest)
{
    hpx_fields made = {0};
    hpx_fields_add(&made, manifest);
    hpx_manifest_set_binary_fields(&made, binary);
    hpx_adoptions_resolve(adoptions, &made);
    const bool same = hpx_manifest_same_binary(&made, manifest);
    hpx_fields_free(&made);
    return same;
}

const hpx_adoption *hpx_adoptions_of(const hpx_adoptions *adoptions, const uint8_t version[HPX_CODE_BYTES],
                                     const hpx_fields *manifest)
{
    for (size_t i = 0; i < adoptions->count; i++)
        if (hpx_manifest_has_version(&adoptions->items[i].whose, version) &&
            hpx_adoptions_lead(adoptions, &adoptions->items[i].whose, manifest))
            return &adoptions->items[i];
    return NULL;
}

void hpx_adoptions_set_maker(const hpx_adoptions *adoptions, hpx_fields *manifest,
                             const uint8_t version[HPX_CODE_BYTES])
{
    const hpx_adoption *by = NULL;
    if (!hpx_manifest_has_version(manifest, version))
        by = hpx_adoptions_of(adoptions, version, manifest);
    if (by)
        hpx_manifest_set_binary_fields(manifest, &by->whose);
    hpx_manifest_set_trainer(manifest, version);
}
