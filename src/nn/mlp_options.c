#include "mlp_options.h"

#include "nn/options.h"

const hpx_setting hpx_mlp_settings[HPX_MLP_SETTINGS] = {
    {"model", "hidden", HPX_COUNTS(1, 1048576), .help = "sizes of the hidden layers"},
    HPX_OPTIONS_SETTINGS,
};

void hpx_mlp_options_shape(hpx_mlp_shape *out, const hpx_fields *settings, uint32_t features,
                           uint32_t classes)
{
    *out = (hpx_mlp_shape){.sizes = {features}};
    out->layers = hpx_options_list(out->sizes + 1, settings, "model.hidden") + 1;
    out->sizes[out->layers] = classes;
}
