/* Checks a whole store. LMDB may crash over damaged pages of its tree, so child processes do it, and a crash
 * is one more thing that is found. */
#ifndef HPX_CHECK_H
#define HPX_CHECK_H

#include "hpx/error.h"
#include "hpx/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines for people, in the order in which they were found. */
typedef struct hpx_faults {
    char **lines;
    size_t count, capacity;
} hpx_faults;

typedef struct hpx_findings {
    uint64_t checked;     /* values */
    hpx_faults damaged;   /* what is damaged */
    hpx_faults differing; /* second outputs of what has one */
    hpx_faults remarks;   /* what else is worth a word */
    bool broken;          /* the structure of the data file is damaged: other commands may crash over it */
} hpx_findings;

/* This process may not have the store open. `judge` is as in hpx_store_set_judge; NULL:
 * nobody does. HPX_NOT_FOUND if there is no store; HPX_FAILED when the check could not be made, with what was
 * found so far. */
hpx_status hpx_store_check(hpx_findings *out, const char *folder, const hpx_store_judge *judge,
                           hpx_error *error);
void hpx_findings_free(hpx_findings *findings);

#endif
