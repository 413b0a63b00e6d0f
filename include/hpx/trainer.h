/* What hpx needs of whatever trains: its settings, its inputs, its cost, and to run from one epoch to
 * another.
 *
 * The trajectory (all that decides the weights after every epoch) is named by a manifest of fields: the
 * recipe's settings as "SECTION.NAME" ("model.hidden" counts, "train.rate" real), "seed" (count below 2^32),
 * "last-epoch" (count, where needs_last_epoch says so), the hashes of the inputs as "dataset.NAME", what the
 * trainer takes of them, its code and its numerics. Same manifest and inputs, same bits: whatever the epochs
 * at which training was interrupted. */
#ifndef HPX_TRAINER_H
#define HPX_TRAINER_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/input.h"
#include "hpx/setting.h"
#include "hpx/sources.h"
#include "hpx/training.h"

#include <stddef.h>
#include <stdint.h>

/* Multiplications: of a forward pass, per sample (the paper's T), and of an epoch of training, over all its
 * samples. */
typedef struct hpx_cost {
    uint64_t forward, epoch;
} hpx_cost;

/* A layer of a network, and its multiplications per sample: of a forward pass, and of a step of training. People read
 * the first of a network as "KIND 1". */
typedef struct hpx_layer {
    const char *kind; /* "convolution", "dense" */
    uint64_t forward, training;
} hpx_layer;

#define HPX_LAYERS_MAX (2 * HPX_SETTING_LIST_MAX + 1)

/* Calls of NULL are of what a trainer has not. `inputs` is the record of a data set: names, hashes and sizes
 * of the inputs, and what their kind says of them. `data` is what the kind has opened; NULL without
 * inputs. */
typedef struct hpx_trainer {
    const char *name;            /* the word after `model` in a recipe, and in the manifest as "model.kind" */
    const hpx_setting *settings; /* sections "model" and "train" */
    size_t setting_count;
    const hpx_sources *sources;     /* all that decides its numbers, and the code version */
    const hpx_input_kind *inputs;   /* NULL: there are none, and a recipe has no `dataset` */
    const hpx_metric_kind *metrics; /* in the order in which it reports them */
    size_t metric_count;
    const char *objective; /* the metric that a recipe goes by that names none; NULL: it must */

    /* What the machine contributes to a result, as fields "numerics.*": the same fields, the same bits. And
     * what it trains with, whether or not a result depends on it, as fields "machine.*". */
    void (*numerics)(hpx_fields *out);
    void (*machine)(hpx_fields *out);

    /* HPX_USAGE when the environment asks for numerics that are not known, or that this machine has not. */
    hpx_status (*check_environment)(hpx_error *error);

    /* HPX_FAILED where this machine miscomputes. Asked of a worker, once. */
    hpx_status (*check_machine)(hpx_error *error);

    /* The cost of the network that the "model.*" settings describe, on what the training takes of the inputs:
     * `settings` has both, as a manifest has. Settings have been checked against the table. NULL: a cell costs
     * 1, and an epoch of it 1. */
    hpx_cost (*cost)(const hpx_fields *settings, const hpx_fields *inputs);

    /* The cost of a forward pass is a polynomial with whole coefficients, of at most this degree in each number
     * above 0 of the "model.*" settings, wherever it stands among them: but in none of those that are `irregular`.
     * Then the cost of a grid follows from a few of its cells. 0: it is none, and all are asked. */
    unsigned cost_degree;

    /* The layers of that network, in order, and how many there are; their sum is its cost. NULL or 0: not known. */
    size_t (*layers)(hpx_layer out[HPX_LAYERS_MAX], const hpx_fields *settings, const hpx_fields *inputs);

    /* Checks what a table cannot say (such as numbers whose product overflows). HPX_USAGE with what is wrong, behind
     * which " of AXIS = VALUE" is put. What is right with the least and the greatest number of a setting must be
     * right between: a grid is asked for at its corners, and at every value of an axis that stands in several
     * settings of which one is `irregular`. */
    hpx_status (*check)(const hpx_fields *settings, const hpx_fields *inputs, hpx_error *error);

    /* Trains epochs from+1 .. to, from <= to, or up to the one in which the training fails (when the loss or
     * the weights stop being finite) or stops by itself. HPX_FAILED when memory runs out; HPX_DAMAGED when
     * checkpoint or manifest are not what this trainer writes or reads. */
    hpx_status (*run)(const hpx_run *run, hpx_error *error);

    /* The paths that training these epochs from the first on takes: those of the kernels, by the shapes and
     * the share of zeros in the data, and those of what the settings choose. Trainings that take the same
     * ones run the same code on other numbers. Takes as long as two steps of the training and an evaluation
     * of two batches. Errors as `run`. */
    hpx_status (*paths)(hpx_paths *out, const hpx_fields *manifest, const void *data, uint32_t epochs,
                        hpx_error *error);
    void (*path_name)(char out[HPX_PATH_NAME_BYTES], size_t path); /* as people read it: "activation tanh" */

    /* Seconds of an epoch of this training, measured on samples that are made up. Errors as `run`. */
    hpx_status (*calibrate)(double *seconds, const hpx_fields *manifest, const hpx_fields *inputs,
                            hpx_error *error);

    /* HPX_OK for a checkpoint that `run` takes for such a training's after that epoch, else HPX_DAMAGED with
     * why it does not; HPX_DAMAGED also for a manifest that is not this trainer's, HPX_OK where the record
     * does not say enough to tell. */
    hpx_status (*check_checkpoint)(const hpx_fields *manifest, const hpx_fields *inputs, uint32_t epoch,
                                   const hpx_blob *checkpoint, hpx_error *error);

    /* Whether a trajectory depends on its last epoch (a cosine schedule): then "last-epoch" is part of the
     * manifest. */
    _Bool (*needs_last_epoch)(const hpx_fields *settings);
} hpx_trainer;

/* The trainer of the statement `program`: the code of its results is the user's. */
#define HPX_TRAINER_PROGRAM "program"

/* The trainer of that name, or NULL; the NULL-terminated list of the names of models, which the program is none of. */
const hpx_trainer *hpx_trainer_find(const char *name);
const char *const *hpx_trainer_names(void);

/* The trainer that made a manifest, by its "model.kind". HPX_FAILED if this program has none of that name. */
hpx_status hpx_trainer_of(const hpx_trainer **out, const hpx_fields *manifest, hpx_error *error);

#define HPX_TRAINERS_MAX 16

/* Adds a trainer, which must outlive all that is done with it: before the first recipe is read, in a build
 * and in its workers alike. HPX_USAGE when there is one of that name, or no room for another. */
hpx_status hpx_trainer_register(const hpx_trainer *trainer, hpx_error *error);

#endif
