/* The identity of a trajectory: which fields its manifest has beside the recipe's settings, and where they
 * come from.
 *
 *     format                      count, the version of this list
 *     model.*  train.*            the recipe's settings (hpx_recipe_settings)
 *     seed                        count
 *     last-epoch                  count, only where the trajectory depends on it
 *     dataset.NAME                hash of the uncompressed bytes of each input, and what of them is used, as their
 *                                 kind says (hpx/input.h): of images train-count and validation-count, counts
 *     code.version                git tree id of the trainer's sources, or of those it is equivalent to (adoption.h)
 *     numerics.*                  C library, compiler; with plain vectors also the BLAS (hpx_numerics)
 *
 * The key is the XXH3-128 of their canonical encoding. Epochs are no part of it. */
#ifndef HPX_MANIFEST_H
#define HPX_MANIFEST_H

#include "hpx/blob.h"
#include "hpx/buffer.h"
#include "hpx/code.h"
#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/hash.h"
#include "hpx/store.h"
#include "hpx/trainer.h"

#include <stdbool.h>
#include <stdint.h>

/* What this binary contributes for a trainer, format, code version and numerics, in place of what another one
 * has. To a program's results it contributes no code, and of its numerics those that the manifest names. */
void hpx_manifest_set_binary(hpx_fields *manifest, const hpx_trainer *trainer);

/* The same by the fields that another binary contributes. */
void hpx_manifest_set_binary_fields(hpx_fields *manifest, const hpx_fields *binary);

/* Whether the results are those of a program, whose code is none of this binary's. */
bool hpx_manifest_is_of_program(const hpx_fields *manifest);

/* Whether a field is one of these. */
bool hpx_manifest_is_binary(const char *field);

/* Whether it says on which kind of machine. */
bool hpx_manifest_is_numerics(const char *field);

/* Puts the fields of a kind of machine beside those of `out`; in place of those that it has. */
void hpx_manifest_add_numerics(hpx_fields *out, const hpx_fields *from);
void hpx_manifest_set_numerics(hpx_fields *out, const hpx_fields *from);

/* hpx_fields_next_difference, of these fields only: a manifest may lack one that another has. */
bool hpx_manifest_next_of_binary(hpx_field_walk *at, const hpx_fields *a, const hpx_fields *b,
                                 const hpx_field **before, const hpx_field **after);

/* Whether two manifests do not differ in any of these. */
bool hpx_manifest_same_binary(const hpx_fields *a, const hpx_fields *b);

/* The trainer whose results have this manifest. */
void hpx_manifest_set_trainer(hpx_fields *manifest, const uint8_t version[HPX_CODE_BYTES]);
bool hpx_manifest_has_version(const hpx_fields *manifest, const uint8_t version[HPX_CODE_BYTES]);

/* The sources of this binary's trainer of the kind that made a manifest; none, if it has no such trainer. */
const hpx_sources *hpx_manifest_sources(const hpx_fields *manifest);

/* HPX_FAILED, with the field that differs, unless the manifest is for this very code and these numerics, or for those of a
 * worker; HPX_DIFFERS where the numerics alone differ. */
hpx_status hpx_manifest_check_binary(const hpx_fields *manifest, const hpx_trainer *trainer,
                                     hpx_error *error);
hpx_status hpx_manifest_check_binary_fields(const hpx_fields *manifest, const hpx_fields *binary,
                                            hpx_error *error);

/* One difference between two manifests as people say it: "rate 0.001 -> 0.003", "trainer 5b1d0a2c ->
 * c07a99e1". NULL: the manifest has no such field. */
void hpx_manifest_difference(hpx_buffer *out, const hpx_field *before, const hpx_field *after);

/* Whether a field says which code or which machine, not what was trained. */
bool hpx_manifest_is_origin(const char *field);

/* The inputs' hashes. */
void hpx_manifest_set_inputs(hpx_fields *manifest, const hpx_input *inputs, size_t count);

/* The inputs that a manifest names: names and hashes, in the order of the kind (`count` of them, with room
 * for HPX_INPUTS_MAX). HPX_DAMAGED if it lacks one. */
hpx_status hpx_manifest_inputs(hpx_input *inputs, const hpx_fields *manifest, const hpx_input_kind *kind,
                               hpx_error *error);

/* What an epoch of training costs: multiplications, or 1 of a trainer that does not count them. `dataset` is
 * the record that the store keeps. 0 when they do not tell, or this binary has no such trainer. */
uint64_t hpx_manifest_epoch_cost(const hpx_fields *manifest, const hpx_fields *dataset);

/* HPX_DAMAGED with what is wrong with the checkpoint of an epoch, as the trainer sees it; `dataset` is the
 * record of the training's data. HPX_OK also where this binary cannot judge: what another trainer has
 * written, or another version of this one. */
hpx_status hpx_manifest_check_checkpoint(const hpx_fields *manifest, const hpx_fields *dataset,
                                         uint32_t epoch, const hpx_blob *checkpoint, hpx_error *error);

/* For a store: the trainers' word on checkpoints, and on the types of their settings and the ranges of their
 * counts. What a trainer has no setting for is free: another version of it may have had one. */
extern const hpx_store_judge hpx_manifest_judge;

#endif
