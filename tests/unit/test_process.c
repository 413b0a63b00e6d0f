/* Child processes: what they get of this one, and how they end. */
#include "base/process.h"

#include "hpx/buffer.h"

#include "../helper/helper.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static hpx_error error;

/* Runs a shell command; what it prints, and its wait status. */
static hpx_buffer run(int *how, const char *command, hpx_process_options options)
{
    char *const arguments[] = {"sh", "-c", (char *)command, NULL};
    hpx_buffer said = {0};
    int ends[2];
    pid_t pid;
    assert_int_equal(pipe(ends), 0); /* not close-on-exec */
    options.arguments = arguments;
    options.descriptors[0] = -1;
    options.descriptors[1] = ends[1];
    options.descriptors[2] = STDERR_FILENO;
    expect_ok(hpx_process_start(&pid, &options, &error), &error);
    close(ends[1]);
    for (ssize_t got = 1; got > 0; said.size += got > 0 ? (size_t)got : 0) {
        hpx_buffer_reserve(&said, 4096);
        got = read(ends[0], said.data + said.size, 4096);
    }
    close(ends[0]);
    expect_ok(hpx_process_wait(how, pid, &error), &error);
    return said;
}

static void expect_said(const char *command, hpx_process_options options, const char *text)
{
    int how;
    hpx_buffer said = run(&how, command, options);
    assert_int_equal(how, 0);
    assert_string_equal(hpx_buffer_text(&said), text);
    hpx_buffer_free(&said);
}

static void test_descriptors(void **state)
{
    (void)state;
    const int open = dup(STDERR_FILENO);
    expect_said("for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; cat; exit 0",
                (hpx_process_options){0}, "");
    close(open);
}

static void test_surroundings(void **state)
{
    (void)state;
    char *const environment[] = {"WORD=here", NULL};
    expect_said("pwd; echo $WORD", (hpx_process_options){.folder = "/", .environment = environment},
                "/\nhere\n");
}

static void expect_end(const char *command, bool own_group, int code, int number)
{
    int how;
    hpx_buffer said = run(&how, command, (hpx_process_options){.own_group = own_group});
    hpx_buffer_free(&said);
    assert_int_equal(WIFSIGNALED(how) ? WTERMSIG(how) : 0, number);
    assert_int_equal(WIFEXITED(how) ? WEXITSTATUS(how) : 0, code);
}

/* What this process blocks and ignores ends a child. */
static void test_signals(void **state)
{
    (void)state;
    sigset_t blocked, old;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &old);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    expect_end("kill -TERM $$", false, 0, SIGTERM);
    expect_end("kill -PIPE $$", false, 0, SIGPIPE);
    expect_end("kill -XFSZ $$", false, 0, SIGXFSZ);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_ends(void **state)
{
    (void)state;
    expect_end("exit 7", false, 7, 0);
    expect_end("kill -9 $$", false, 0, SIGKILL);
    expect_end("kill -9 0", true, 0, SIGKILL); /* its group, not this process's */
}

static void test_no_program(void **state)
{
    (void)state;
    char *const arguments[] = {"hpx-has-no-such-program", NULL};
    const hpx_process_options options = {.arguments = arguments, .descriptors = {-1, -1, -1}};
    pid_t pid;
    setenv("PATH", "/usr/bin:/bin", 1); /* a folder in it that may not be read is another error */
    assert_int_equal(hpx_process_start(&pid, &options, &error), HPX_NOT_FOUND);
    assert_int_equal(errno, ENOENT);
    expect_contains(error.message, "hpx-has-no-such-program is not installed");
}

/* A name is searched as a program is started: in each folder, the current one for an empty name, and no folder is one. */
static void test_find(void **state)
{
    (void)state;
    char *folder = make_folder(), *here = getcwd(NULL, 0), *path = strdup(getenv("PATH")), *file;
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("first", 0777), 0);
    assert_int_equal(mkdir("first/tool", 0777), 0);
    write_text("tool", "");
    setenv("PATH", "first:second", 1);
    assert_null(hpx_process_find("tool"));
    setenv("PATH", "first::second", 1);
    assert_null(hpx_process_find("tool"));
    assert_int_equal(chmod("tool", 0755), 0);
    assert_string_equal(file = hpx_process_find("tool"), "./tool");
    free(file);
    unsetenv("PATH");
    assert_non_null(file = hpx_process_find("sh"));
    free(file);
    setenv("PATH", path, 1);
    assert_int_equal(chdir(here), 0);
    free(path);
    free(here);
    remove_folder(folder);
}

static int answer(void *context)
{
    return *(const int *)context;
}

static void test_fork(void **state)
{
    (void)state;
    int how, code = 42;
    pid_t pid;
    expect_ok(hpx_process_fork(&pid, answer, &code, &error), &error);
    expect_ok(hpx_process_wait(&how, pid, &error), &error);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors),  cmocka_unit_test(test_signals),
        cmocka_unit_test(test_surroundings), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_no_program),   cmocka_unit_test(test_fork),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
