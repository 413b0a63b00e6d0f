/* The code of a user's program: which files count, in repositories of every kind, and when a listing is made again. */
#include "base/memory.h"
#include "code/listing.h"

#include "../helper/helper.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder; /* without links */

static void shell(const char *commands)
{
    char *command = hpx_format("cd '%s' && export HOME=\"$PWD/home\" GIT_CONFIG_NOSYSTEM=1 && unset "
                               "XDG_CONFIG_HOME && { %s; } >/dev/null 2>&1",
                               folder, commands);
    const int how = system(command);
    if (how != 0)
        fail_msg("%s: %d", commands, how);
    free(command);
}

static int set_up(void **state)
{
    (void)state;
    char *made = make_folder();
    folder = hpx_path_real(made);
    free(made);
    char *home = hpx_path_join(folder, "home");
    mkdir(home, 0700);
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    free(home);
    shell("git config --global user.name A && git config --global user.email a@b && "
          "git config --global init.defaultBranch main && git config --global protocol.file.allow always && "
          "git init tree && cd tree && mkdir -p exp/src/pack data && "
          "echo 1 >exp/train.py && echo 2 >exp/src/a.py && echo 3 >exp/src/pack/b.py && echo 4 >lib.py && "
          "printf '*.log\\nbuild/\\n!keep.log\\n' >.gitignore && git add . && git commit -m first");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static hpx_path_list nothing;

/* The listing of words, parted by blanks, of the recipe in a folder. */
static hpx_status make(hpx_listing *out, const char *in, const char *words, const hpx_buffer *memory,
                       hpx_error *error)
{
    char *recipe = hpx_path_join(folder, in), *copy = hpx_strdup(words), *rest = copy;
    const char *list[16];
    size_t count = 0, word;
    while (rest)
        list[count++] = strsep(&rest, " ");
    const hpx_listing_request request = {recipe, list, count, &nothing};
    hpx_status status = HPX_OK;
    if (!memory || !hpx_listing_recall(out, &request, memory))
        status = hpx_listing_make(out, &word, &request, memory, error);
    free(copy);
    free(recipe);
    return status;
}

static void expect_files(const char *in, const char *words, const char *paths)
{
    hpx_listing listing;
    hpx_buffer got = {0};
    hpx_error error;
    expect_ok(make(&listing, in, words, NULL, &error), &error);
    for (size_t i = 0; i < listing.count; i++)
        hpx_buffer_printf(&got, "%s%s", i ? " " : "", listing.files[i].path);
    assert_string_equal(hpx_buffer_text(&got), paths);
    hpx_buffer_free(&got);
    hpx_listing_free(&listing);
}

static void expect_refused(const char *in, const char *words, const char *message)
{
    hpx_listing listing;
    hpx_error error;
    assert_int_equal(make(&listing, in, words, NULL, &error), HPX_USAGE);
    expect_contains(error.message, message);
    hpx_listing_free(&listing);
}

static void version_of(char hex[HPX_CODE_HEX_BYTES], const char *in, const char *words)
{
    hpx_listing listing;
    hpx_error error;
    expect_ok(make(&listing, in, words, NULL, &error), &error);
    hpx_hex(hex, listing.version, HPX_CODE_BYTES);
    hpx_listing_free(&listing);
}

static void test_words(void **state)
{
    (void)state;
    expect_files("tree/exp", "train.py", "exp/train.py");
    expect_files("tree/exp", "./train.py src/", "exp/src/a.py exp/src/pack/b.py exp/train.py");
    expect_files("tree/exp", "src src/a.py", "exp/src/a.py exp/src/pack/b.py");
    expect_files("tree/exp", "../lib.py", "lib.py");
    expect_files("tree/exp", "..", ".gitignore exp/src/a.py exp/src/pack/b.py exp/train.py lib.py");
    expect_files("tree", ".", ".gitignore exp/src/a.py exp/src/pack/b.py exp/train.py lib.py");
    expect_files("tree/exp", "*.py", "exp/train.py");
    expect_files("tree/exp", "**/*.py", "exp/src/a.py exp/src/pack/b.py exp/train.py");
    expect_files("tree/exp", "sr? ../*.py", "exp/src/a.py exp/src/pack/b.py lib.py");
    expect_refused("tree/exp", "gone.py", "gone.py does not exist");
    expect_refused("tree/exp", "*.c", "*.c matches no file");
    expect_refused("tree/exp", "../../home", "outside of the git repository");
    expect_refused("tree/exp", "../data", "has no file");
    shell("echo >tree/exp/src/r.rcp"); /* an edit of a recipe is none of the code */
    expect_files("tree/exp", "src", "exp/src/a.py exp/src/pack/b.py");
    expect_files("tree/exp", "src/r.rcp", "exp/src/r.rcp");
    shell("mkfifo tree/exp/fifo");
    expect_refused("tree/exp", "fifo", "neither a file nor a folder");
}

/* Its name in the tree does not depend on where the recipe lies; without a repository paths begin in its folder. */
static void test_version(void **state)
{
    (void)state;
    char a[HPX_CODE_HEX_BYTES], b[HPX_CODE_HEX_BYTES], expected[HPX_CODE_HEX_BYTES] = "";
    version_of(a, "tree", ".");
    shell("cd tree && git rev-parse HEAD^{tree} >../id");
    char *path = hpx_path_join(folder, "id");
    hpx_buffer id = read_file(path);
    memcpy(expected, id.data, HPX_CODE_HEX_BYTES - 1);
    assert_string_equal(a, expected);
    version_of(b, "tree/exp", "..");
    assert_string_equal(a, b);
    shell("chmod +x tree/exp/train.py");
    version_of(b, "tree", ".");
    assert_string_not_equal(a, b);
    shell("mkdir plain && cp tree/exp/train.py plain && echo >plain/.gitignore && echo >plain/x.log");
    expect_files("plain", ".", ".gitignore train.py x.log");
    expect_refused("plain", "../tree/lib.py", "outside of the recipe's folder");
    hpx_buffer_free(&id);
    free(path);
}

static void test_ignored(void **state)
{
    (void)state;
    shell(
        "cd tree/exp && echo >src/new.py && echo >src/x.log && echo >src/keep.log && mkdir build && echo "
        ">build/out.so && "
        "mkdir -p src/build && echo >src/build/t.py && echo >src/build/u.py && git add -f src/build/t.py && "
        "mkdir src/__pycache__ .pytest_cache && echo >src/__pycache__/a.pyc && echo >src/.a.py.swp && echo "
        ">src/a.py~ && echo >src/a.pyc");
    expect_files("tree/exp", "src",
                 "exp/src/a.py exp/src/build/t.py exp/src/keep.log exp/src/new.py exp/src/pack/b.py");
    expect_files("tree/exp", "build/out.so", "exp/build/out.so"); /* named itself */
    expect_refused("tree/exp", "build/*.so", "matches no file");
    expect_refused("tree/exp", "src/__*", "matches no file");
    /* What git was told to hide is read from the disk. */
    shell("cd tree/exp && git update-index --assume-unchanged src/a.py && git rm -q --cached src/pack/b.py");
    expect_files("tree/exp", "src/pack", "exp/src/pack/b.py");
    shell("cd tree && echo 'src/a.py' >.git/info/exclude && git rm -q --cached exp/src/a.py && echo '*.tmp' "
          ">../ex && "
          "git config --global core.excludesFile \"$PWD/../ex\" && echo >exp/src/pack/c.tmp");
    expect_files("tree/exp", "src/pack", "exp/src/pack/b.py");
}

static void test_edits_that_git_hides(void **state)
{
    (void)state;
    char before[HPX_CODE_HEX_BYTES], after[HPX_CODE_HEX_BYTES];
    version_of(before, "tree/exp", "src");
    shell("cd tree/exp && git update-index --skip-worktree src/a.py && echo 9 >src/a.py");
    version_of(after, "tree/exp", "src");
    assert_string_not_equal(before, after);
    shell("cd tree && printf '*.py eol=crlf\\n' >.gitattributes && git config core.autocrlf true && echo 2 "
          ">exp/src/a.py");
    version_of(after, "tree/exp", "src");
    assert_string_equal(before, after); /* no filter */
}

/* Indexes that libgit2 cannot read, and a repository of a format that it does not know. */
static void test_odd_repositories(void **state)
{
    (void)state;
    static const char *const deeds[] = {
        "git config core.splitIndex true && git update-index --split-index",
        "git config feature.manyFiles true && git update-index --index-version 4",
        "rm .git/index",
        "printf x >.git/index",
        "git config extensions.unknown true && git config core.repositoryFormatVersion 1",
        "rm .git/HEAD",
    };
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        char *command =
            hpx_format("rm -rf odd && cp -a tree odd && cd odd && echo >exp/src/x.log && %s", deeds[i]);
        shell(command);
        expect_files("odd/exp", "src ../lib.py", "exp/src/a.py exp/src/pack/b.py lib.py");
        free(command);
    }
}

