/* Checkpoints as blobs: what goes in comes out, and what is no archive is refused before anything is written. */
#include "program/archive.h"

#include "base/memory.h"
#include "hpx/file.h"

#include "../helper/helper.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *from, *to;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    from = make_folder();
    to = make_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(from);
    remove_folder(to);
    return 0;
}

static void shell(const char *folder, const char *command)
{
    char *whole = hpx_format("cd '%s' && %s", folder, command);
    assert_int_equal(system(whole), 0);
    free(whole);
}

static hpx_status pack(hpx_blob *out, const char *name)
{
    expect_ok(hpx_blob_new(out, &error), &error);
    return hpx_archive_pack(out, from, name, &error);
}

/* Both folders hold the same files. */
static void expect_equal(void)
{
    char *command = hpx_format("diff -r '%s' .", from);
    shell(to, command);
    free(command);
}

static void round_trip(const char *name)
{
    hpx_blob blob;
    expect_ok(pack(&blob, name), &error);
    expect_ok(hpx_archive_check(&blob, &error), &error);
    expect_ok(hpx_archive_unpack(to, &blob, &error), &error);
    expect_equal();
    hpx_blob_close(&blob);
}

static void test_file(void **state)
{
    (void)state;
    shell(from, "printf hello >c");
    round_trip("c");
}

static void test_empty(void **state)
{
    (void)state;
    shell(from, ": >c");
    round_trip("c");
}

static void test_empty_folder(void **state)
{
    (void)state;
    shell(from, "mkdir -p a/b");
    round_trip("a/b");
}

static void test_big_file(void **state)
{
    (void)state;
    shell(from, "mkdir x; head -c 3000001 /dev/urandom >x/c");
    round_trip("x/c");
}

static void test_folder(void **state)
{
    (void)state;
    shell(from, "mkdir -p s/c/a/b s/c/a.d s/c/z; for i in 1 65535 65536 65537 200000 0 10; do head -c $i "
                "/dev/urandom >s/c/a/f$i; "
                "head -c $i /dev/urandom >s/c/.f$i; done; printf x >'s/c/a/b/with blank'; printf y "
                ">s/c/a.d/f; chmod 755 s/c/a/f10");
    round_trip("s/c");
    struct stat info;
    char *path = hpx_path_join(to, "s/c/a/f10");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0755);
    free(path);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a/../b", "./a", "a/."};
    static const char *const good[] = {"a", "a/b", "...", "a..b/.c", "..a"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(hpx_archive_is_name(bad[i]));
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(hpx_archive_is_name(good[i]));
}

static void expect_not_taken(const char *command, const char *name)
{
    hpx_blob blob;
    hpx_archive_state state;
    shell(from, command);
    assert_int_equal(pack(&blob, name), HPX_NOT_FOUND);
    hpx_blob_close(&blob);
    assert_int_equal(hpx_archive_look(&state, from, name, &error), HPX_NOT_FOUND);
}

static void test_not_taken(void **state)
{
    (void)state;
    expect_not_taken(":", "none");
    expect_not_taken(":", "../x");
    expect_not_taken("mkfifo fifo", "fifo");
    expect_not_taken("ln -s /etc/passwd link", "link");
    expect_not_taken("mkdir d && ln -s /etc d/link", "d");
    expect_not_taken("ln -s d e && mkdir d/sub && printf x >d/sub/f", "e/sub/f");
    expect_not_taken("printf x >f", "f/g");
    expect_not_taken("p=deep; for i in 1 2 3 4 5 6 7; do p=$p/1/2/3/4/5/6/7/8/9/10; done; mkdir -p $p",
                     "deep");
}

static void test_look(void **state)
{
    (void)state;
    hpx_archive_state first, second;
    shell(from, "mkdir d; printf abc >d/f");
    expect_ok(hpx_archive_look(&first, from, "d", &error), &error);
    assert_int_equal(first.bytes, 3);
    assert_true(first.is_folder);
    expect_ok(hpx_archive_look(&second, from, "d", &error), &error);
    assert_true(hpx_hash_equal(&first.hash, &second.hash));
    shell(from, "printf abd >d/g && mv d/g d/f");
    expect_ok(hpx_archive_look(&second, from, "d", &error), &error);
    assert_false(hpx_hash_equal(&first.hash, &second.hash));
    assert_true(second.changed_ns >= first.changed_ns);
}

