/* From what is known to text: JSON, tables, CSV, durations. */
#include "hpx/trainer.h"
#include "report/report.h"
#include "report/table.h"

#include "base/memory.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_text(hpx_buffer *out, const char *text)
{
    assert_string_equal(hpx_buffer_text(out), text);
    hpx_buffer_free(out);
}

static void test_json_layout(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_json json = {.out = &out};
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_json_open(&json, "empty", '{');
    hpx_json_close(&json, '}');
    hpx_json_open(&json, "list", '[');
    hpx_json_open_flat(&json, NULL, '{');
    hpx_json_text(&json, "name", "n1");
    hpx_json_open(&json, "values", '['); /* within something flat everything is */
    hpx_json_count(&json, NULL, 16);
    hpx_json_open_flat(&json, NULL, '[');
    hpx_json_close(&json, ']');
    hpx_json_count(&json, NULL, UINT64_MAX);
    hpx_json_close(&json, ']');
    hpx_json_bool(&json, "b", true);
    hpx_json_close(&json, '}');
    hpx_json_null(&json, NULL);
    hpx_json_close(&json, ']');
    hpx_json_value(&json, "n", "1e-3");
    hpx_json_bool(&json, "last", false);
    hpx_json_close(&json, '}');
    expect_text(&out, "{\n"
                      "  \"schema\": 1,\n"
                      "  \"empty\": {},\n"
                      "  \"list\": [\n"
                      "    {\"name\": \"n1\", \"values\": [16, [], 18446744073709551615], \"b\": true},\n"
                      "    null\n"
                      "  ],\n"
                      "  \"n\": 1e-3,\n"
                      "  \"last\": false\n"
                      "}\n");
}

static void test_json_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\\u007f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\x81", "\"\\u009b\\u202e\\udb40\\udc01\""},
        {"\xff", "\"\\ufffd\""},
        {"a\xc3", "\"a\\ufffd\""},
        {"\xe2\x82", "\"\\ufffd\\ufffd\""},
        {"\xc0\x80z", "\"\\ufffd\\ufffdz\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hpx_buffer out = {0};
        hpx_json json = {.out = &out};
        char *exact = hpx_strdup(cases[i][0]); /* a sanitizer sees what is read behind the end */
        hpx_json_text(&json, NULL, exact);
        free(exact);
        expect_text(&out, cases[i][1]);
    }
    hpx_buffer out = {0};
    hpx_json json = {.out = &out};
    hpx_json_open_flat(&json, NULL, '{');
    hpx_json_text(&json, "a \"name\"", NULL);
    hpx_json_close(&json, '}');
    expect_text(&out, "{\"a \\\"name\\\"\": null}\n");
}

static void test_json_numbers(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_json json = {.out = &out};
    static const double values[] = {0.1, 0, -2.5, 1e300, 0.9803, NAN, INFINITY, -INFINITY, 5e-324};
    hpx_json_open_flat(&json, NULL, '[');
    for (size_t i = 0; i < COUNT(values); i++)
        hpx_json_real(&json, NULL, values[i]);
    hpx_json_close(&json, ']');
    expect_text(&out, "[0.1, 0, -2.5, 1e+300, 0.9803, null, null, null, 5e-324]\n");
}

/* Whatever an axis holds, a strict parser takes it. */
static void test_json_values(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"128", "128"},     {"-0.5", "-0.5"},     {"1e-3", "1e-3"},
        {"1E+05", "1E+05"}, {"016", "16"},        {"+5", "5"},
        {".5", "0.5"},      {"1.", "1"},          {"0x10", "\"0x10\""},
        {"nan", "\"nan\""}, {"inf", "\"inf\""},   {"-Infinity", "\"-Infinity\""},
        {"", "\"\""},       {"-", "\"-\""},       {"1e999", "\"1e999\""},
        {"1 2", "\"1 2\""}, {"true", "\"true\""}, {"a\"b", "\"a\\\"b\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hpx_buffer out = {0};
        hpx_json json = {.out = &out};
        hpx_json_value(&json, NULL, cases[i][0]);
        expect_text(&out, cases[i][1]);
    }
}

