#include "upkeep/signed.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const hpx_signed *hpx_signed_find(const hpx_signed_list *list, const char *signer)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].signer, signer) == 0)
            return &list->items[i];
    return NULL;
}

static hpx_signed *find_or_add(hpx_signed_list *list, const char *signer)
{
    const hpx_signed *found = hpx_signed_find(list, signer);
    if (found)
        return &list->items[found - list->items];
    list->items = hpx_grow(list->items, &list->capacity, list->count + 1, sizeof *list->items);
    list->items[list->count] = (hpx_signed){.signer = hpx_strdup(signer)};
    return &list->items[list->count++];
}

/* Marks come in order of key. */
static hpx_status add(void *context, const hpx_hash *key, const hpx_fields *mark, hpx_error *error)
{
    const char *signer = hpx_fields_text_or_empty(mark, "signer");
    (void)error;
    if (!*signer)
        return HPX_OK;
    hpx_signed *of = find_or_add(context, signer);
    if (of->count > 0 && hpx_hash_equal(&of->keys[of->count - 1], key))
        return HPX_OK;
    of->keys = hpx_grow(of->keys, &of->capacity, of->count + 1, sizeof *of->keys);
    of->keys[of->count++] = *key;
    return HPX_OK;
}

hpx_status hpx_signed_read(hpx_signed_list *out, hpx_store *store, hpx_error *error)
{
    *out = (hpx_signed_list){.count = 0};
    return hpx_store_each_import(store, add, out, error);
}

void hpx_signed_free(hpx_signed_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].signer);
        free(list->items[i].keys);
    }
    free(list->items);
    *list = (hpx_signed_list){.count = 0};
}
