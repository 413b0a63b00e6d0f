/* Records of format 1, whose six metrics are fields of their own, read as those of today. */
#include "store/internal.h"
#include "store/record.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static hpx_error error;
static const char reason[] = "the loss is no longer finite";
static const uint8_t checkpoint[] = "weights";

/* What was written before metrics had names: `output` is that of the checkpoint or, of a failure, of its reason, with
 * the metrics behind it. */
static hpx_fields old_record(const hpx_metrics *metrics, const char *failure)
{
    hpx_fields fields = {0};
    const hpx_hash output = failure ? hpx_output_hash(metrics, (const uint8_t *)failure, strlen(failure))
                                    : hpx_output_hash(metrics, checkpoint, sizeof checkpoint);
    for (size_t i = 0; i < metrics->count; i++)
        hpx_fields_set_real(&fields, metrics->list[i].name, metrics->list[i].value);
    if (failure)
        hpx_fields_set_text(&fields, "failure", failure);
    hpx_fields_set_count(&fields, "parent", 2);
    hpx_fields_set_hash(&fields, "output", &output);
    hpx_fields_set_hash(&fields, "code", &(hpx_hash){{1}});
    hpx_fields_set_hash(&fields, "dataset", &(hpx_hash){{2}});
    hpx_fields_set_bytes(&fields, "cell",
                         "n1\0"
                         "128",
                         7);
    hpx_fields_set_count(&fields, "seed", 7);
    hpx_fields_set_text(&fields, "host", "node");
    hpx_fields_set_count(&fields, "started", 1700000000123456789);
    hpx_fields_set_real(&fields, "seconds", 1.5);
    hpx_fields_set_real(&fields, "total-seconds", 4.5);
    return fields;
}

static hpx_status decode(hpx_artifact *out, hpx_cell_set *cells, hpx_fields *record)
{
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, record);
    *out = (hpx_artifact){.epoch = 3};
    hpx_status status = hpx_decode_artifact(out, cells, bytes.data, bytes.size, &error);
    hpx_buffer_free(&bytes);
    hpx_fields_free(record);
    return status;
}

/* The output stays what it was, and the record is the one that is written today. */
static void test_epoch(void **state)
{
    (void)state;
    const hpx_metrics metrics = made_metrics(0.5, 0.75, NAN, NAN, 0.25, 0.875);
    hpx_cell_set *cells = hpx_cell_set_new();
    hpx_artifact read, again;
    hpx_fields record = old_record(&metrics, NULL);
    expect_ok(decode(&read, cells, &record), &error);
    const hpx_hash output = hpx_output_hash(&read.metrics, checkpoint, sizeof checkpoint);
    assert_true(hpx_metrics_same_names(&read.metrics, &metrics) && hpx_hash_equal(&output, &read.output));
    assert_string_equal(read.failure, "");
    assert_true(read.parent == 2 && read.seed == 7 && read.seconds == 1.5 && read.total_seconds == 4.5);
    hpx_fields today = {0};
    hpx_artifact_fields(&today, &read);
    assert_false(hpx_is_format_1_record(&today));
    expect_ok(decode(&again, cells, &today), &error);
    assert_true(hpx_artifact_same_output(&again, &read));
    hpx_artifact_free(&read);
    hpx_artifact_free(&again);
    hpx_cell_set_free(cells);
}

static void test_failure(void **state)
{
    (void)state;
    const hpx_metrics none = made_metrics(NAN, NAN, NAN, NAN, NAN, NAN);
    const hpx_hash output = hpx_failure_hash(reason);
    hpx_cell_set *cells = hpx_cell_set_new();
    hpx_artifact read;
    hpx_fields record = old_record(&none, reason);
    expect_ok(decode(&read, cells, &record), &error);
    assert_string_equal(read.failure, reason);
    assert_int_equal(read.metrics.count, 0);
    assert_memory_equal(&read.output, &output, sizeof output);
    hpx_cell_set_free(cells);
}

static void test_damaged(void **state)
{
    (void)state;
    const hpx_metrics none = made_metrics(NAN, NAN, NAN, NAN, NAN, NAN),
                      some = made_metrics(1, 1, 1, 1, 1, 1);
    hpx_cell_set *cells = hpx_cell_set_new();
    hpx_artifact read;
    hpx_fields record = old_record(&some, reason);
    assert_int_equal(decode(&read, cells, &record), HPX_DAMAGED);
    record = old_record(&none, reason);
    hpx_fields_set_text(&record, "failure", "another reason");
    assert_int_equal(decode(&read, cells, &record), HPX_DAMAGED);
    record = old_record(&some, NULL);
    hpx_fields_set_count(&record, "test_loss", 1);
    assert_int_equal(decode(&read, cells, &record), HPX_DAMAGED);
    record = old_record(&some, NULL);
    hpx_fields_set_text(&record, "metric.names", "loss");
    hpx_fields_set_reals(&record, "metric.values", (const double[]){1}, 1);
    assert_int_equal(decode(&read, cells, &record), HPX_DAMAGED);
    hpx_cell_set_free(cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