static void test_row_fields(void **state)
{
    (void)state;
    hpx_fields fields = {0};
    hpx_buffer out = {0};
    hpx_row row = {0};
    hpx_fields_set_count(&fields, "a", 3);
    hpx_fields_set_real(&fields, "b", NAN);
    hpx_fields_set_text(&fields, "c", "t");
    hpx_fields_set_bytes(&fields, "d", "\x01\xff", 2);
    hpx_fields_set_counts(&fields, "e", (const uint64_t[]){128, 64}, 2);
    hpx_fields_set_counts(&fields, "f", NULL, 0);
    hpx_row_open(&row, NULL, '{');
    hpx_row_fields(&row, &fields);
    hpx_row_close(&row);
    hpx_row_print(&out, &row);
    expect_text(&out,
                "{\n  \"a\": 3,\n  \"b\": null,\n  \"c\": \"t\",\n  \"d\": \"01ff\",\n  \"e\": [128, 64],\n"
                "  \"f\": []\n}\n");
    hpx_row_free(&row);
    hpx_fields_free(&fields);
}

static void add_rows(hpx_rows *rows)
{
    static const hpx_column columns[] = {
        {"key", "key", 'l', hpx_show_digits, 4},
        {"cell", "cell", 'l', hpx_show_cell},
        {"a.b", "metrics.a.b", 'r', hpx_show_metric, 2},
        {"c", "metrics.c", 'r', hpx_show_metric, 2},
        {"seconds", " seconds", 'r'},
        {"note", "note", 'l'},
    };
    hpx_rows_add_columns(rows, columns, COUNT(columns));
    for (int i = 0; i < 2; i++) {
        hpx_row *row = hpx_rows_begin_flat(rows);
        hpx_row_text(row, "key", "0123456789");
        hpx_row_open_flat(row, "cell", '{');
        hpx_row_setting(row, "n", i ? "16" : "two words");
        hpx_row_close(row);
        if (i)
            hpx_row_text(row, "status", "failed");
        hpx_row_open_flat(row, "metrics", '{');
        hpx_row_real(row, "a", 1);
        hpx_row_real(row, "a.b", 0.125); /* names of metrics may have dots */
        hpx_row_real(row, "c", NAN);
        hpx_row_close(row);
        hpx_row_real(row, " seconds", 1.5); /* for columns alone */
        hpx_row_text(row, "note", i ? "a,\"b\"" : NULL);
        hpx_rows_end(rows);
    }
}

/* The same rows in each way. */
static void test_rows(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_json json = {.out = &out};
    hpx_rows *rows = hpx_rows_to_table();
    add_rows(rows);
    hpx_rows_finish(&out, rows);
    expect_text(&out, "key   cell              a.b       c  seconds  note\n"
                      "0123  n=\"two words\"    0.12       -      1.5  -\n"
                      "0123  n=16           failed  failed      1.5  a,\"b\"\n");
    rows = hpx_rows_to_csv();
    add_rows(rows);
    hpx_rows_finish(&out, rows);
    expect_text(&out, "key,cell,a.b,c,seconds,note\n"
                      "0123,\"n=\"\"two words\"\"\",0.12,-,1.5,\n"
                      "0123,n=16,failed,failed,1.5,\"a,\"\"b\"\"\"\n");
    rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '[');
    add_rows(rows);
    hpx_json_close(&json, ']');
    hpx_rows_finish(&out, rows);
    expect_text(
        &out,
        "[\n"
        "  {\"key\": \"0123456789\", \"cell\": {\"n\": \"two words\"}, \"metrics\": {\"a\": 1, \"a.b\": "
        "0.125, "
        "\"c\": null}, \"note\": null},\n"
        "  {\"key\": \"0123456789\", \"cell\": {\"n\": 16}, \"status\": \"failed\", \"metrics\": {\"a\": 1, "
        "\"a.b\": 0.125, \"c\": null}, \"note\": \"a,\\\"b\\\"\"}\n"
        "]\n");
}

