/* What differs between two trajectories, as people say it: "rate 0.001 -> 0.003", "trainer 5b1d0a2c -> c07a99e1"; of programs
 * "src/util.py: 5b1d -> c07a", "data/train.npz changed", "version: Python 3.11.2 -> 3.12.1", "env MODE fast -> slow". */
#ifndef HPX_DIFFERENCE_H
#define HPX_DIFFERENCE_H

#include "hpx/code.h"
#include "hpx/fields.h"
#include "hpx/store.h"
#include "identity/experiment.h"

#include <stdbool.h>

/* Two trajectories by their manifests, and what else is known of them: NULL or empty where it is not. */
typedef struct hpx_compared {
    const hpx_fields *before, *after;
    const hpx_fields *code_before, *code_after; /* code records */
    const hpx_fields *data_before, *data_after; /* records of the data */
    const hpx_code_change *change;              /* between the codes */
} hpx_compared;

/* `field`: of the manifests, which the text is about. */
typedef void hpx_difference_fn(void *context, const char *field, const char *text);

/* Says the differences, one after the other: at least one for each field, but that of a command or a variable that only
 * follows from an axis is left out. */
void hpx_differences(const hpx_compared *compared, hpx_difference_fn *say, void *context);

/* What a stored result and a trial to come are made of, beside their manifests. */
typedef struct hpx_sides {
    hpx_fields code_before, code_after, data_before, data_after; /* records; empty: not known */
    bool change_known;
    hpx_code_change change; /* if known: between the codes */
} hpx_sides;

/* What cannot be read leaves differences unexplained. */
void hpx_sides_find(hpx_sides *out, const hpx_experiment *experiment, hpx_store *store,
                    const hpx_artifact *before, uint32_t cell);
void hpx_sides_free(hpx_sides *sides); /* leaves them empty */
/* The two, with their manifests; borrows all of it. */
hpx_compared hpx_sides_compare(const hpx_sides *sides, const hpx_fields *before, const hpx_fields *after);

/* What changed between two codes of the trainer that the manifest names; false where nobody can say. */
bool hpx_difference_of_code(hpx_code_change *out, const hpx_fields *manifest, const hpx_fields *before,
                            const hpx_fields *after);

#endif
