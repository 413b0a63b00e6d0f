#include "samples.h"

#include "base/random.h"

#include <stdio.h>

hpx_split draw_split(uint8_t *pixels, uint8_t *labels, uint32_t features, uint32_t classes,
                     const uint32_t counts[3], uint32_t some)
{
    const uint32_t validation = counts[0], test = validation + counts[1], end = test + counts[2];
    for (uint32_t i = 0; i < end; i++) {
        labels[i] = (uint8_t)(i % classes);
        for (uint32_t j = 0; j < features; j++) {
            uint32_t words[4];
            hpx_random(words, 1, 1, i, 0, j);
            pixels[(size_t)i * features + j] = words[0] % some == 0 ? (uint8_t)(words[1] % 255 + 1) : 0;
        }
    }
    return (hpx_split){
        .shape = {features, classes, 1, features, 1},
        .train = {pixels, labels, counts[0]},
        .validation = {pixels + (size_t)validation * features, labels + validation, counts[1]},
        .test = {pixels + (size_t)test * features, labels + test, counts[2]},
    };
}

hpx_fields mlp_manifest(const uint64_t *hidden, size_t layers)
{
    hpx_fields m = {0};
    hpx_fields_set_counts(&m, "model.hidden", hidden, layers);
    hpx_fields_set_text(&m, "model.activation", "relu");
    hpx_fields_set_real(&m, "model.dropout", 0);
    hpx_fields_set_text(&m, "model.init", "he");
    hpx_fields_set_text(&m, "train.optimizer", "adam");
    hpx_fields_set_real(&m, "train.rate", 0.01);
    hpx_fields_set_real(&m, "train.weight-decay", 0);
    hpx_fields_set_text(&m, "train.schedule", "constant");
    hpx_fields_set_count(&m, "train.batch", 20);
    hpx_fields_set_real(&m, "train.beta1", 0.9);
    hpx_fields_set_real(&m, "train.beta2", 0.999);
    hpx_fields_set_real(&m, "train.epsilon", 1e-8);
    hpx_fields_set_real(&m, "train.momentum", 0);
    hpx_fields_set_text(&m, "train.nesterov", "no");
    hpx_fields_set_count(&m, "seed", 1);
    return m;
}

static void set_for_each(hpx_fields *m, const char *name, uint64_t value, size_t count)
{
    const uint64_t values[4] = {value, value, value, value};
    hpx_fields_set_counts(m, name, values, count);
}

hpx_fields cnn_manifest(const convolutions *c, const uint64_t *hidden, size_t layers)
{
    hpx_fields m = mlp_manifest(hidden, layers);
    char padding[64] = "";
    for (size_t l = 0, used = 0; l < c->count; l++)
        used += (size_t)snprintf(padding + used, sizeof padding - used, "%s%s", l > 0 ? " " : "", c->padding);
    hpx_fields_set_counts(&m, "model.filters", c->filters, c->count);
    set_for_each(&m, "model.kernel", c->kernel, c->count);
    set_for_each(&m, "model.stride", c->stride, c->count);
    hpx_fields_set_text(&m, "model.padding", padding);
    set_for_each(&m, "model.pool", c->pool, c->count);
    hpx_fields_set_text(&m, "model.pooling", c->pooling);
    return m;
}