static void test_links(void **state)
{
    (void)state;
    shell("cd tree/exp && ln -s ../../lib.py src/lib.py && ln -s ../lib.py one.py && ln -s gone src/nowhere");
    expect_files("tree/exp", "src one.py", "exp/one.py exp/src/a.py exp/src/lib.py exp/src/pack/b.py");
    shell("cd tree && mkdir common && echo 5 >common/c.py && ln -s ../../common exp/src/common");
    expect_files("tree/exp", "src", "exp/src/a.py exp/src/common/c.py exp/src/lib.py exp/src/pack/b.py");
    expect_refused("tree/exp", "src/nowhere", "link to nowhere");
    shell("cd tree/exp && mkdir out && ln -s /etc/passwd out/passwd");
    expect_refused("tree/exp", "out", "leads out of the repository");
    shell("cd tree/exp && mkdir loop && echo >loop/a && ln -s ../loop loop/again");
    expect_refused("tree/exp", "loop", "a link to a folder that it lies in");
}

/* An edit of what a link leads to is an edit. */
static void test_link_target(void **state)
{
    (void)state;
    char before[HPX_CODE_HEX_BYTES], after[HPX_CODE_HEX_BYTES];
    shell("cd tree/exp && ln -s ../../lib.py src/lib.py");
    version_of(before, "tree/exp", "src");
    shell("echo 44 >tree/lib.py");
    version_of(after, "tree/exp", "src");
    assert_string_not_equal(before, after);
}

