/* Large checkpoints: files beside the data file, shared where equal, gone with the last that refers to them. */
#include "hpx/store.h"

#include "store/space.h"

#include "base/memory.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE = (1 << 20) + 12345, LIMIT = 1 << 20 };

static char *folder;
static hpx_store *store;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_store_close(store);
    remove_folder(folder);
    return 0;
}

/* `size` bytes that all have this value. */
static hpx_buffer bytes_of(int byte, size_t size)
{
    hpx_buffer bytes = {0};
    hpx_buffer_reserve(&bytes, size);
    memset(bytes.data, byte, size);
    bytes.size = size;
    return bytes;
}

static hpx_status put_blob(uint64_t number, uint32_t epoch, const hpx_blob *blob, const hpx_buffer *bytes,
                           const hpx_put_options *options)
{
    hpx_buffer manifest = numbered_manifest(number);
    hpx_artifact artifact = {.key = numbered_key(number),
                             .epoch = epoch,
                             .metrics = made_metrics(1, 1, 1, 1, 1, 1),
                             .cell = CELL("n\0"
                                          "1"),
                             .host = "host"};
    artifact.output = hpx_output_hash(&artifact.metrics, bytes->data, bytes->size);
    hpx_status status = hpx_store_put(store, &manifest, &artifact, blob, options, &error);
    hpx_buffer_free(&manifest);
    return status;
}

/* With a checkpoint of such bytes. */
static hpx_status put(uint64_t number, uint32_t epoch, int byte, size_t size, const hpx_put_options *options)
{
    hpx_buffer bytes = bytes_of(byte, size);
    hpx_blob blob;
    expect_ok(hpx_blob_from_bytes(&blob, bytes.data, size, &error), &error);
    hpx_status status = put_blob(number, epoch, &blob, &bytes, options);
    hpx_blob_close(&blob);
    hpx_buffer_free(&bytes);
    return status;
}

static hpx_hash hash_of(int byte, size_t size)
{
    uint8_t *bytes = hpx_alloc(size);
    memset(bytes, byte, size);
    hpx_hash hash = hpx_hash_of(bytes, size);
    free(bytes);
    return hash;
}

static char *path_of(int byte, size_t size)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_hash hash = hash_of(byte, size);
    hpx_hash_hex(hex, &hash);
    return hpx_format("%s/blobs/%.2s/%s", folder, hex, hex);
}

static bool has_file(int byte)
{
    char *path = path_of(byte, LARGE);
    bool exists = hpx_path_exists(path);
    free(path);
    return exists;
}

/* All files below blobs/, temporary ones too. */
static size_t count_files(const char *path)
{
    DIR *entries = opendir(path);
    size_t count = 0;
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        char *inner = hpx_path_join(path, entry->d_name);
        if (entry->d_name[0] != '.')
            count += hpx_path_is_folder(inner) ? count_files(inner) : 1;
        free(inner);
    }
    if (entries)
        closedir(entries);
    return count;
}

static size_t files(void)
{
    char *path = hpx_path_join(folder, "blobs");
    size_t count = count_files(path);
    free(path);
    return count;
}

static void expect_newest(uint64_t number, uint32_t epoch, int byte, size_t size)
{
    hpx_blob blob;
    uint32_t found;
    hpx_hash key = numbered_key(number), hash, expected = hash_of(byte, size);
    expect_ok(hpx_store_newest_checkpoint(&found, &blob, store, &key, UINT32_MAX, &error), &error);
    assert_int_equal(found, epoch);
    assert_int_equal(blob.size, size);
    expect_ok(hpx_blob_hash(&hash, &blob, &error), &error);
    assert_true(hpx_hash_equal(&hash, &expected));
    hpx_blob_close(&blob);
}

static const hpx_put_options keep_all = {.keep = HPX_KEEP_ALL};

static void test_from_one_mebibyte(void **state)
{
    (void)state;
    expect_ok(put(1, 1, 'a', LIMIT - 1, NULL), &error);
    assert_int_equal(files(), 0);
    expect_newest(1, 1, 'a', LIMIT - 1);
    expect_ok(put(2, 1, 'b', LIMIT, NULL), &error);
    assert_int_equal(files(), 1);
    expect_newest(2, 1, 'b', LIMIT);
}

