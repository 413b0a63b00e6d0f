/* Files: read whole, mapped, replaced at once. */
#include "base/memory.h"
#include "hpx/file.h"

#include "../helper/helper.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static size_t entries(const char *path)
{
    DIR *open = opendir(path);
    assert_non_null(open);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

static void test_read(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_error error;
    char *path = hpx_path_join(folder, "a");
    write_text(path, "hello");
    hpx_buffer_puts(&out, "> ");
    expect_ok(hpx_file_read(&out, path, 5, &error), &error);
    assert_string_equal(hpx_buffer_text(&out), "> hello"); /* appended */
    assert_int_equal(hpx_file_read(&out, path, 4, &error), HPX_FAILED);
    expect_contains(error.message, "larger than 4 bytes");
    assert_int_equal(out.size, 7); /* as it was */
    assert_int_equal(hpx_file_read(&out, folder, 100, &error), HPX_FAILED);
    expect_contains(error.message, "not a regular file");
    char *missing = hpx_path_join(folder, "missing"), *below = hpx_path_join(path, "b");
    assert_int_equal(hpx_file_read(&out, missing, 100, &error), HPX_NOT_FOUND);
    assert_int_equal(hpx_file_read(&out, below, 100, &error), HPX_NOT_FOUND);
    /* A pipe must not be waited for. */
    assert_int_equal(mkfifo(missing, 0600), 0);
    assert_int_equal(hpx_file_read(&out, missing, 100, &error), HPX_FAILED);
    hpx_buffer_free(&out);
    free(missing);
    free(below);
    free(path);
}

static void test_read_large(void **state)
{
    (void)state;
    enum { SIZE = 300001 };
    uint8_t *bytes = malloc(SIZE);
    draw_seed(5);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)draw(256);
    char *path = hpx_path_join(folder, "large");
    hpx_error error;
    expect_ok(hpx_file_write(path, bytes, SIZE, &error), &error);
    hpx_buffer read = read_file(path);
    assert_int_equal(read.size, SIZE);
    assert_memory_equal(read.data, bytes, SIZE);
    hpx_buffer_free(&read);
    free(path);
    free(bytes);
}

/* The file is replaced by another one: who has the old one open keeps it, and nothing is left beside it. */
static void test_write_replaces(void **state)
{
    (void)state;
    char *path = hpx_path_join(folder, "a");
    hpx_error error;
    char old[16] = "";
    expect_ok(hpx_file_write(path, "old", 3, &error), &error);
    int reader = open(path, O_RDONLY);
    expect_ok(hpx_file_write(path, "newer", 5, &error), &error);
    assert_int_equal(read(reader, old, sizeof old), 3);
    assert_string_equal(old, "old");
    close(reader);
    hpx_buffer now = read_file(path);
    assert_string_equal(hpx_buffer_text(&now), "newer");
    hpx_buffer_free(&now);
    assert_int_equal(entries(folder), 1);
    expect_ok(hpx_file_write(path, NULL, 0, &error), &error);
    now = read_file(path);
    assert_int_equal(now.size, 0);
    hpx_buffer_free(&now);

    /* A failure leaves nothing behind, and names the file. */
    char *taken = hpx_path_join(folder, "folder"), *inside = hpx_path_join(folder, "folder/x");
    assert_int_equal(mkdir(taken, 0700), 0);
    write_text(inside, "");
    assert_int_equal(hpx_file_write(taken, "new", 3, &error), HPX_FAILED);
    expect_contains(error.message, taken);
    assert_int_equal(entries(folder), 2);
    free(inside);
    inside = hpx_path_join(folder, "missing/x");
    assert_int_equal(hpx_file_write(inside, "new", 3, &error), HPX_FAILED);
    expect_contains(error.message, "missing/x");
    free(inside);
    free(taken);
    free(path);
}

static void test_write_in_pieces(void **state)
{
    (void)state;
    char *path = hpx_path_join(folder, "pieces");
    hpx_file_writer *writer;
    hpx_error error;
    write_text(path, "old");
    expect_ok(hpx_file_create(&writer, path, &error), &error);
    expect_ok(hpx_file_add(writer, "one ", 4, &error), &error);
    expect_ok(hpx_file_add(writer, "two", 3, &error), &error);
    hpx_buffer bytes = read_file(path);
    assert_string_equal(hpx_buffer_text(&bytes), "old"); /* until it is finished */
    hpx_buffer_free(&bytes);
    hpx_file_discard(writer);
    bytes = read_file(path);
    assert_string_equal(hpx_buffer_text(&bytes), "old");
    hpx_buffer_free(&bytes);
    assert_int_equal(entries(folder), 1);
    expect_ok(hpx_file_create(&writer, path, &error), &error);
    expect_ok(hpx_file_add(writer, "one ", 4, &error), &error);
    expect_ok(hpx_file_add(writer, "two", 3, &error), &error);
    expect_ok(hpx_file_finish(writer, &error), &error);
    bytes = read_file(path);
    assert_string_equal(hpx_buffer_text(&bytes), "one two");
    hpx_buffer_free(&bytes);
    assert_int_equal(entries(folder), 1); /* no temporary file */
    hpx_file_discard(NULL);
    char *missing = hpx_path_join(folder, "no/such/file");
    assert_int_equal(hpx_file_create(&writer, missing, &error), HPX_FAILED);
    assert_null(writer);
    free(missing);
    free(path);
}

