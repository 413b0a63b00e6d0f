/* Processes of a program: all of them end, whatever they do against it. */
#include "program/processes.h"

#include "base/memory.h"
#include "base/process.h"
#include "hpx/buffer.h"
#include "hpx/file.h"

#include "../helper/helper.h"

#include <errno.h>
#include <poll.h>
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

#define GRACE 0.1

/* What the programs below start ends by itself some time, should the test be killed. */

static hpx_error error;
static char *folder;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    hpx_processes_adopt();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bool ended;
    int how;
    hpx_processes_end(0, 0, &ended, &how);
    remove_folder(folder);
    return 0;
}

/* Starts a shell in the folder, and waits until it has made the file "ready". */
static pid_t start(const char *script, char *const *environment)
{
    char *const arguments[] = {"sh", "-c", (char *)script, NULL};
    const hpx_process_options options = {.arguments = arguments,
                                         .environment = environment,
                                         .folder = folder,
                                         .descriptors = {-1, -1, -1},
                                         .own_session = true};
    pid_t pid;
    expect_ok(hpx_process_start(&pid, &options, &error), &error);
    char *ready = hpx_path_join(folder, "ready");
    siginfo_t ended = {0};
    while (!hpx_path_exists(ready)) {
        assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        assert_true(ended.si_pid == 0 || hpx_path_exists(ready));
        poll(NULL, 0, 5);
    }
    unlink(ready);
    free(ready);
    return pid;
}

/* Whether a process of the number works in the folder: another may have the number by now. */
static bool is_living(long pid)
{
    char *path = hpx_format("/proc/%ld/cwd", pid);
    struct stat works_in, own;
    const bool living = stat(path, &works_in) == 0 && stat(folder, &own) == 0 &&
                        works_in.st_dev == own.st_dev && works_in.st_ino == own.st_ino;
    free(path);
    return living;
}

/* How many of the processes that have written their numbers are left. */
static size_t count_living(void)
{
    char *path = hpx_path_join(folder, "pids");
    hpx_buffer text = read_file(path);
    size_t living = 0;
    for (const char *at = hpx_buffer_text(&text); *at; at += strcspn(at, "\n") + 1)
        living += is_living(strtol(at, NULL, 10));
    hpx_buffer_free(&text);
    free(path);
    return living;
}

static void test_ends_by_itself(void **state)
{
    (void)state;
    bool ended = false;
    int how = 0;
    const pid_t pid = start("touch ready; exit 7", NULL);
    const int children = hpx_processes_watch();
    struct pollfd news = {.fd = children, .events = POLLIN};
    while (hpx_processes_reap(pid, &ended, &how))
        poll(&news, 1, -1);
    assert_true(ended);
    assert_int_equal(WEXITSTATUS(how), 7);
    hpx_processes_unwatch(children);
}

static const char hears_sigterm[] =
    "trap 'exit 5' TERM; touch ready; for i in $(seq 9999); do sleep 0.01; done";

static void test_hears_sigterm(void **state)
{
    (void)state;
    bool ended = false;
    int how = 0;
    const pid_t pid = start(hears_sigterm, NULL);
    hpx_processes_end(60, pid, &ended, &how);
    assert_true(ended);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 5);
}

static void test_stopped_hears_it(void **state)
{
    (void)state;
    bool ended = false;
    int how = 0;
    const pid_t pid = start(hears_sigterm, NULL);
    kill(pid, SIGSTOP);
    hpx_processes_end(60, pid, &ended, &how);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 5);
}

/* Of other sessions, without their parents, and deaf. */
static void test_double_fork(void **state)
{
    (void)state;
    bool ended = false;
    int how = 0;
    const pid_t pid = start(
        "trap '' TERM HUP INT; one='trap \"\" TERM HUP; echo $$ >>pids; touch $0; for i in $(seq 99); do "
        "sleep 1; done'\n"
        "(setsid sh -c \"($one) & exit 0\" a &)\n"
        "(setsid setsid sh -c \"$one\" b & ) &\n"
        "env -i PATH=\"$PATH\" setsid sh -c \"$one\" c &\n"
        "echo $$ >>pids; until [ -e a ] && [ -e b ] && [ -e c ]; do sleep 0.01; done; touch ready; exit 3",
        NULL);
    hpx_processes_end(GRACE, pid, &ended, &how);
    assert_true(ended);
    assert_int_equal(WEXITSTATUS(how), 3);
    assert_int_equal(count_living(), 0);
    assert_int_equal(hpx_processes_memory(), 0);
}

