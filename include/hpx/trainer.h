/* What hpx needs of whatever trains: its settings, its cost, and to run from one epoch to another.
 *
 * The trajectory (all that decides the weights after every epoch) is named by a manifest of fields: the
 * recipe's settings as "SECTION.NAME" ("model.hidden" counts, "train.rate" real), "seed" (count below 2^32),
 * "last-epoch" (count, where needs_last_epoch says so), and fields of the data set, the code and the numerics
 * that a trainer need not read. Same manifest and data, same bits: whatever the epochs at which training was
 * interrupted. */
#ifndef HPX_TRAINER_H
#define HPX_TRAINER_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/metrics.h"
#include "hpx/setting.h"

#include <stddef.h>
#include <stdint.h>

/* Labelled samples: count x features bytes, row by row, borrowed. */
typedef struct hpx_samples {
    const uint8_t *pixels; /* count x features */
    const uint8_t *labels; /* count, each below `classes` of the split */
    uint32_t count;
} hpx_samples;

typedef struct hpx_split {
    uint32_t features, classes;
    hpx_samples train, validation, test; /* validation.count may be 0 */
} hpx_split;

typedef struct hpx_epoch {
    uint32_t epoch;      /* 1 for the first */
    const char *failure; /* why the training failed in this epoch, its last: then metrics are NaN and there
                            is no checkpoint; else NULL */
    hpx_metrics metrics;
    double seconds;            /* wall time of this epoch, evaluation included */
    const uint8_t *checkpoint; /* weights and optimizer state after it; borrowed during the call */
    size_t checkpoint_size;
} hpx_epoch;

/* Called after every epoch. Anything but HPX_OK ends the training with that status (and `error` filled). */
typedef hpx_status hpx_epoch_fn(void *context, const hpx_epoch *epoch, hpx_error *error);

/* Multiplications per sample: of a forward pass (the paper's T), and of a training step, which has no input
 * gradient in the first layer (3 T - inputs * first layer). */
typedef struct hpx_cost {
    uint64_t forward, training;
} hpx_cost;

/* A set of paths through a trainer's code, by number. */
#define HPX_PATHS_MAX       192
#define HPX_PATH_NAME_BYTES 80
typedef struct hpx_paths {
    uint64_t words[HPX_PATHS_MAX / 64];
} hpx_paths;

typedef struct hpx_trainer {
    const char *name;            /* the word after `model` in a recipe, and in the manifest as "model.kind" */
    const hpx_setting *settings; /* sections "model" and "train" */
    size_t setting_count;

    /* The cost of the network that the "model.*" settings describe. Settings have been checked against the
     * table. */
    hpx_cost (*cost)(const hpx_fields *settings, uint32_t features, uint32_t classes);

    /* Checks what a table cannot say (such as numbers whose product overflows). HPX_USAGE with what is wrong.
     */
    hpx_status (*check)(const hpx_fields *settings, uint32_t features, uint32_t classes, hpx_error *error);

    /* Trains epochs from+1 .. to, from <= to, or up to the one in which the training fails: when the loss or
     * the weights stop being finite. With from > 0, `checkpoint` is what an earlier run gave after epoch
     * `from`; else it is not read. HPX_FAILED when memory runs out; HPX_DAMAGED when checkpoint or manifest
     * are not what this trainer writes or reads. */
    hpx_status (*run)(const hpx_fields *manifest, const hpx_split *data, uint32_t from, uint32_t to,
                      const uint8_t *checkpoint, size_t checkpoint_size, hpx_epoch_fn *on_epoch,
                      void *context, hpx_error *error);

    /* The paths that training these epochs from the first on takes: those of the kernels, by the shapes and
     * the share of zeros in the data, and those of what the settings choose. Trainings that take the same
     * ones run the same code on other numbers. Takes as long as two steps of the training and an evaluation
     * of two batches. Errors as `run`. */
    hpx_status (*paths)(hpx_paths *out, const hpx_fields *manifest, const hpx_split *data, uint32_t epochs,
                        hpx_error *error);

    /* HPX_OK for a checkpoint that `run` takes for such a training's after that epoch, else HPX_DAMAGED with
     * why it does not; HPX_DAMAGED also for a manifest that is not this trainer's. */
    hpx_status (*check_checkpoint)(const hpx_fields *manifest, uint32_t features, uint32_t classes,
                                   uint32_t epoch, const uint8_t *bytes, size_t size, hpx_error *error);

    /* Whether a trajectory depends on its last epoch (a cosine schedule): then "last-epoch" is part of the
     * manifest. */
    _Bool (*needs_last_epoch)(const hpx_fields *settings);
} hpx_trainer;

/* The trainer of that name, or NULL; the NULL-terminated list of names. */
const hpx_trainer *hpx_trainer_find(const char *name);
const char *const *hpx_trainer_names(void);

/* A path as a person reads it: "activation tanh". All trainers have one numbering. */
void hpx_path_name(char out[HPX_PATH_NAME_BYTES], size_t path);

/* What the machine contributes to a result, as fields "numerics.*": threads, C library and compiler; with
 * plain vectors these, and the BLAS and its kernel, through which products then run. AVX2 and AVX-512 give
 * the same bits and have the same fields. The same fields, the same bits. */
void hpx_numerics(hpx_fields *out);

/* What the trainer runs on here, whether or not a result depends on it, as fields "machine.*": vectors, BLAS
 * version and kernel. */
void hpx_numerics_machine(hpx_fields *out);

/* Multiplies odd shapes and all transposes and compares with plain loops: HPX_FAILED where a product is
 * wrong.
 */
hpx_status hpx_numerics_check(hpx_error *error);

/* HPX_USAGE when the environment asks for numerics by a name that is not known, or that this machine has not.
 */
hpx_status hpx_numerics_check_environment(hpx_error *error);

#endif
