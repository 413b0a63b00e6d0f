#include "cover.h"

#include "base/memory.h"
#include "hpx/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Items: the pair of paths a and b, a <= b, which is a path alone if they are the same; then the marks. */
enum { PAIRS = HPX_PATHS_MAX * HPX_PATHS_MAX };

/* Any eight bytes of a hash are as good as a hash of it. */
static size_t slot_of(const struct numbering *n, const hpx_hash *hash)
{
    size_t slot = hpx_load_u64(hash->bytes) & (n->slot_count - 1);
    while (n->slots[slot] && !hpx_hash_equal(&n->hashes[n->slots[slot] - 1], hash))
        slot = (slot + 1) & (n->slot_count - 1);
    return slot;
}

static void grow_slots(struct numbering *n)
{
    free(n->slots);
    n->slot_count = n->slot_count ? 2 * n->slot_count : 64;
    n->slots = hpx_alloc(n->slot_count * sizeof *n->slots);
    for (size_t i = 0; i < n->count; i++)
        n->slots[slot_of(n, &n->hashes[i])] = (uint32_t)i + 1;
}

uint32_t hpx_number_of(struct numbering *n, const hpx_hash *hash, bool *fresh)
{
    if (2 * (n->count + 1) > n->slot_count)
        grow_slots(n);
    const size_t slot = slot_of(n, hash);
    *fresh = n->slots[slot] == 0;
    if (*fresh) {
        n->hashes = hpx_grow(n->hashes, &n->capacity, n->count + 1, sizeof *n->hashes);
        n->hashes[n->count++] = *hash;
        n->slots[slot] = (uint32_t)n->count;
    }
    return n->slots[slot] - 1;
}

void hpx_numbering_free(struct numbering *n)
{
    free(n->hashes);
    free(n->slots);
    *n = (struct numbering){0};
}

static bool has_path(const hpx_paths *paths, size_t path)
{
    return paths->words[path / 64] >> path % 64 & 1;
}

/* How many members have an item; room is made for it. */
static uint32_t *times_of(struct cover *cover, size_t item)
{
    while (item >= cover->time_count) {
        const size_t count = cover->time_count ? 2 * cover->time_count : 2 * PAIRS;
        cover->times = hpx_realloc(cover->times, count, sizeof *cover->times);
        memset(cover->times + cover->time_count, 0, (count - cover->time_count) * sizeof *cover->times);
        cover->time_count = count;
    }
    return &cover->times[item];
}

/* How many members shall have an item. */
static uint32_t times_wanted(size_t item)
{
    return item < PAIRS ? COVER_TIMES : 1;
}

static size_t list_pairs(uint32_t *items, const hpx_paths *paths)
{
    uint16_t taken[HPX_PATHS_MAX] = {0};
    size_t count = 0, listed = 0;
    for (size_t path = 0; path < HPX_PATHS_MAX; path++)
        if (has_path(paths, path))
            taken[count++] = (uint16_t)path;
    for (size_t a = 0; a < count; a++)
        for (size_t b = a; b < count; b++)
            items[listed++] = (uint32_t)taken[a] * HPX_PATHS_MAX + taken[b];
    return listed;
}

void hpx_cover_offer(struct cover *cover, size_t training, const hpx_paths *paths, const hpx_hash *marks,
                     size_t mark_count, bool kept)
{
    struct cover_member member = {.training = training, .kept = kept};
    bool lacking = false, fresh;
    member.items = hpx_realloc(NULL, PAIRS + mark_count, sizeof *member.items);
    member.count = list_pairs(member.items, paths);
    for (size_t i = 0; i < mark_count; i++)
        member.items[member.count++] = PAIRS + hpx_number_of(&cover->marks, &marks[i], &fresh);
    for (size_t i = 0; i < member.count && !lacking; i++)
        lacking = *times_of(cover, member.items[i]) < times_wanted(member.items[i]);
    if (!lacking && !kept) {
        free(member.items);
        return;
    }
    for (size_t i = 0; i < member.count; i++)
        ++*times_of(cover, member.items[i]);
    member.items = hpx_realloc(member.items, member.count + 1, sizeof *member.items);
    cover->members = hpx_grow(cover->members, &cover->capacity, cover->count + 1, sizeof *cover->members);
    cover->members[cover->count++] = member;
}

void hpx_cover_prune(struct cover *cover)
{
    for (size_t at = cover->count; at-- > 0;) {
        struct cover_member *member = &cover->members[at];
        bool needed = member->kept;
        for (size_t i = 0; i < member->count && !needed; i++)
            needed = cover->times[member->items[i]] <= times_wanted(member->items[i]);
        if (needed)
            continue;
        for (size_t i = 0; i < member->count; i++)
            cover->times[member->items[i]]--;
        free(member->items);
        memmove(member, member + 1, (--cover->count - at) * sizeof *member);
    }
}

void hpx_cover_free(struct cover *cover)
{
    for (size_t i = 0; i < cover->count; i++)
        free(cover->members[i].items);
    free(cover->members);
    free(cover->times);
    hpx_numbering_free(&cover->marks);
    *cover = (struct cover){0};
}