/* The columns of few metrics are those with a heading, and the objective; JSON has all, whatever they are called. */
static void test_metrics_of_another_trainer(void **state)
{
    (void)state;
    static const hpx_metric_kind kinds[] = {{"distance", .minimised = true, .heading = "far"}, {".steps"}};
    static const hpx_trainer walk = {.name = "walk", .metrics = kinds, .metric_count = COUNT(kinds)};
    static hpx_metric metrics[] = {{"distance", 0.5}, {".steps", 3}};
    const hpx_provenance provenance = {
        .artifact = {.key = {{0xab}}, .epoch = 2, .metrics = {metrics, COUNT(metrics)}}};
    const hpx_objective distance = {"distance", true}, steps = {".steps", false};
    hpx_error error;
    hpx_buffer out = {0};
    hpx_json json = {.out = &out};
    expect_ok(hpx_trainer_register(&walk, &error), &error);
    hpx_rows *rows = hpx_rows_to_table();
    hpx_report_list_columns(rows, &distance, NULL);
    hpx_report_provenance(rows, &provenance, NULL);
    hpx_rows_finish(&out, rows);
    expect_text(&out, "key           cell  seed  epoch     far  data  code\n"
                      "ab0000000000           0      2  0.5000  -     -\n");
    rows = hpx_rows_to_table();
    hpx_report_list_columns(rows, &steps, NULL);
    hpx_report_provenance(rows, &provenance, NULL);
    hpx_rows_finish(&out, rows);
    expect_text(&out, "key           cell  seed  epoch  .steps     far  data  code\n"
                      "ab0000000000           0      2  3.0000  0.5000  -     -\n");
    rows = hpx_rows_to_json(&json);
    hpx_report_provenance(rows, &provenance, NULL);
    hpx_rows_finish(&out, rows);
    expect_contains(hpx_buffer_text(&out), "\"metrics\": {\"distance\": 0.5, \".steps\": 3}");
    assert_null(strstr(hpx_buffer_text(&out), "parent_epoch"));
    hpx_buffer_free(&out);
}

/* Metrics that no trainer lists: without an objective the first of them have one column; a column of which no row has
 * anything is left out, but where none has. */
static void test_metrics_of_programs(void **state)
{
    (void)state;
    static hpx_metric metrics[] = {{"val.acc", 0.5}, {"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}};
    hpx_provenance provenance = {.artifact = {.key = {{0xab}}, .epoch = 2, .metrics = {metrics, 3}}};
    const hpx_objective accuracy = {"val.acc", false};
    hpx_buffer out = {0};
    hpx_rows *rows = hpx_rows_to_table();
    hpx_report_list_columns(rows, NULL, NULL);
    hpx_report_provenance(rows, &provenance, NULL);
    provenance.artifact.metrics.count = 5;
    hpx_report_provenance(rows, &provenance, NULL);
    hpx_rows_finish(&out, rows);
    expect_text(&out, "key           cell  seed  epoch  metrics                                  data  code\n"
                      "ab0000000000           0      2  val.acc 0.5000, a 1.0000, b 2.0000       -     -\n"
                      "ab0000000000           0      2  val.acc 0.5000, a 1.0000, b 2.0000, ...  -     -\n");
    rows = hpx_rows_to_table();
    hpx_report_list_columns(rows, &accuracy, NULL);
    hpx_report_provenance(rows, &provenance, NULL);
    hpx_rows_finish(&out, rows);
    expect_contains(hpx_buffer_text(&out), "key           cell  seed  epoch  val.acc  ");
    snprintf(provenance.artifact.failure, HPX_FAILURE_BYTES, "it ends");
    rows = hpx_rows_to_table();
    hpx_report_list_columns(rows, NULL, NULL);
    hpx_report_provenance(rows, &provenance, NULL);
    hpx_rows_finish(&out, rows);
    expect_contains(hpx_buffer_text(&out), "  metrics  ");
    hpx_buffer_free(&out);
}

static void test_no_rows(void **state)
{
    (void)state;
    static const hpx_column columns[] = {{"a", "a", 'l'}, {"b, c", "b", 'r'}};
    hpx_buffer out = {0};
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT(columns));
    hpx_rows_finish(&out, rows);
    expect_text(&out, "a  b, c\n");
    rows = hpx_rows_to_csv();
    hpx_rows_add_columns(rows, columns, COUNT(columns));
    hpx_rows_finish(&out, rows);
    expect_text(&out, "a,\"b, c\"\n");
}

static void test_table(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_table *table = hpx_table_new("lrl");
    static const char *const cells[] = {
        "name", "n", "note", "\xc3\xa9t\xc3\xa9",      "1000", "\xe2\x82\xac", "", "-1", "", "longest",
        "",     "x", "a",    "0.9803 \xc2\xb1 0.0001", ""};
    for (size_t i = 0; i < COUNT(cells); i++)
        hpx_table_add(table, "%s", cells[i]);
    hpx_buffer_puts(&out, "> ");
    hpx_table_print(&out, table);
    expect_text(&out, "> name                   n  note\n"
                      "\xc3\xa9t\xc3\xa9                 1000  \xe2\x82\xac\n"
                      "                      -1\n"
                      "longest                   x\n"
                      "a        0.9803 \xc2\xb1 0.0001\n");
    out.size = 0;
    hpx_table_set_width(1); /* one column beside the first, however wide */
    hpx_table_print(&out, table);
    hpx_table_set_width(SIZE_MAX);
    expect_text(&out, "name                   n\n"
                      "\xc3\xa9t\xc3\xa9                 1000\n"
                      "                      -1\n"
                      "longest\n"
                      "a        0.9803 \xc2\xb1 0.0001\n"
                      "\n"
                      "name     note\n"
                      "\xc3\xa9t\xc3\xa9      \xe2\x82\xac\n"
                      "\n"
                      "longest  x\n"
                      "a\n");
    hpx_table_free(table);
}

/* A table whose rows are added again for every pass is the same, and passed on piece by piece. */
static hpx_buffer passed;
static size_t largest_piece;

static void take_piece(const void *bytes, size_t size)
{
    hpx_buffer_add(&passed, bytes, size);
    largest_piece = size > largest_piece ? size : largest_piece;
}

static void add_numbers(hpx_table *table)
{
    for (int row = 0; row < 20000; row++) {
        hpx_table_add(table, "row %d", row);
        hpx_table_add(table, "%d", row * row % 977);
        hpx_table_add(table, row % 3 ? "%d" : "", row);
    }
}

static void test_long_table(void **state)
{
    (void)state;
    for (size_t width = 1; width != 0; width = width == 1 ? SIZE_MAX : 0) {
        hpx_buffer kept = {0}, out = {.sink = take_piece};
        hpx_table_set_width(width);
        hpx_table *table = hpx_table_new("lrl");
        add_numbers(table);
        hpx_table_print(&kept, table);
        hpx_table_free(table);

        passed.size = largest_piece = 0;
        table = hpx_table_new("lrl");
        hpx_table_begin_passes(table);
        do
            add_numbers(table);
        while (hpx_table_next_pass(table, &out));
        hpx_table_free(table);
        hpx_table_set_width(SIZE_MAX);
        take_piece(out.data, out.size);
        assert_int_equal(passed.size, kept.size);
        assert_memory_equal(passed.data, kept.data, kept.size);
        assert_true(largest_piece < kept.size / 2);
        hpx_buffer_free(&out);
        hpx_buffer_free(&kept);
    }
    hpx_buffer_free(&passed);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00"},        {0.4, "0:00"},       {0.6, "0:01"},        {41, "0:41"},
                 {59.7, "1:00"},     {725, "12:05"},      {3599, "59:59"},      {3600, "1:00:00"},
                 {10930, "3:02:10"}, {86399, "23:59:59"}, {86400, "1 d 00:00"}, {184200, "2 d 03:10"},
                 {NAN, "?"},         {INFINITY, "?"}};
    char text[32];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(hpx_duration_text(text, cases[i].seconds), cases[i].text);
}