static void test_submodule(void **state)
{
    (void)state;
    shell("git init sub && cd sub && echo '*.o' >.gitignore && echo 7 >s.py && git add . && git commit -m "
          "sub && "
          "cd ../tree && git submodule add ../sub exp/src/sub && echo >exp/src/sub/x.o && echo "
          ">exp/src/sub/x.log && echo >exp/src/sub/new.py");
    expect_files("tree/exp", "src",
                 "exp/src/a.py exp/src/pack/b.py exp/src/sub/.gitignore exp/src/sub/new.py exp/src/sub/s.py "
                 "exp/src/sub/x.log");
    expect_files("tree/exp", "src/sub/*.py", "exp/src/sub/new.py exp/src/sub/s.py");
}

/* The user may not be the owner: what counts is the same. */
static void test_other_owner(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    shell("echo >tree/exp/src/x.log && chown -R 65534 tree");
    expect_files("tree/exp", "src", "exp/src/a.py exp/src/pack/b.py");
}

/* Until no tick of a clock is in question. */
static void wait_for_clocks(void)
{
    const struct timespec wait = {.tv_sec = 2, .tv_nsec = 50000000};
    nanosleep(&wait, NULL);
}

static void test_recall(void **state)
{
    (void)state;
    static const struct {
        const char *deed;
        bool other; /* another version */
    } deeds[] = {
        {"true", false},
        {"echo 8 >exp/src/a.py", true},
        {"cp -p exp/src/a.py k && echo 8 >exp/src/a.py && touch -r k exp/src/a.py && rm k",
         true}, /* size and time as before */
        {"echo 2 >n && mv n exp/src/a.py", false},
        {"echo >exp/src/new.py", true},
        {"echo >exp/src/pack/new.py", true},
        {"rm exp/src/pack/b.py", true},
        {"chmod +x exp/src/a.py", true},
        {"echo a.py >exp/src/.gitignore && git rm --cached exp/src/a.py", true},
        {"echo a.py >.git/info/exclude && git rm --cached exp/src/a.py", true},
        {"echo pack >exp/.gitignore && git rm --cached -r exp/src/pack", true},
        {"git add . && git commit --allow-empty -m second", false},
        {"git init exp", true}, /* the root is another one */
    };
    char *commands = hpx_format("echo >tree/exp/src/x.log; for i in $(seq 0 %zu); do cp -a tree at$i; done",
                                sizeof deeds / sizeof *deeds);
    shell(commands);
    free(commands);
    wait_for_clocks();
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        hpx_listing first, again;
        hpx_error error;
        char *command = hpx_format("cd at%zu && %s", i, deeds[i].deed), *in = hpx_format("at%zu/exp", i);
        expect_ok(make(&first, in, "src", NULL, &error), &error);
        shell(command);
        expect_ok(make(&again, in, "src", &first.memory, &error), &error);
        free(command);
        free(in);
        if ((memcmp(first.version, again.version, HPX_CODE_BYTES) != 0) != deeds[i].other)
            fail_msg("%s", deeds[i].deed);
        if (i == 0)
            assert_int_equal(again.memory.size, 0); /* nothing new */
        hpx_listing_free(&first);
        hpx_listing_free(&again);
    }
}

