#include "discreet.h"

#include "base/memory.h"
#include "hpx/fields.h"

#include <stdlib.h>
#include <string.h>

void hpx_discreet_free(struct discreet *discreet)
{
    for (size_t i = 0; i < discreet->count; i++)
        hpx_buffer_free(&discreet->codes[i].bytes);
    free(discreet->codes);
    *discreet = (struct discreet){0};
}

hpx_status hpx_discreet_add(struct discreet *discreet, const hpx_hash *id, const uint8_t *bytes, size_t size,
                            hpx_error *error)
{
    hpx_fields fields = {0};
    struct discreet_code code = {.id = *id};
    hpx_status status = hpx_fields_decode(&fields, bytes, size, error);
    if (!status) {
        hpx_fields_remove(&fields, "patch");
        hpx_fields_remove(&fields, "files");
        hpx_fields_encode(&code.bytes, &fields);
        code.renamed = hpx_hash_of(code.bytes.data, code.bytes.size);
        discreet->codes =
            hpx_grow(discreet->codes, &discreet->capacity, discreet->count + 1, sizeof *discreet->codes);
        discreet->codes[discreet->count++] = code;
    }
    hpx_fields_free(&fields);
    return status;
}

static int compare(const void *a, const void *b)
{
    const struct discreet_code *left = a, *right = b;
    return memcmp(left->renamed.bytes, right->renamed.bytes, HPX_HASH_BYTES);
}

void hpx_discreet_sort(struct discreet *discreet)
{
    if (discreet->count > 0)
        qsort(discreet->codes, discreet->count, sizeof *discreet->codes, compare);
}

hpx_artifact hpx_discreet_artifact(const struct discreet *discreet, const hpx_artifact *artifact)
{
    hpx_artifact shown = *artifact;
    memset(shown.host, 0, sizeof shown.host);
    for (size_t i = 0; i < discreet->count; i++)
        if (hpx_hash_equal(&discreet->codes[i].id, &artifact->code))
            shown.code = discreet->codes[i].renamed;
    return shown;
}
