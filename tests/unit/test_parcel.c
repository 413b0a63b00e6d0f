/* Data on its way to machines that do not see it. */
#include "base/memory.h"
#include "hpx/file.h"
#include "identity/parcel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static hpx_error error;
static char *place, *here, *there; /* two scratch folders */
static char *sources[2];
static hpx_hash hashes[2];

static int set_up(void **state)
{
    (void)state;
    char path[] = "/tmp/hpx-parcel-XXXXXX";
    assert_non_null(mkdtemp(path));
    place = hpx_strdup(path);
    here = hpx_path_join(path, "here");
    there = hpx_path_join(path, "there");
    assert_int_equal(mkdir(here, 0700), 0);
    assert_int_equal(mkdir(there, 0700), 0);
    for (int i = 0; i < 2; i++) {
        char text[] = {(char)('a' + i), '\n', '\0'};
        sources[i] = hpx_format("%s/source%d", path, i);
        hashes[i] = hpx_hash_of(text, 2);
        assert_int_equal(hpx_file_write(sources[i], text, 2, &error), HPX_OK);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_scratch_space space;
    hpx_scratch_collect(&space, here, 0, false);
    hpx_scratch_collect(&space, there, 0, false);
    hpx_folder_remove(place);
    for (int i = 0; i < 2; i++)
        free(sources[i]);
    free(there);
    free(here);
    free(place);
    return 0;
}

static hpx_hash hand_over_folder(void)
{
    const hpx_snapshot_file files[] = {hpx_parcel_file("data/deep/one", sources[0], &hashes[0]),
                                       hpx_parcel_file("data/two", sources[1], &hashes[1])};
    assert_int_equal(hpx_parcel_hand_over(here, files, 2, &error), HPX_OK);
    return hpx_parcel_hash(files, 2);
}

static ino_t inode_of(const char *folder, const char *name)
{
    struct stat info;
    char *path = hpx_path_join(folder, name);
    const ino_t inode = stat(path, &info) == 0 ? info.st_ino : 0;
    free(path);
    return inode;
}

static void holds(const char *folder, const char *name, const char *text)
{
    hpx_buffer bytes = {0};
    char *path = *name ? hpx_path_join(folder, name) : hpx_strdup(folder);
    assert_int_equal(hpx_file_read(&bytes, path, 100, &error), HPX_OK);
    assert_string_equal(hpx_buffer_text(&bytes), text);
    hpx_buffer_free(&bytes);
    free(path);
}

static void test_a_file(void **state)
{
    (void)state;
    char *path;
    int held;
    const hpx_snapshot_file file = hpx_parcel_file("data", sources[0], &hashes[0]);
    const hpx_hash hash = hpx_parcel_hash(&file, 1);
    assert_memory_equal(&hash, &hashes[0], sizeof hash);
    assert_int_equal(hpx_parcel_copy(&path, &held, there, here, &hash, &error), HPX_NOT_FOUND);
    assert_int_equal(hpx_parcel_hand_over(here, &file, 1, &error), HPX_OK);
    assert_int_equal(hpx_parcel_copy(&path, &held, there, here, &hash, &error), HPX_OK);
    holds(path, "", "a\n");
    free(path);
    close(held);
}

static void test_one_that_has_changed(void **state)
{
    (void)state;
    const hpx_snapshot_file file = hpx_parcel_file("data", sources[0], &hashes[1]);
    assert_int_equal(hpx_parcel_hand_over(here, &file, 1, &error), HPX_FAILED);
}

/* One copy is everybody's of a machine, until the last has left it. */
static void test_is_shared_until_the_last_leaves(void **state)
{
    (void)state;
    char *first, *second;
    int held[2];
    hpx_scratch_space space;
    const hpx_hash hash = hand_over_folder();
    assert_int_equal(hpx_parcel_copy(&first, &held[0], there, here, &hash, &error), HPX_OK);
    const ino_t inode = inode_of(first, "deep/one");
    assert_int_equal(hpx_parcel_copy(&second, &held[1], there, here, &hash, &error), HPX_OK);
    assert_string_equal(first, second);
    assert_int_equal(inode_of(second, "deep/one"), inode);
    holds(first, "deep/one", "a\n");
    holds(first, "two", "b\n");
    close(held[0]);
    hpx_scratch_collect(&space, there, 0, false);
    assert_true(hpx_path_exists(second));
    close(held[1]);
    hpx_scratch_collect(&space, there, 0, false);
    assert_false(hpx_path_exists(second));
    free(first);
    free(second);
}

static void damage(const char *folder, const char *name, const char *text)
{
    char *path = hpx_path_join(folder, name);
    assert_int_equal(chmod(path, 0600), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0444), 0);
    free(path);
}

static void test_a_damaged_copy_is_made_again(void **state)
{
    (void)state;
    char *path;
    int held;
    const hpx_hash hash = hand_over_folder();
    assert_int_equal(hpx_parcel_copy(&path, &held, there, here, &hash, &error), HPX_OK);
    close(held);
    damage(path, "two", "c\n");
    free(path);
    assert_int_equal(hpx_parcel_copy(&path, &held, there, here, &hash, &error), HPX_OK);
    holds(path, "two", "b\n");
    free(path);
    close(held);
}

static void test_a_damaged_parcel(void **state)
{
    (void)state;
    char *path, hex[HPX_HASH_HEX_BYTES];
    int held;
    const hpx_hash hash = hand_over_folder();
    char *parcel = hpx_format("%s/" HPX_SNAPSHOTS "/%s", here, hpx_hash_hex(hex, &hash));
    damage(parcel, "data/two", "c\n");
    assert_int_equal(hpx_parcel_copy(&path, &held, there, here, &hash, &error), HPX_DAMAGED);
    assert_null(path);
    for (size_t size = 0; size < 4; size++) {
        static const char *const texts[] = {"", "x", "hpx", "nothing that is one"};
        damage(parcel, "index", texts[size]);
        assert_int_equal(hpx_parcel_copy(&path, &held, there, here, &hash, &error), HPX_DAMAGED);
    }
    free(parcel);
}

static void test_two_at_once(void **state)
{
    (void)state;
    const hpx_hash hash = hand_over_folder();
    pid_t pids[4];
    for (int i = 0; i < 4; i++)
        if ((pids[i] = fork()) == 0) {
            char *path;
            int held;
            const bool copied = hpx_parcel_copy(&path, &held, there, here, &hash, &error) == HPX_OK;
            _exit(copied && hpx_path_exists(path) ? 0 : 1);
        }
    for (int i = 0; i < 4; i++) {
        int how;
        assert_int_equal(waitpid(pids[i], &how, 0), pids[i]);
        assert_int_equal(how, 0);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_file),
        TEST(test_one_that_has_changed),
        TEST(test_is_shared_until_the_last_leaves),
        TEST(test_a_damaged_copy_is_made_again),
        TEST(test_a_damaged_parcel),
        TEST(test_two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
