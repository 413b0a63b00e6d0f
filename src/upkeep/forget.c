#include "upkeep/forget.h"

#include "base/memory.h"
#include "store/space.h"

#include <stdlib.h>
#include <string.h>

/* Artifacts come in order of epochs, those of a key together. */
hpx_status hpx_forget_add(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)error;
    hpx_forget_list *list = context;
    if (!list->cells)
        list->cells = hpx_cell_set_new();
    hpx_forgotten *last = list->count ? &list->items[list->count - 1] : NULL;
    if (!last || !hpx_hash_equal(&last->newest.key, &artifact->key)) {
        list->items = hpx_grow(list->items, &list->capacity, list->count + 1, sizeof *list->items);
        last = &list->items[list->count++];
        *last = (hpx_forgotten){.epochs = 0};
    } else if (artifact->epoch <= last->newest.epoch) {
        return HPX_OK; /* named a second time */
    }
    last->newest = *artifact;
    last->newest.metrics = (hpx_metrics){0}; /* nobody asks for them */
    last->newest.cell = hpx_cell_set_keep(list->cells, &artifact->cell);
    last->epochs++;
    return HPX_OK;
}

hpx_status hpx_forget_add_key(hpx_forget_list *list, hpx_store *store, const char *prefix, hpx_error *error)
{
    hpx_hash key;
    hpx_status status = hpx_store_find_key(&key, store, prefix, error);
    if (!status)
        status = hpx_store_each(store, &key, hpx_forget_add, list, error);
    const bool found =
        !status && list->count > 0 && hpx_hash_equal(&list->items[list->count - 1].newest.key, &key);
    if (!status && !found) { /* its results are lost: what is left of it goes as well */
        const hpx_artifact lost = {.key = key};
        status = hpx_forget_add(list, &lost, error);
        list->items[list->count - 1].epochs = 0;
    }
    return status;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(&((const hpx_forgotten *)a)->newest.key, &((const hpx_forgotten *)b)->newest.key,
                  HPX_HASH_BYTES);
}

/* Two arguments, or two cells, may name one trajectory. */
static void sort_out(hpx_forget_list *list)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, by_key);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || by_key(&list->items[kept - 1], &list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

static hpx_status find_kept(const hpx_forget_list *list, hpx_store *store, hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        hpx_forgotten *item = &list->items[i];
        bool pinned = false, busy = false;
        status = hpx_store_is_pinned(&pinned, store, &item->newest.key, error);
        if (!status)
            status = hpx_store_is_claimed(&busy, store, &item->newest.key, error);
        item->kept = pinned ? "pinned" : busy ? "in training" : NULL;
    }
    return status;
}

hpx_status hpx_forget_prepare(hpx_forget_list *list, hpx_store *store, hpx_error *error)
{
    sort_out(list);
    return find_kept(list, store, error);
}

hpx_status hpx_forget(hpx_forget_list *list, hpx_store *store, const volatile sig_atomic_t *interrupted,
                      hpx_error *error)
{
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < list->count && !status; i++) {
        hpx_forgotten *item = &list->items[i];
        bool claimed = false, forgotten = false;
        if (item->kept)
            continue;
        if (interrupted && *interrupted)
            return hpx_error_set(error, HPX_INTERRUPTED, "interrupted; %zu of %zu trials are forgotten", i,
                                 list->count);
        status = hpx_store_claim(&claimed, store, &item->newest.key, error);
        if (claimed) {
            status = hpx_store_forget(&forgotten, store, &item->newest.key, error);
            hpx_store_release(store, &item->newest.key);
        }
        item->kept = !claimed ? "in training" : !forgotten ? "pinned" : NULL;
    }
    return status;
}

void hpx_forget_list_free(hpx_forget_list *list)
{
    free(list->items);
    hpx_cell_set_free(list->cells);
    *list = (hpx_forget_list){0};
}