static hpx_names names_of(const char *words)
{
    hpx_names names = {0};
    char word[32];
    for (int size; sscanf(words, "%31s%n", word, &size) == 1; words += size)
        hpx_names_add(&names, word);
    return names;
}

static void test_csv(void **state)
{
    (void)state;
    hpx_names axes = names_of("n1 act absent"),
              metrics = names_of("train_loss test_accuracy act key metric.x validation_loss");
    hpx_artifact artifact = {.key = {{0xab}},
                             .epoch = 15,
                             .seed = 3,
                             .metrics = made_metrics(0.5, 0.75, NAN, NAN, 0.1, 0.9803),
                             .cell = CELL("n1\0"
                                          "128\0"
                                          "act\0"
                                          "a,\"b\" c=d"),
                             .seconds = 1.25};
    hpx_buffer out = {0};
    hpx_rows *rows = hpx_rows_to_csv();
    hpx_report_table_columns(rows, &axes, &metrics);
    hpx_report_table_row(rows, &artifact);
    hpx_rows_finish(&out, rows);
    expect_text(
        &out,
        "n1,act,absent,seed,epoch,status,train_loss,test_accuracy,metric.act,metric.key,metric.metric.x,"
        "validation_loss,seconds,key\n"
        "128,\"a,\"\"b\"\" c=d\",,3,15,,0.5,0.9803,,,,,1.25,ab000000000000000000000000000000\n");
    hpx_names_free(&axes);
    hpx_names_free(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_layout),
        cmocka_unit_test(test_json_text),
        cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_json_values),
        cmocka_unit_test(test_row_fields),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_metrics_of_programs),
        cmocka_unit_test(test_metrics_of_another_trainer),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_long_table),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
