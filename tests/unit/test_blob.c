/* Blobs: bytes behind a descriptor, read, hashed, copied and mapped. */
#include "hpx/blob.h"

#include "../helper/helper.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE = 2 * HPX_PIECE_BYTES + 77 };

static char *folder;
static uint8_t *large;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    large = malloc(LARGE);
    draw_seed(1);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)draw(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    free(large);
    return 0;
}

static void test_read(void **state)
{
    (void)state;
    hpx_error error;
    char bytes[8] = "";
    hpx_blob blob = blob_of("hello", 5);
    assert_int_equal(blob.size, 5);
    expect_ok(hpx_blob_add(&blob, "!?", 2, &error), &error);
    assert_int_equal(blob.size, 7);
    expect_ok(hpx_blob_read(&blob, bytes, 3, 4, &error), &error);
    assert_string_equal(bytes, "o!?");
    assert_int_equal(lseek(blob.fd, 0, SEEK_CUR), 0); /* others may read it too */
    assert_int_equal(hpx_blob_read(&blob, bytes, 3, 5, &error), HPX_FAILED);
    expect_contains(error.message, "shorter than 7 bytes");
    hpx_blob_close(&blob);
    assert_int_equal(blob.fd, -1);
    hpx_blob_close(&blob);
}

static void test_open(void **state)
{
    (void)state;
    hpx_error error;
    hpx_blob blob;
    char *path = hpx_path_join(folder, "a"), bytes[6] = "";
    assert_int_equal(hpx_blob_open(&blob, path, &error), HPX_NOT_FOUND);
    assert_int_equal(blob.fd, -1);
    assert_int_equal(hpx_blob_open(&blob, folder, &error), HPX_FAILED);
    expect_contains(error.message, "not a regular file");
    write_text(path, "hello");
    expect_ok(hpx_blob_open(&blob, path, &error), &error);
    assert_int_equal(blob.size, 5);
    expect_ok(hpx_blob_read(&blob, bytes, 5, 0, &error), &error);
    assert_string_equal(bytes, "hello");
    hpx_blob_close(&blob);
    free(path);
}

static hpx_status append(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)error;
    hpx_buffer_add(context, bytes, size);
    return HPX_OK;
}

static hpx_status refuse(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    (void)bytes, (void)size;
    ++*(int *)context;
    return hpx_error_set(error, HPX_INTERRUPTED, "enough");
}

static void test_pieces(void **state)
{
    (void)state;
    hpx_error error;
    hpx_buffer all = {0};
    hpx_hash hash, expected = hpx_hash_of(large, LARGE);
    int calls = 0;
    hpx_blob blob = blob_of(large, LARGE);
    expect_ok(hpx_blob_each_piece(&blob, append, &all, &error), &error);
    assert_int_equal(all.size, LARGE);
    assert_memory_equal(all.data, large, LARGE);
    assert_int_equal(hpx_blob_each_piece(&blob, refuse, &calls, &error), HPX_INTERRUPTED);
    assert_int_equal(calls, 1);
    expect_ok(hpx_blob_hash(&hash, &blob, &error), &error);
    assert_true(hpx_hash_equal(&hash, &expected));
    hpx_blob_close(&blob);
    hpx_buffer_free(&all);
}

/* From memory and from a file, with and without a hash: other calls of the kernel each time. */
static void test_copy(void **state)
{
    (void)state;
    hpx_error error;
    char *from = hpx_path_join(folder, "from"), *to = hpx_path_join(folder, "to");
    const hpx_hash expected = hpx_hash_of(large, LARGE);
    write_file(from, large, LARGE);
    for (int variant = 0; variant < 4; variant++) {
        hpx_blob blob = blob_of(large, LARGE);
        hpx_hash hash = {{0}};
        if (variant & 1) {
            hpx_blob_close(&blob);
            expect_ok(hpx_blob_open(&blob, from, &error), &error);
        }
        int fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        assert_true(fd >= 0);
        expect_ok(hpx_blob_copy(fd, variant & 2 ? &hash : NULL, &blob, &error), &error);
        hpx_buffer copy = read_file(to);
        assert_int_equal(copy.size, LARGE);
        assert_memory_equal(copy.data, large, LARGE);
        assert_true(hpx_hash_is_zero(&hash) || hpx_hash_equal(&hash, &expected));
        assert_int_equal(hpx_hash_is_zero(&hash), !(variant & 2));
        hpx_buffer_free(&copy);
        hpx_blob_close(&blob);
        close(fd);
    }
    free(from);
    free(to);
}

/* A part of a file is a blob, too: the rest is not copied with it. */
static void test_copy_of_a_part(void **state)
{
    (void)state;
    hpx_error error;
    char *from = hpx_path_join(folder, "from"), *to = hpx_path_join(folder, "to");
    write_text(from, "hello, world");
    hpx_blob blob;
    expect_ok(hpx_blob_open(&blob, from, &error), &error);
    blob.size = 5;
    int fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    expect_ok(hpx_blob_copy(fd, NULL, &blob, &error), &error);
    hpx_buffer copy = read_file(to);
    assert_string_equal(hpx_buffer_text(&copy), "hello");
    hpx_buffer_free(&copy);
    hpx_blob_close(&blob);
    close(fd);
    free(from);
    free(to);
}

static void test_map(void **state)
{
    (void)state;
    hpx_error error;
    const uint8_t *bytes;
    hpx_blob blob = blob_of(large, LARGE), empty = blob_of("", 0);
    expect_ok(hpx_blob_map(&bytes, &blob, &error), &error);
    assert_memory_equal(bytes, large, LARGE);
    hpx_blob_unmap(bytes, blob.size);
    assert_int_equal(ftruncate(blob.fd, 3), 0);
    assert_int_equal(hpx_blob_map(&bytes, &blob, &error), HPX_FAILED);
    expect_contains(error.message, "shorter than");
    expect_ok(hpx_blob_map(&bytes, &empty, &error), &error);
    assert_null(bytes);
    hpx_blob_unmap(bytes, 0);
    hpx_blob_close(&blob);
    hpx_blob_close(&empty);
}

/* What a full disk does to a copy is told, with errno for who must know. */
static void test_full(void **state)
{
    (void)state;
    hpx_error error;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    hpx_blob blob = blob_of("hello", 5);
    assert_int_equal(hpx_blob_copy(full, NULL, &blob, &error), HPX_FAILED);
    expect_contains(error.message, "No space left");
    hpx_blob_close(&blob);
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_of_a_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