/* An edit in the tick of the clock in which the file was listed leaves its stat as it was. */
static void test_same_tick(void **state)
{
    (void)state;
    char *path = hpx_path_join(folder, "tree/exp/src/a.py");
    for (int i = 0; i < 50; i++) {
        hpx_listing first, again;
        hpx_error error;
        const int fd = open(path, O_WRONLY);
        assert_int_equal(pwrite(fd, "2", 1, 0), 1);
        expect_ok(make(&first, "tree/exp", "src", NULL, &error), &error);
        assert_int_equal(pwrite(fd, "3", 1, 0), 1);
        expect_ok(make(&again, "tree/exp", "src", &first.memory, &error), &error);
        assert_int_not_equal(memcmp(first.version, again.version, HPX_CODE_BYTES), 0);
        assert_int_equal(hpx_listing_check(&first, &error), HPX_DIFFERS);
        expect_contains(error.message, "exp/src/a.py has changed");
        expect_ok(hpx_listing_check(&again, &error), &error);
        close(fd);
        hpx_listing_free(&first);
        hpx_listing_free(&again);
    }
    free(path);
}

static void test_left_out(void **state)
{
    (void)state;
    hpx_path_list data = {0};
    char *recipe = hpx_path_join(folder, "tree/exp"), *pack = hpx_path_join(recipe, "src/pack");
    const char *words[] = {"src"}, *inside[] = {"src/pack/b.py"};
    hpx_listing listing;
    hpx_error error;
    size_t word;
    hpx_path_list_add(&data, pack);
    hpx_listing_request request = {recipe, words, 1, &data};
    expect_ok(hpx_listing_make(&listing, &word, &request, NULL, &error), &error);
    assert_int_equal(listing.count, 1);
    hpx_listing_free(&listing);
    request.words = inside;
    assert_int_equal(hpx_listing_make(&listing, &word, &request, NULL, &error), HPX_USAGE);
    hpx_path_list_free(&data);
    free(pack);
    free(recipe);
}

static void test_damaged_memory(void **state)
{
    (void)state;
    hpx_listing listing, again;
    hpx_error error;
    expect_ok(make(&listing, "tree/exp", "src", NULL, &error), &error);
    for (size_t size = 0; size < listing.memory.size; size++) {
        const hpx_buffer part = {.data = listing.memory.data, .size = size};
        const hpx_listing_request request = {folder, NULL, 0, &nothing};
        assert_false(hpx_listing_recall(&again, &request, &part));
    }
    hpx_listing_free(&listing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ignored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edits_that_git_hides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_odd_repositories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_link_target, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_submodule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_recall, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_tick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
