/* Labelled images as the inputs of a trainer: what is opened, and the samples that a manifest names. */
#include "trainer/images.h"

#include "hpx/file.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *folder;
static hpx_error error;
static hpx_input inputs[HPX_ROLES];

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    write_digits(folder);
    for (int role = 0; role < HPX_ROLES; role++) {
        char *path = hpx_path_join(folder, hpx_role_names[role]);
        hpx_buffer bytes = read_file(path);
        inputs[role] = (hpx_input){
            .name = hpx_role_names[role], .path = path, .hash = hpx_hash_of(bytes.data, bytes.size)};
        hpx_buffer_free(&bytes);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int role = 0; role < HPX_ROLES; role++)
        free(inputs[role].path);
    remove_folder(folder);
    return 0;
}

static hpx_dataset *open_digits(void)
{
    void *data;
    expect_ok(hpx_images.open(&data, inputs, &error), &error);
    return data;
}

/* The images in use are the first of the file, those held out the last. */
static void test_split(void **state)
{
    (void)state;
    hpx_dataset *data = open_digits();
    hpx_split split;
    const uint8_t *pixels = data->files[HPX_TRAIN_IMAGES].values,
                  *labels = data->files[HPX_TRAIN_LABELS].values;
    static const struct {
        uint32_t train, validation;
        bool good;
    } cases[] = {{48, 12, true}, {10, 12, true},         {60, 0, true},         {1, 59, true},
                 {0, 12, false}, {49, 12, false},        {61, 0, false},        {1, 60, false},
                 {1, 61, false}, {UINT32_MAX, 1, false}, {1, UINT32_MAX, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        hpx_fields manifest = {0};
        hpx_fields_set_count(&manifest, "dataset.train-count", cases[i].train);
        hpx_fields_set_count(&manifest, "dataset.validation-count", cases[i].validation);
        hpx_status status = hpx_images_split(&split, &manifest, data, &error);
        assert_int_equal(status, cases[i].good ? HPX_OK : HPX_FAILED);
        hpx_fields_free(&manifest);
        if (status)
            continue;
        uint32_t held_out = DIGITS_TRAIN - cases[i].validation;
        assert_int_equal(split.shape.features, DIGITS_FEATURES);
        assert_int_equal(split.shape.classes, DIGITS_CLASSES);
        assert_int_equal(split.train.count, cases[i].train);
        assert_ptr_equal(split.train.pixels, pixels);
        assert_ptr_equal(split.train.labels, labels);
        assert_int_equal(split.validation.count, cases[i].validation);
        assert_ptr_equal(split.validation.pixels, pixels + (size_t)held_out * DIGITS_FEATURES);
        assert_ptr_equal(split.validation.labels, labels + held_out);
        assert_int_equal(split.test.count, DIGITS_TEST);
        assert_ptr_equal(split.test.pixels, data->files[HPX_TEST_IMAGES].values);
    }
    hpx_images.close(data);
}

static void test_other_bytes(void **state)
{
    (void)state;
    void *data;
    for (int role = 0; role < HPX_ROLES; role++) {
        inputs[role].hash.bytes[15] ^= 1;
        assert_int_equal(hpx_images.open(&data, inputs, &error), HPX_FAILED);
        assert_null(data);
        expect_contains(error.message, hpx_role_names[role]);
        expect_contains(error.message, "have changed");
        inputs[role].hash.bytes[15] ^= 1;
    }
    hpx_images.close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_other_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
