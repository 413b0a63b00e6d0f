/* A sample of trainings that together have all that any of them has: a set cover (V. Chvatal, "A greedy
 * heuristic for the set-covering problem", Mathematics of Operations Research 4, 1979), over
 *
 *     the paths that a training takes through the trainer, and every two of them that one training takes:
 *     COVER_TIMES times each, if so many take them, for an edit that rounds a number otherwise does not
 * change it in every training; its marks: hashes of whatever else shall have been tried once, such as the
 * values of its settings.
 *
 * Trainings are offered in order of cost. One is taken if it has what too few before it have, and in the end
 * those are dropped again, the most expensive first, without which nothing is lacking. */
#ifndef HPX_BUILD_COVER_H
#define HPX_BUILD_COVER_H

#include "hpx/hash.h"
#include "hpx/trainer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COVER_TIMES 3

/* Numbers hashes by the order in which they are seen first. A zeroed one is empty. */
struct numbering {
    hpx_hash *hashes;
    uint32_t *slots; /* number + 1, by hash; 0: free */
    size_t count, capacity, slot_count;
};

/* The number of a hash; `fresh`: it was not there. */
uint32_t hpx_number_of(struct numbering *numbering, const hpx_hash *hash, bool *fresh);
void hpx_numbering_free(struct numbering *numbering);

struct cover {
    struct cover_member {
        size_t training; /* as the caller numbers it */
        bool kept;       /* whatever the others have */
        uint32_t *items;
        size_t count;
    } * members;
    size_t count, capacity;
    uint32_t *times; /* by item: how many members have it */
    size_t time_count;
    struct numbering marks;
};

/* Takes the training if it has what is lacking, or if it is to be `kept`. */
void hpx_cover_offer(struct cover *cover, size_t training, const hpx_paths *paths, const hpx_hash *marks,
                     size_t mark_count, bool kept);
void hpx_cover_prune(struct cover *cover);
void hpx_cover_free(struct cover *cover); /* a zeroed one is fine */

#endif