/* Every bit of index and trailer, and every length. */
static void test_damage(void **state)
{
    (void)state;
    hpx_blob blob;
    hpx_buffer bytes = {0};
    shell(from, "mkdir c; printf hello >c/f");
    expect_ok(pack(&blob, "c"), &error);
    add_blob(&bytes, &blob);
    hpx_blob_close(&blob);
    for (size_t bit = 8 * 5; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        blob = blob_of(bytes.data, bytes.size);
        assert_int_equal(hpx_archive_unpack(to, &blob, &error), HPX_DAMAGED);
        hpx_blob_close(&blob);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < bytes.size; size++) {
        blob = blob_of(bytes.data, size);
        assert_int_equal(hpx_archive_check(&blob, &error), HPX_DAMAGED);
        hpx_blob_close(&blob);
    }
    hpx_buffer_free(&bytes);
    assert_int_not_equal(rmdir(to), -1); /* nothing was written */
}

/* --- archives that nobody has packed ------------------------------------------------------------------------ */

struct made {
    uint32_t mode;
    uint64_t size;
    const char *name;
};

static hpx_status check_made(const struct made *entries, size_t count, uint64_t data)
{
    hpx_buffer bytes = {0}, tail = {0};
    for (size_t i = 0; i < count; i++) {
        hpx_buffer_u32(&tail, entries[i].mode);
        hpx_buffer_u64(&tail, entries[i].size);
        hpx_buffer_u16(&tail, (uint16_t)strlen(entries[i].name));
        hpx_buffer_puts(&tail, entries[i].name);
    }
    hpx_buffer_puts(&tail, "hpxarch1");
    hpx_buffer_u64(&tail, data);
    hpx_buffer_u64(&tail, count);
    const hpx_hash hash = hpx_hash_of(tail.data, tail.size);
    for (uint64_t i = 0; i < data; i++)
        hpx_buffer_add(&bytes, "x", 1);
    hpx_buffer_add(&bytes, tail.data, tail.size);
    hpx_buffer_add(&bytes, hash.bytes, sizeof hash.bytes);
    hpx_blob blob = blob_of(bytes.data, bytes.size);
    hpx_status status = hpx_archive_check(&blob, &error);
    hpx_blob_close(&blob);
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&tail);
    return status;
}

#define FILE_MODE   (S_IFREG | 0644)
#define FOLDER_MODE (S_IFDIR | 0755)

static void test_made(void **state)
{
    (void)state;
    static const struct made good[] = {
        {FOLDER_MODE, 0, "a"}, {FOLDER_MODE, 0, "a/b"}, {FILE_MODE, 2, "a/b/c"}, {FILE_MODE, 1, "a/c"}};
    static const struct {
        struct made entries[3];
        size_t count;
        uint64_t data;
    } bad[] = {
        {{{0}}, 0, 0},
        {{{FILE_MODE, 1, "/etc/passwd"}}, 1, 1},
        {{{FILE_MODE, 1, "../x"}}, 1, 1},
        {{{FILE_MODE, 1, "a/../../x"}}, 1, 1},
        {{{FILE_MODE, 2, "a"}}, 1, 1},
        {{{FILE_MODE, 1, "a"}}, 1, 2},
        {{{FILE_MODE, UINT64_MAX, "a"}}, 1, 1},
        {{{FILE_MODE, 65536, "a"}, {FILE_MODE, 65536, "b"}}, 2, 131072},
        {{{FOLDER_MODE, 1, "a"}}, 1, 1},
        {{{S_IFLNK | 0777, 1, "a"}}, 1, 1},
        {{{S_IFREG | 04755, 1, "a"}}, 1, 1},
        {{{FOLDER_MODE, 0, "a"}, {FILE_MODE, 1, "b"}}, 2, 1},
        {{{FOLDER_MODE, 0, "a"}, {FILE_MODE, 1, "ab"}}, 2, 1},
        {{{FOLDER_MODE, 0, "a"}, {FILE_MODE, 1, "a/b/c"}}, 2, 1},
        {{{FILE_MODE, 0, "a"}, {FILE_MODE, 1, "a/b"}}, 2, 1},
        {{{FOLDER_MODE, 0, "a"}, {FILE_MODE, 1, "a/b"}, {FILE_MODE, 1, "a/b"}}, 3, 2},
        {{{FOLDER_MODE, 0, "a"}, {FILE_MODE, 1, "a/c"}, {FILE_MODE, 1, "a/b"}}, 3, 2},
        {{{FOLDER_MODE, 0, "a"}, {FOLDER_MODE, 0, "a"}}, 2, 0},
    };
    expect_ok(check_made(good, COUNT(good), 3), &error);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (check_made(bad[i].entries, bad[i].count, bad[i].data) != HPX_DAMAGED)
            fail_msg("archive %zu is taken", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_big_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder, set_up, tear_down),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_look, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test(test_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
