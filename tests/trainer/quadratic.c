/* A trainer of another kind, in as few lines as one needs: the way down a parabola. No data set, no multiplications, two
 * metrics of its own names, a checkpoint of three bytes. It registers itself, and hpx is linked with it (see the
 * Makefile): tests/cli/test_trainer.sh searches, extends, audits, exports and replays it. */
#include "hpx/trainer.h"
#include <stdlib.h>

static const hpx_setting settings[] = {
    {"model", "start", HPX_SETTING_REAL, .min = -100, .max = 100, .help = "where the way begins"},
    {"train", "rate", HPX_SETTING_REAL, .min = 0, .max = 10, .fallback = "0.1",
     .help = "of the slope, a step"},
};
static const hpx_metric_kind metrics[] = {{.name = "height", .minimised = true}, {.name = "nearness"}};
static const hpx_sources sources = {.names = "", .version = "a quadratic, first"};

static double real_of(const hpx_fields *manifest, const char *name)
{
    const hpx_field *field = hpx_fields_find(manifest, name);
    return field ? field->real : 0;
}

/* The place after an epoch is kept in thousandths, so that a continued way is the whole one. */
static hpx_status run(const hpx_run *run, hpx_error *error)
{
    uint8_t bytes[3];
    uint32_t to = run->to;
    int32_t place = (int32_t)(real_of(run->manifest, "model.start") * 1000);
    hpx_status status =
        run->from > 0 ? hpx_blob_read(run->checkpoint, bytes, sizeof bytes, 0, error) : HPX_OK;
    if (run->from > 0 && !status)
        place = (bytes[0] | bytes[1] << 8 | bytes[2] << 16) - (1 << 23);
    for (uint32_t epoch = run->from + 1; epoch <= to && !status; epoch++) {
        hpx_epoch done = HPX_EPOCH(epoch);
        place -= (int32_t)(2 * real_of(run->manifest, "train.rate") * place);
        if (abs(place) >= 1 << 23)
            done.failure = "the way leads off the map";
        const int32_t kept = place + (1 << 23);
        for (int i = 0; i < 3; i++)
            bytes[i] = (uint8_t)(kept >> 8 * i);
        if (!done.failure) {
            hpx_metrics_set(&done.metrics, "height", 1e-6 * place * place);
            hpx_metrics_set(&done.metrics, "nearness", 1 / (1 + 1e-3 * abs(place)));
            status = hpx_blob_from_bytes(&done.checkpoint, bytes, sizeof bytes, error);
        }
        status = status ? status : run->on_epoch(run->context, &done, error);
        to = done.failure ? epoch : to;
        hpx_blob_close(&done.checkpoint);
        hpx_metrics_free(&done.metrics);
    }
    return status;
}

static const hpx_trainer quadratic = {
    "quadratic",           settings,  2, &sources, .metrics = metrics, .metric_count = 2,
    .objective = "height", .run = run};

__attribute__((constructor)) static void register_it(void)
{
    hpx_error error;
    hpx_trainer_register(&quadratic, &error);
}