/* A pipe is written to as it is; a file renamed over it would not be what its reader waits for. */
static void test_write_to_a_pipe(void **state)
{
    (void)state;
    char *path = hpx_path_join(folder, "pipe");
    struct stat info;
    hpx_file_writer *writer;
    hpx_error error;
    char got[8] = {0};
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    expect_ok(hpx_file_create(&writer, path, &error), &error);
    expect_ok(hpx_file_add(writer, "bytes", 5, &error), &error);
    expect_ok(hpx_file_finish(writer, &error), &error);
    assert_int_equal(read(reader, got, sizeof got), 5);
    assert_string_equal(got, "bytes");
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    close(reader);
    free(path);
}

struct pieces {
    const char *path; /* to append to, once; or NULL */
    size_t count, bytes, last;
};

static hpx_status count_piece(void *context, const uint8_t *bytes, size_t size, hpx_error *error)
{
    struct pieces *pieces = context;
    (void)error;
    assert_int_equal(bytes[0], 'x');
    pieces->count++;
    pieces->bytes += size;
    pieces->last = size;
    if (pieces->path) {
        FILE *file = fopen(pieces->path, "a");
        fputs("x", file);
        fclose(file);
        pieces->path = NULL;
    }
    return HPX_OK;
}

static void test_pieces(void **state)
{
    (void)state;
    char *path = hpx_path_join(folder, "a"), *text = hpx_alloc(HPX_PIECE_BYTES + 6);
    hpx_file_stat stat;
    hpx_error error;
    memset(text, 'x', HPX_PIECE_BYTES + 5);
    write_text(path, text);
    struct pieces pieces = {0};
    expect_ok(hpx_file_each_piece(&stat, path, count_piece, &pieces, &error), &error);
    assert_int_equal(pieces.count, 2);
    assert_int_equal(pieces.last, 5);
    assert_int_equal(stat.size, HPX_PIECE_BYTES + 5);
    const hpx_hash whole = hpx_hash_of(text, HPX_PIECE_BYTES + 5);
    hpx_hash hash;
    expect_ok(hpx_file_hash(&hash, &stat, path, &error), &error);
    assert_true(hpx_hash_equal(&hash, &whole));
    assert_true(hpx_file_has_hash(path, &whole));
    pieces.path = path;
    assert_int_equal(hpx_file_each_piece(&stat, path, count_piece, &pieces, &error), HPX_FAILED);
    assert_non_null(strstr(error.message, "changed while it was read"));
    write_text(path, "");
    pieces = (struct pieces){0};
    expect_ok(hpx_file_each_piece(&stat, path, count_piece, &pieces, &error), &error);
    assert_int_equal(pieces.count, 0);
    assert_false(hpx_file_has_hash(path, &whole));
    assert_int_equal(hpx_file_each_piece(&stat, folder, count_piece, &pieces, &error), HPX_FAILED);
    unlink(path);
    assert_int_equal(hpx_file_each_piece(&stat, path, count_piece, &pieces, &error), HPX_NOT_FOUND);
    free(text);
    free(path);
}

