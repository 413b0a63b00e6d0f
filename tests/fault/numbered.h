/* Artifacts that are known by a number and an epoch, so that any process can make them and any other check
 * them. */
#ifndef HPX_TESTS_FAULT_NUMBERED_H
#define HPX_TESTS_FAULT_NUMBERED_H

#include "hpx/store.h"

#include <stddef.h>
#include <stdint.h>

/* Stores the code version and the data set entry that all of them refer to. */
hpx_status numbered_records(hpx_store *store, hpx_error *error);

/* Puts one, with a checkpoint of `size` bytes. */
hpx_status numbered_put(hpx_store *store, uint64_t number, uint32_t epoch, size_t size, hpx_error *error);

typedef enum numbered_state {
    NUMBERED_ABSENT,
    NUMBERED_WHOLE, /* and its checkpoint too, unless a later epoch's is there and whole */
    NUMBERED_BARE,  /* the record is right, but the checkpoint is lost */
    NUMBERED_WRONG, /* what is served differs from what was put */
    NUMBERED_FAILED,
} numbered_state;
extern const char *const numbered_state_names[];

/* The sizes of all epochs of a number are one. */
numbered_state numbered_check(hpx_store *store, uint64_t number, uint32_t epoch, size_t size,
                              hpx_error *error);

/* The newest epoch whose checkpoint is there; 0 if none. */
uint32_t numbered_newest(hpx_store *store, uint64_t number);

#endif
