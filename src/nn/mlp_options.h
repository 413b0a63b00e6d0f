/* The settings of the multilayer perceptron, published as a table and read from a manifest. */
#ifndef HPX_NN_MLP_OPTIONS_H
#define HPX_NN_MLP_OPTIONS_H

#include "hpx/fields.h"
#include "hpx/setting.h"
#include "nn/mlp.h"
#include "nn/options.h"

#define HPX_MLP_SETTINGS (1 + HPX_OPTIONS)

extern const hpx_setting hpx_mlp_settings[HPX_MLP_SETTINGS];

/* The network that settings already checked against the table describe. */
void hpx_mlp_options_shape(hpx_mlp_shape *out, const hpx_fields *settings, uint32_t features,
                           uint32_t classes);

#endif