static void test_stat(void **state)
{
    (void)state;
    char *path = hpx_path_join(folder, "a");
    hpx_file_stat before, after;
    hpx_error error;
    assert_int_equal(hpx_file_stat_of(&before, path, &error), HPX_NOT_FOUND);
    assert_false(hpx_path_exists(path));
    write_text(path, "12345");
    assert_true(hpx_path_exists(path));
    const struct timespec times[2] = {{1000000000, 5}, {1000000000, 123456789}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    expect_ok(hpx_file_stat_of(&before, path, &error), &error);
    assert_int_equal(before.size, 5);
    assert_true(before.modified_ns == 1000000000123456789);
    assert_true(before.changed_ns > before.modified_ns);
    /* Replaced by a file of the same size and time: another inode. */
    expect_ok(hpx_file_write(path, "54321", 5, &error), &error);
    utimensat(AT_FDCWD, path, times, 0);
    expect_ok(hpx_file_stat_of(&after, path, &error), &error);
    assert_true(after.modified_ns == before.modified_ns && after.size == before.size);
    assert_true(after.inode != before.inode || after.changed_ns != before.changed_ns);
    free(path);
}

static void test_make_directories(void **state)
{
    (void)state;
    hpx_error error;
    char *deep = hpx_path_join(folder, "a/b//c"), *end = hpx_path_join(folder, "d/"),
         *file = hpx_path_join(folder, "file"), *below = hpx_path_join(folder, "file/e");
    expect_ok(hpx_make_directories(deep, &error), &error);
    expect_ok(hpx_make_directories(deep, &error), &error);
    assert_true(hpx_path_exists(deep));
    expect_ok(hpx_make_directories(end, &error), &error);
    assert_true(hpx_path_exists(end));
    expect_ok(hpx_make_directories("/", &error), &error);
    expect_ok(hpx_make_directories(".", &error), &error);
    assert_int_equal(hpx_make_directories("", &error), HPX_FAILED);
    write_text(file, "");
    assert_int_equal(hpx_make_directories(file, &error), HPX_FAILED);
    expect_contains(error.message, "not a folder");
    assert_int_equal(hpx_make_directories(below, &error), HPX_FAILED);
    free(deep);
    free(end);
    free(file);
    free(below);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const joined[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"},
        {".", "b", "b"},   {"/", "b", "/b"},   {"../a", "b/c", "../a/b/c"},
    };
    static const char *const parents[][2] = {
        {"a/b", "a"}, {"a", "."}, {"/a", "/"}, {"/a/b/c", "/a/b"}, {"", "."},
    };
    for (size_t i = 0; i < COUNT(joined); i++) {
        char *path = hpx_path_join(joined[i][0], joined[i][1]);
        assert_string_equal(path, joined[i][2]);
        free(path);
    }
    for (size_t i = 0; i < COUNT(parents); i++) {
        char *path = hpx_path_directory(parents[i][0]);
        assert_string_equal(path, parents[i][1]);
        free(path);
    }
}

/* A process that is killed while it writes, or stopped there. */
static pid_t write_in_part(const char *path, bool killed)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        hpx_file_writer *writer;
        hpx_error error;
        if (hpx_file_create(&writer, path, &error) || hpx_file_add(writer, "part", 4, &error) ||
            write(ends[1], "", 1) != 1)
            _exit(1);
        if (killed)
            raise(SIGKILL);
        pause();
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    if (killed)
        assert_int_equal(waitpid(child, NULL, 0), child);
    return child;
}

static void test_left_over(void **state)
{
    (void)state;
    hpx_error error;
    char *path = hpx_path_join(folder, "a.idx"), *other = hpx_path_join(folder, "b.idx"),
         *foreign = hpx_path_join(folder, "a.idx.tmp.mine");
    expect_ok(hpx_file_write(foreign, "kept", 4, &error), &error);
    write_in_part(path, true);
    write_in_part(other, true);
    assert_int_equal(entries(folder), 3);
    expect_ok(hpx_file_write(path, "whole", 5, &error), &error); /* its own, and no other's */
    assert_int_equal(entries(folder), 3);
    pid_t writing = write_in_part(path, false);
    hpx_file_remove_left_over(folder);
    assert_int_equal(entries(folder), 3); /* both files, and what is being written */
    assert_true(hpx_path_exists(foreign));
    kill(writing, SIGKILL);
    assert_int_equal(waitpid(writing, NULL, 0), writing);
    hpx_file_remove_left_over(folder);
    assert_int_equal(entries(folder), 2);
    free(foreign);
    free(other);
    free(path);
}

static void test_root_leaves_files_to_their_owner(void **state)
{
    (void)state;
    hpx_error error;
    struct stat info;
    char *deep = hpx_path_join(folder, "a/b"), *file = hpx_path_join(deep, "c");
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, 65534, 65534), 0);
        expect_ok(hpx_make_directories(deep, &error), &error);
        expect_ok(hpx_file_write(file, "x", 1, &error), &error);
        assert_int_equal(stat(deep, &info), 0);
        assert_int_equal(info.st_uid, 65534);
        assert_int_equal(stat(file, &info), 0);
        assert_int_equal(info.st_uid, 65534);
    }
    free(file);
    free(deep);
}

static void test_folder_remove(void **state)
{
    (void)state;
    hpx_error error;
    char *outer = make_folder(), *inside = hpx_path_join(outer, "a/b/c"), *top = hpx_path_join(outer, "a"),
         *file = hpx_path_join(inside, "file"), *kept = hpx_path_join(outer, "kept"),
         *link = hpx_path_join(inside, "link");
    expect_ok(hpx_make_directories(inside, &error), &error);
    write_text(file, "text");
    write_text(kept, "text");
    assert_int_equal(symlink(kept, link), 0);
    hpx_folder_remove(top);
    assert_false(hpx_path_exists(top));
    assert_true(hpx_path_exists(kept));
    hpx_folder_remove(NULL);
    free(link);
    free(kept);
    free(file);
    free(top);
    free(inside);
    remove_folder(outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_in_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_to_a_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_root_leaves_files_to_their_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stat, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_make_directories, set_up, tear_down),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