/* Each starts the next, with `before` in front, and ends: whoever looks for it finds it gone. */
static void end_relay(const char *before)
{
    bool ended = false;
    int how = 0;
    char *path = hpx_path_join(folder, "relay");
    char *script =
        hpx_format("trap '' TERM\necho $$ >>pids\n[ -e ready ] || touch ready\n[ $1 -gt 9999 ] && exit\n"
                   "%s sh ./relay $(($1 + 1)) & sh ./other & exit 0\n",
                   before);
    write_text(path, script);
    free(script);
    free(path);
    path = hpx_path_join(folder, "other");
    write_text(path, "trap '' TERM\necho $$ >>pids\nsleep 0.02\n");
    free(path);
    const pid_t pid = start("sh ./relay 0", NULL);
    hpx_processes_end(GRACE, pid, &ended, &how);
    assert_false(hpx_processes_reap(pid, &ended, &how));
    assert_int_equal(count_living(), 0);
}

static void test_relay(void **state)
{
    (void)state;
    end_relay("");
}

static void test_relay_of_sessions(void **state)
{
    (void)state;
    end_relay("setsid");
}

static void test_fork_bomb(void **state)
{
    (void)state;
    bool ended = false;
    int how = 0;
    const pid_t pid = start("for n in $(seq 60); do (trap '' TERM; for i in $(seq 9999); do sleep 0.005 & "
                            "wait; done) & done; touch ready; wait",
                            NULL);
    hpx_processes_end(0, pid, &ended, &how);
    assert_true(ended);
    assert_true(WIFSIGNALED(how));
    assert_false(hpx_processes_reap(pid, &ended, &how));
}

static void test_memory(void **state)
{
    (void)state;
    start("x=0123456789; while [ ${#x} -lt 20000000 ]; do x=$x$x; done; touch ready; sleep 99", NULL);
    assert_true(hpx_processes_memory() > 20000000);
}

/* --- strays ----------------------------------------------------------------------------------------------- */

/* A process that starts a program under its mark, and then stays or not. */
static int start_marked(void *context)
{
    char *mark = hpx_processes_mark("store-key"), *variable = hpx_format("HPX_TRIAL=%s", mark);
    char *path = hpx_format("PATH=%s", getenv("PATH"));
    char *const environment[] = {path, variable, NULL};
    start("echo $$ >>pids; (trap '' TERM; echo x; setsid sleep 1000) & touch ready; sleep 1000", environment);
    if (*(const bool *)context)
        pause();
    return 0;
}

static void test_strays(void **state)
{
    (void)state;
    pid_t owner;
    int how;
    const bool stays = false;
    expect_ok(hpx_process_fork(&owner, start_marked, (void *)&stays, &error), &error);
    expect_ok(hpx_process_wait(&how, owner, &error), &error);
    assert_int_equal(count_living(), 1);
    assert_int_equal(hpx_processes_end_strays("other", GRACE), 0);
    assert_int_equal(hpx_processes_end_strays("store-other", GRACE), 0);
    assert_int_equal(count_living(), 1);
    assert_true(hpx_processes_end_strays("store", GRACE) >= 2);
    assert_int_equal(hpx_processes_end_strays("store", GRACE), 0);
    bool ended;
    assert_false(hpx_processes_reap(0, &ended, &how));
    assert_int_equal(count_living(), 0);
}

/* What belongs to a process that lives is none of them. */
static void test_no_strays(void **state)
{
    (void)state;
    pid_t owner;
    const bool stays = true;
    expect_ok(hpx_process_fork(&owner, start_marked, (void *)&stays, &error), &error);
    char *path = hpx_path_join(folder, "pids");
    while (!hpx_path_exists(path) || count_living() == 0)
        poll(NULL, 0, 5);
    free(path);
    assert_int_equal(hpx_processes_end_strays("store", GRACE), 0);
    assert_int_equal(count_living(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ends_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hears_sigterm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopped_hears_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_double_fork, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_relay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_relay_of_sessions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fork_bomb, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_strays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
