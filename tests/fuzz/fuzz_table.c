/* Any bytes as a table of results of a small recipe: what is read has finite values, of the recipe's cells, and nothing
 * that failed has any. */
#include "fuzz.h"

#include "run/measured.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 6, EPOCHS = 3, METRICS = 2 };

static void expect(int holds)
{
    if (!holds)
        abort();
}

static hpx_recipe *open_recipe(void)
{
    static const char text[] =
        "dataset mnist\nmodel mlp\n  hidden = $n\n  activation = $a\ntrain\n  epochs = 3\naxis n = 2 4\n"
        "axis a = relu tanh sigmoid\n";
    static hpx_recipe *recipe;
    hpx_error error;
    if (!recipe)
        expect(hpx_recipe_parse(&recipe, "r.rcp", text, sizeof text - 1, NULL, NULL, &error) == HPX_OK);
    return recipe;
}

static void check_cell(const hpx_measured *measured, size_t seed, uint32_t cell)
{
    const uint32_t failed = hpx_measured_failed(measured, seed, cell);
    expect(failed <= EPOCHS);
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++)
        for (size_t metric = 0; metric < METRICS; metric++) {
            double value;
            const hpx_measure measure =
                hpx_measured_value(&value, measured, seed, (hpx_request){cell, epoch}, metric);
            expect((measure == HPX_MEASURE_FAILED) == (failed && failed <= epoch));
            expect((measure == HPX_MEASURE_VALUE) == !!isfinite(value));
            expect(measure != HPX_MEASURE_VALUE || hpx_measured_has(measured, metric));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const metrics[METRICS] = {"validation_accuracy", "test_accuracy"};
    hpx_buffer bytes = {0};
    hpx_measured *measured;
    hpx_error error = {HPX_OK, ""};
    hpx_buffer_add(&bytes, data, size);
    if (hpx_measured_parse(&measured, open_recipe(), metrics, METRICS, "t.csv", &bytes, &error)) {
        expect(error.status == HPX_USAGE && !measured && strncmp(error.message, "t.csv", 5) == 0);
    } else {
        for (size_t seed = 0; seed < hpx_measured_seed_count(measured); seed++) {
            expect(seed == 0 || hpx_measured_seed(measured, seed - 1) < hpx_measured_seed(measured, seed));
            for (uint32_t cell = 0; cell < CELLS; cell++)
                check_cell(measured, seed, cell);
        }
        hpx_measured_free(measured);
    }
    hpx_buffer_free(&bytes);
    return 0;
}
