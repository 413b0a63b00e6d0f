/* The settings of the multilayer perceptron trainer, published as a table and read from a manifest. */
#ifndef HPX_NN_MLP_OPTIONS_H
#define HPX_NN_MLP_OPTIONS_H

#include "hpx/fields.h"
#include "hpx/setting.h"
#include "nn/mlp.h"
#include "nn/optimizer.h"

#define HPX_MLP_SETTINGS 16

extern const hpx_setting hpx_mlp_settings[HPX_MLP_SETTINGS];

typedef struct hpx_mlp_options {
    hpx_mlp_shape shape;
    hpx_activation activation;
    double dropout;
    hpx_init init;
    hpx_optimizer optimizer;
    hpx_schedule schedule;
    uint32_t batch;
    uint32_t seed;
} hpx_mlp_options;

/* The network that settings already checked against the table describe. */
void hpx_mlp_options_shape(hpx_mlp_shape *out, const hpx_fields *settings, uint32_t features,
                           uint32_t classes);

/* Whether checked settings ask for a schedule that depends on the last epoch. */
_Bool hpx_mlp_options_need_last_epoch(const hpx_fields *settings);

/* Checks a whole manifest and reads it. HPX_DAMAGED names the field that is missing, of another type or out
 * of range. */
hpx_status hpx_mlp_options_read(hpx_mlp_options *out, const hpx_fields *manifest, uint32_t features,
                                uint32_t classes, hpx_error *error);

#endif
