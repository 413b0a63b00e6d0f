/* A recipe bound to what makes its trials concrete: data, code and numerics. Gives every trial its key and
 * its cost. */
#ifndef HPX_EXPERIMENT_H
#define HPX_EXPERIMENT_H

#include "hpx/buffer.h"
#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/recipe.h"
#include "hpx/source.h"

#include <stdint.h>

typedef struct hpx_experiment hpx_experiment;

/* Finds the data sets of all cells. The options (and their store) must outlive it. */
hpx_status hpx_experiment_open(hpx_experiment **out, const hpx_recipe *recipe,
                               const hpx_source_options *options, hpx_error *error);
void hpx_experiment_free(hpx_experiment *experiment); /* NULL is fine */

/* What their workers contribute to the manifests, as far as is known before one has said it. */
const hpx_fields *hpx_experiment_binary(const hpx_experiment *experiment);

/* Whether the options ask for the numerics of other machines, and none are known: this one's stand in for them. */
bool hpx_experiment_presumes(const hpx_experiment *experiment);

/* The trials are trained by workers that contribute these fields (hpx_manifest_set_binary), not by this program. */
void hpx_experiment_set_binary(hpx_experiment *experiment, const hpx_fields *binary);

/* Whether the numerics are among them that any manifest names: those of a program's results may not be. */
bool hpx_experiment_needs_numerics(const hpx_experiment *experiment);

const hpx_recipe *hpx_experiment_recipe(const hpx_experiment *experiment);

/* The cost of one cell; 1 and 1 of a trainer that counts no multiplications. */
hpx_cost hpx_experiment_cost(hpx_experiment *experiment, uint32_t cell);
uint64_t hpx_experiment_macs(void *experiment, uint32_t cell); /* of a forward pass: an hpx_cost_fn */
/* The layers of its network, and how many there are; 0: not known. */
size_t hpx_experiment_layers(hpx_layer out[HPX_LAYERS_MAX], hpx_experiment *experiment, uint32_t cell);
/* The sum of the forward costs over the grid: what a search's cost is relative to. */
uint64_t hpx_experiment_grid_macs(hpx_experiment *experiment);

/* The inputs of a cell. */
const hpx_source *hpx_experiment_source(const hpx_experiment *experiment, uint32_t cell);

/* The manifest of a cell and a seed. Its trainer is this binary's, or the one that that is equivalent to by the
 * adoptions of the store. */
void hpx_experiment_fields(hpx_fields *out, const hpx_experiment *experiment, uint32_t cell, uint32_t seed);
/* Appends its encoding; returns its key. What does not continue is another trajectory for each number of epochs. */
hpx_hash hpx_experiment_manifest(hpx_buffer *out, hpx_experiment *experiment, uint32_t cell, uint32_t seed,
                                 uint32_t epochs);

/* Whether a training that has ended may go on to more epochs: a program's only where it says so. */
bool hpx_experiment_continues(const hpx_experiment *experiment);

/* Sets the fields of the code record and of the record of the data that results of a cell have; none where they are
 * not known. */
void hpx_experiment_records(hpx_fields *code, hpx_fields *data, const hpx_experiment *experiment,
                            uint32_t cell);

/* What changed between the code of a record and that of results to come; false where nobody can say. */
bool hpx_experiment_code_change(hpx_code_change *out, const hpx_experiment *experiment,
                                const hpx_fields *code);

/* What is to be said of a program's code and was not taken yet, in lines; NULL: nothing. free() it. */
char *hpx_experiment_take_warnings(hpx_experiment *experiment);

/* Before the first job: sets the conditions of all of them (worker/message.h), and makes what these name. A model has
 * none. */
hpx_status hpx_experiment_prepare(hpx_fields *conditions, hpx_experiment *experiment, hpx_error *error);

/* For machines that do not see it: makes a parcel (identity/parcel.h) in the scratch folder of the data that is of this hash in
 * jobs, and appends what it is called here. HPX_NOT_FOUND: no job has such data. HPX_FAILED when it cannot be copied, or has
 * changed. */
hpx_status hpx_experiment_hand_over(hpx_buffer *name, const hpx_experiment *experiment, const hpx_hash *hash,
                                    const char *scratch, hpx_error *error);

/* HPX_DIFFERS, with what has changed, when the files that a program reads in their places are no longer those that its
 * manifests name. */
hpx_status hpx_experiment_unchanged(const hpx_experiment *experiment, hpx_error *error);

#endif
