/* The settings of convolutional networks, published as a table and read from a manifest. */
#ifndef HPX_NN_CNN_OPTIONS_H
#define HPX_NN_CNN_OPTIONS_H

#include "hpx/error.h"
#include "hpx/fields.h"
#include "hpx/setting.h"
#include "nn/cnn.h"
#include "nn/options.h"
#include "nn/samples.h"

#define HPX_CNN_SETTINGS (7 + HPX_OPTIONS)

extern const hpx_setting hpx_cnn_settings[HPX_CNN_SETTINGS];

/* The network that settings already checked against the table describe, for such samples. HPX_USAGE names the layer
 * that does not fit. */
hpx_status hpx_cnn_options_shape(hpx_cnn_shape *out, const hpx_fields *settings,
                                 const hpx_sample_shape *samples, hpx_error *error);

#endif
