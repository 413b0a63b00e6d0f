/* Four IDX files as one data set, in memory and mapped; the table of known data sets. */
#include "hpx/dataset.h"
#include "hpx/file.h"

#include "base/memory.h"
#include "hpx/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const names[HPX_ROLES] = {"tr-images", "tr-labels", "te-images", "te-labels"};

#define HEADER_3 "\0\0\x08\x03"
#define HEADER_2 "\0\0\x08\x02"
#define HEADER_1 "\0\0\x08\x01"
#define SIZE(n)  "\0\0\0" n
/* The bytes of a string literal, as an initialiser. */
#define BYTES(text)                                                                                          \
    {                                                                                                        \
        .data = (uint8_t *)(text), .size = sizeof(text) - 1                                                  \
    }

/* Three training images of 2 x 2 and two test images of the same size. */
static void valid_files(hpx_buffer files[HPX_ROLES])
{
    files[HPX_TRAIN_IMAGES] = (hpx_buffer)BYTES(HEADER_3 SIZE("\3") SIZE("\2") SIZE("\2") "abcdefghijkl");
    files[HPX_TRAIN_LABELS] = (hpx_buffer)BYTES(HEADER_1 SIZE("\3") "\0\4\1");
    files[HPX_TEST_IMAGES] = (hpx_buffer)BYTES(HEADER_3 SIZE("\2") SIZE("\2") SIZE("\2") "mnopqrst");
    files[HPX_TEST_LABELS] = (hpx_buffer)BYTES(HEADER_1 SIZE("\2") "\2\3");
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static void test_parse(void **state)
{
    (void)state;
    hpx_buffer files[HPX_ROLES];
    hpx_dataset dataset;
    hpx_error error;
    valid_files(files);
    assert_int_equal(hpx_dataset_parse(&dataset, names, files, &error), HPX_OK);
    assert_int_equal(dataset.features, 4);
    assert_int_equal(dataset.classes, 5);
    assert_int_equal(dataset.files[HPX_TRAIN_IMAGES].count, 3);
    assert_int_equal(dataset.files[HPX_TEST_IMAGES].count, 2);
    assert_memory_equal(dataset.files[HPX_TEST_IMAGES].values, "mnopqrst", 8);
    for (size_t role = 0; role < HPX_ROLES; role++)
        assert_null(dataset.bytes[role].data);

    /* A label that only test samples have counts as a class: every label is below `classes`. */
    files[HPX_TEST_LABELS] = (hpx_buffer)BYTES(HEADER_1 SIZE("\2") "\xff\3");
    assert_int_equal(hpx_dataset_parse(&dataset, names, files, &error), HPX_OK);
    assert_int_equal(dataset.classes, 256);

    /* Only the number of bytes per image has to agree. */
    files[HPX_TEST_IMAGES] = (hpx_buffer)BYTES(HEADER_2 SIZE("\2") SIZE("\4") "mnopqrst");
    assert_int_equal(hpx_dataset_parse(&dataset, names, files, &error), HPX_OK);
    hpx_dataset_close(&dataset);
}

static void test_refuse(void **state)
{
    (void)state;
    static const struct {
        size_t role;
        hpx_buffer file;
        const char *message;
    } cases[] = {
        {HPX_TRAIN_IMAGES, {0}, "tr-images: not an IDX file: it has 0 bytes"},
        {HPX_TEST_LABELS, BYTES(HEADER_1 SIZE("\2") "\0"),
         "te-labels: truncated: the header says 10 bytes, the file has 9"},
        {HPX_TRAIN_IMAGES, BYTES(HEADER_1 SIZE("\3") "abc"),
         "tr-images: images have 2 dimensions or more, this file has 1"},
        {HPX_TEST_LABELS, BYTES(HEADER_2 SIZE("\2") SIZE("\1") "\0\0"),
         "te-labels: labels have 1 dimension, this file has 2"},
        {HPX_TRAIN_LABELS, BYTES(HEADER_1 SIZE("\2") "\0\1"),
         "tr-labels: 2 labels for the 3 images of tr-images"},
        {HPX_TEST_LABELS, BYTES(HEADER_1 SIZE("\3") "\0\1\2"),
         "te-labels: 3 labels for the 2 images of te-images"},
        {HPX_TEST_IMAGES, BYTES(HEADER_2 SIZE("\2") SIZE("\3") "mnopqr"),
         "te-images: images of 3 bytes, those of tr-images have 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hpx_buffer files[HPX_ROLES];
        hpx_dataset dataset;
        hpx_error error;
        valid_files(files);
        files[cases[i].role] = cases[i].file;
        assert_int_equal(hpx_dataset_parse(&dataset, names, files, &error), HPX_FAILED);
        assert_string_equal(error.message, cases[i].message);
    }
}

/* What was read stays what it was, whatever becomes of the file. */
static void test_truncated_meanwhile(void **state)
{
    (void)state;
    char folder[] = "/tmp/hpx-test-dataset.XXXXXX";
    assert_non_null(mkdtemp(folder));
    hpx_buffer files[HPX_ROLES];
    char *paths[HPX_ROLES];
    hpx_dataset dataset;
    hpx_error error;
    valid_files(files);
    for (size_t role = 0; role < HPX_ROLES; role++) {
        paths[role] = hpx_path_join(folder, names[role]);
        assert_int_equal(hpx_file_write(paths[role], files[role].data, files[role].size, &error), HPX_OK);
    }
    assert_int_equal(hpx_dataset_open(&dataset, (const char *const *)paths, &error), HPX_OK);
    for (size_t role = 0; role < HPX_ROLES; role++) {
        assert_int_equal(truncate(paths[role], 0), 0);
        assert_memory_equal(dataset.bytes[role].data, files[role].data, files[role].size);
        unlink(paths[role]);
        free(paths[role]);
    }
    hpx_dataset_close(&dataset);
    rmdir(folder);
}

static void test_open(void **state)
{
    (void)state;
    char folder[] = "/tmp/hpx-test-dataset.XXXXXX";
    assert_non_null(mkdtemp(folder));
    hpx_buffer files[HPX_ROLES];
    char *paths[HPX_ROLES];
    const char *const *given = (const char *const *)paths;
    hpx_dataset dataset;
    hpx_error error;
    valid_files(files);
    for (size_t role = 0; role < HPX_ROLES; role++) {
        paths[role] = hpx_path_join(folder, names[role]);
        assert_int_equal(hpx_file_write(paths[role], files[role].data, files[role].size, &error), HPX_OK);
    }
    assert_int_equal(hpx_dataset_open(&dataset, given, &error), HPX_OK);
    assert_int_equal(dataset.classes, 5);
    for (size_t role = 0; role < HPX_ROLES; role++) {
        assert_int_equal(dataset.bytes[role].size, files[role].size);
        assert_ptr_equal(dataset.files[role].values,
                         dataset.bytes[role].data + 4 + 4 * dataset.files[role].dimensions);
    }
    hpx_dataset_close(&dataset);
    assert_null(dataset.bytes[0].data);
    hpx_dataset_close(&dataset);

    assert_int_equal(hpx_file_write(paths[HPX_TEST_LABELS], "", 0, &error), HPX_OK);
    assert_int_equal(hpx_dataset_open(&dataset, given, &error), HPX_FAILED);
    assert_contains(error.message, "te-labels: not an IDX file");
    assert_null(dataset.bytes[0].data);
    assert_int_equal(unlink(paths[HPX_TEST_LABELS]), 0);
    assert_int_equal(hpx_dataset_open(&dataset, given, &error), HPX_NOT_FOUND);
    assert_contains(error.message, "te-labels: no such file");

    for (size_t role = 0; role < HPX_ROLES; role++) {
        unlink(paths[role]);
        free(paths[role]);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void test_known(void **state)
{
    (void)state;
    const char *const *known_names = hpx_known_names();
    size_t count = 0;
    for (; known_names[count]; count++) {
        const hpx_known_dataset *known = hpx_known_find(known_names[count]);
        assert_non_null(known);
        assert_string_equal(known->name, known_names[count]);
        uint64_t samples[] = {known->train_count, known->train_count, known->test_count, known->test_count};
        for (size_t role = 0; role < HPX_ROLES; role++) {
            bool labels = role == HPX_TRAIN_LABELS || role == HPX_TEST_LABELS;
            uint64_t size = labels ? 8 + samples[role] : 16 + samples[role] * known->height * known->width;
            assert_int_equal(known->files[role].size, size);
            assert_int_equal(strspn(known->files[role].sha256, "0123456789abcdef"), 64);
            assert_int_equal(strlen(known->files[role].sha256), 64);
        }
    }
    assert_int_equal(count, 2);
    assert_null(hpx_known_find("cifar"));

    char *path = hpx_known_path(hpx_known_find("mnist"), "cache/data", HPX_TEST_IMAGES);
    assert_string_equal(path, "cache/data/mnist/t10k-images-idx3-ubyte");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_truncated_meanwhile),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
