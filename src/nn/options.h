/* The settings that all networks share: what is on each hidden layer, and the whole section "train". Published as rows
 * of a model's table, and read from a manifest. */
#ifndef HPX_NN_OPTIONS_H
#define HPX_NN_OPTIONS_H

#include "hpx/fields.h"
#include "hpx/setting.h"
#include "nn/mlp.h"
#include "nn/optimizer.h"

/* Words in the order of the enumerations they stand for. */
extern const char *const hpx_activation_words[], *const hpx_init_words[], *const hpx_optimizer_words[],
                                                                              *const hpx_schedule_words[],
                                                                                  *const hpx_no_yes_words[];

#define HPX_COUNTS(lo, hi)  .type = HPX_SETTING_COUNTS, .min = (lo), .max = (hi)
#define HPX_COUNT(lo, hi)   .type = HPX_SETTING_COUNT, .min = (lo), .max = (hi)
#define HPX_WORD(list)      .type = HPX_SETTING_WORD, .words = (list)
#define HPX_FRACTION        .type = HPX_SETTING_REAL, .min = 0, .max = 1, .below_max = 1 /* 0 <= x < 1 */
#define HPX_FROM_0(hi)      .type = HPX_SETTING_REAL, .min = 0, .max = (hi)
#define HPX_ABOVE_0(hi)     .type = HPX_SETTING_REAL, .min = 0, .max = (hi), .above_min = 1
#define HPX_ONLY(key, word) .only_if = (key), .only_value = (word)

/* The rows, behind those of the model's own layers. */
#define HPX_OPTIONS 15
/* clang-format off */
#define HPX_OPTIONS_SETTINGS \
    {"model", "activation", HPX_WORD(hpx_activation_words), .fallback = "relu", \
     .help = "activation of the hidden layers"}, \
    {"model", "dropout", HPX_FRACTION, .fallback = "0", \
     .help = "fraction of hidden activations dropped in training"}, \
    {"model", "init", HPX_WORD(hpx_init_words), .fallback = "he", .help = "range of the uniform initial weights"}, \
    {"train", "optimizer", HPX_WORD(hpx_optimizer_words), .fallback = "adam", .help = "how gradients become steps"}, \
    {"train", "rate", HPX_ABOVE_0(1000), .fallback = "0.001", .help = "learning rate"}, \
    {"train", "weight-decay", HPX_FROM_0(1000), .fallback = "0", \
     .help = "times the parameters, added to the gradients"}, \
    {"train", "schedule", HPX_WORD(hpx_schedule_words), .fallback = "constant", \
     .help = "learning rate over the epochs"}, \
    {"train", "step-epochs", HPX_COUNT(1, 1000000), .fallback = "10", HPX_ONLY("schedule", "step"), \
     .help = "epochs between two cuts of the rate"}, \
    {"train", "step-factor", HPX_ABOVE_0(1), .fallback = "0.1", HPX_ONLY("schedule", "step"), \
     .help = "what the rate is multiplied by"}, \
    {"train", "batch", HPX_COUNT(1, 1048576), .fallback = "128", .help = "samples per step"}, \
    {"train", "beta1", HPX_FRACTION, .fallback = "0.9", HPX_ONLY("optimizer", "adam"), \
     .help = "decay of the first moment"}, \
    {"train", "beta2", HPX_FRACTION, .fallback = "0.999", HPX_ONLY("optimizer", "adam"), \
     .help = "decay of the second moment"}, \
    {"train", "epsilon", HPX_ABOVE_0(1), .fallback = "1e-8", HPX_ONLY("optimizer", "adam"), \
     .help = "added to the root of the second moment"}, \
    {"train", "momentum", HPX_FRACTION, .fallback = "0", HPX_ONLY("optimizer", "sgd"), \
     .help = "decay of the velocity"}, \
    {"train", "nesterov", HPX_WORD(hpx_no_yes_words), .fallback = "no", HPX_ONLY("optimizer", "sgd"), \
     .needs_if = "yes", .needs = "momentum", .help = "take the gradient where the velocity leads"}
/* clang-format on */

typedef struct hpx_options {
    hpx_activation activation;
    double dropout;
    hpx_init init;
    hpx_optimizer optimizer;
    hpx_schedule schedule;
    uint32_t batch;
    uint32_t seed;
} hpx_options;

/* Whether checked settings ask for a schedule that depends on the last epoch. */
_Bool hpx_options_need_last_epoch(const hpx_fields *settings);

/* Checks a whole manifest against the table of its model, and reads what is in it. HPX_DAMAGED names the field that is
 * missing, of another type or out of range. */
hpx_status hpx_options_read(hpx_options *out, const hpx_setting *settings, size_t count,
                            const hpx_fields *manifest, hpx_error *error);

/* The numbers of a list of checked settings, at most HPX_SETTING_LIST_MAX, and how many there are. */
uint32_t hpx_options_list(uint32_t out[HPX_SETTING_LIST_MAX], const hpx_fields *settings, const char *name);

#endif