/* The epoch before goes with the put of the next, and only with that. */
static void test_superseded(void **state)
{
    (void)state;
    expect_ok(put(1, 1, 'a', LARGE, NULL), &error);
    expect_ok(put(1, 2, 'b', LARGE, NULL), &error);
    assert_false(has_file('a'));
    assert_true(has_file('b'));
    expect_ok(put(1, 3, 'c', LARGE, &keep_all), &error);
    assert_int_equal(files(), 2);
    expect_ok(put(1, 4, 'd', 10, NULL), &error); /* a small one supersedes, too */
    assert_int_equal(files(), 0);
    expect_newest(1, 4, 'd', 10);
}

/* Within one put: the same bytes again, in place of those that the put drops. */
static void test_same_bytes_again(void **state)
{
    (void)state;
    expect_ok(put(1, 1, 'a', LARGE, NULL), &error);
    expect_ok(put(1, 2, 'a', LARGE, NULL), &error);
    assert_int_equal(files(), 1);
    expect_newest(1, 2, 'a', LARGE);
    expect_ok(put(1, 2, 'a', LARGE, NULL), &error);
    assert_int_equal(files(), 1);
}

static void test_shared(void **state)
{
    (void)state;
    bool done;
    const hpx_hash one = numbered_key(1), two = numbered_key(2);
    expect_ok(put(1, 1, 'a', LARGE, NULL), &error);
    expect_ok(put(2, 1, 'a', LARGE, NULL), &error);
    hpx_buffer manifest = numbered_manifest(3);
    expect_ok(hpx_store_copy(store, &one, &manifest, &error), &error);
    hpx_buffer_free(&manifest);
    assert_int_equal(files(), 1);
    expect_newest(3, 1, 'a', LARGE);
    expect_ok(hpx_store_drop_checkpoints(&done, store, &one, &(uint32_t){1}, 1, &error), &error);
    expect_ok(hpx_store_forget(&done, store, &two, &error), &error);
    assert_true(done);
    expect_newest(3, 1, 'a', LARGE);
    const hpx_hash three = numbered_key(3);
    expect_ok(hpx_store_forget(&done, store, &three, &error), &error);
    assert_int_equal(files(), 0);
}

/* A put that comes to nothing leaves no file. */
static void test_refused(void **state)
{
    (void)state;
    expect_ok(put(1, 1, 'a', LARGE, NULL), &error);
    assert_int_equal(put(1, 1, 'b', LARGE, NULL), HPX_DIFFERS);
    assert_int_equal(files(), 1);
    assert_true(has_file('a'));
    expect_newest(1, 1, 'a', LARGE);
}

/* What is open stays readable whatever becomes of the checkpoint. */
static void test_open_when_dropped(void **state)
{
    (void)state;
    hpx_blob blob;
    uint32_t epoch;
    bool done;
    hpx_hash key = numbered_key(1), hash, expected = hash_of('a', LARGE);
    expect_ok(put(1, 1, 'a', LARGE, NULL), &error);
    expect_ok(hpx_store_newest_checkpoint(&epoch, &blob, store, &key, 1, &error), &error);
    expect_ok(hpx_store_forget(&done, store, &key, &error), &error);
    assert_int_equal(files(), 0);
    expect_ok(hpx_blob_hash(&hash, &blob, &error), &error);
    assert_true(hpx_hash_equal(&hash, &expected));
    hpx_blob_close(&blob);
}

static void count_report(void *context, const char *what)
{
    (void)what;
    ++*(size_t *)context;
}

/* A damaged one is reported and passed over; the one before it is given instead. */
static void test_damaged(void **state)
{
    (void)state;
    size_t reports = 0;
    uint64_t checked;
    expect_ok(put(1, 1, 'a', LARGE, &keep_all), &error);
    expect_ok(put(1, 2, 'b', LARGE, &keep_all), &error);
    char *path = path_of('b', LARGE);
    hpx_buffer bytes = read_file(path);
    bytes.data[LARGE / 2] ^= 4;
    write_file(path, bytes.data, bytes.size);
    hpx_store_on_damage(store, count_report, &reports);
    expect_newest(1, 1, 'a', LARGE);
    assert_int_equal(reports, 1);
    assert_int_equal(truncate(path, 5), 0);
    expect_newest(1, 1, 'a', LARGE);
    assert_int_equal(unlink(path), 0);
    expect_newest(1, 1, 'a', LARGE);
    reports = 0;
    expect_ok(hpx_store_verify(store, &checked, count_report, &reports, &error), &error);
    assert_true(reports > 0);
    expect_ok(put(1, 2, 'b', LARGE, &keep_all), &error);
    expect_newest(1, 2, 'b', LARGE);
    hpx_buffer_free(&bytes);
    free(path);
}

static void keep_remark(void *context, const char *what)
{
    hpx_buffer_puts(context, what);
}

/* Files that belong to nothing: counted, remarked, collected; what is being written is left alone. */
static void test_orphans(void **state)
{
    (void)state;
    hpx_strays strays;
    hpx_space space;
    uint64_t checked;
    size_t faults = 0;
    hpx_buffer remark = {0};
    expect_ok(put(1, 1, 'a', LARGE, NULL), &error);
    expect_ok(put(2, 1, 'b', LARGE, NULL), &error);
    hpx_hash two = numbered_key(2);
    bool done;
    char *from = path_of('b', LARGE), *aside = hpx_path_join(folder, "aside"),
         *temporary = hpx_path_join(folder, "blobs/incoming.tmp.1.0");
    assert_int_equal(link(from, aside), 0);
    expect_ok(hpx_store_forget(&done, store, &two, &error), &error);
    assert_int_equal(rename(aside, from), 0);
    write_text(temporary, "begun");
    hpx_store_on_remark(store, keep_remark, &remark);
    expect_ok(hpx_store_verify(store, &checked, count_report, &faults, &error), &error);
    expect_contains(hpx_buffer_text(&remark), "1 files (1060921 bytes) in blobs/ belong to no checkpoint");
    expect_ok(hpx_store_drop_strays(&strays, store, true, &error), &error);
    assert_int_equal(strays.files, 1);
    assert_int_equal(strays.bytes, LARGE);
    assert_int_equal(files(), 3);
    expect_ok(hpx_store_drop_strays(&strays, store, false, &error), &error);
    assert_int_equal(strays.files, 1);
    assert_int_equal(files(), 1);
    expect_newest(1, 1, 'a', LARGE);
    expect_ok(hpx_store_space(&space, store, &error), &error);
    assert_true(space.live_bytes > LARGE && space.live_bytes < LARGE + 500000);
    hpx_buffer_free(&remark);
    free(from);
    free(aside);
    free(temporary);
}

static ino_t inode_of(int fd)
{
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    return info.st_ino;
}

static ino_t inode_of_stored(int byte)
{
    char *path = path_of(byte, LARGE);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_nlink, 1);
    free(path);
    return info.st_ino;
}

/* A file without a name becomes the store's own, one with a name or in memory is copied. */
static void test_taken(void **state)
{
    (void)state;
    const hpx_put_options take = {.keep = HPX_KEEP_ALL, .take_file = true};
    char *path = hpx_path_join(folder, "named");
    hpx_buffer bytes = bytes_of('a', LARGE), others = bytes_of('b', LARGE);
    hpx_blob nameless, named;
    expect_ok(hpx_blob_new_file_in(&nameless, folder, &error), &error);
    expect_ok(hpx_blob_add(&nameless, bytes.data, LARGE, &error), &error);
    expect_ok(put_blob(1, 1, &nameless, &bytes, &keep_all), &error);
    assert_true(inode_of_stored('a') != inode_of(nameless.fd));
    expect_ok(put_blob(2, 1, &nameless, &bytes, &take), &error); /* in place of the copy, which 1 has, too */
    const ino_t taken = inode_of(nameless.fd);
    hpx_blob_close(&nameless);
    assert_int_equal(inode_of_stored('a'), taken);
    expect_newest(1, 1, 'a', LARGE);
    expect_newest(2, 1, 'a', LARGE);

    expect_ok(hpx_file_write(path, others.data, LARGE, &error), &error);
    expect_ok(hpx_blob_open(&named, path, &error), &error);
    expect_ok(put_blob(3, 1, &named, &others, &take), &error);
    assert_true(inode_of_stored('b') != inode_of(named.fd));
    hpx_blob_close(&named);
    expect_ok(put(4, 1, 'c', LARGE, &take), &error);
    expect_newest(4, 1, 'c', LARGE);
    assert_int_equal(files(), 3);
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&others);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_one_mebibyte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_superseded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_bytes_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_when_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphans, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
