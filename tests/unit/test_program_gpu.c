/* Slots on graphics processors: taken by one process, they are not another's until it gives them back or dies. */
#include "program/gpu.h"

#include "base/memory.h"
#include "base/process.h"

#include "../helper/helper.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static hpx_error error;
static char *names[3];

/* Devices that no other test has. */
static int name_devices(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        names[i] = hpx_format("test%d-%zu", (int)getpid(), i);
    char *list = hpx_format("%s,%s %s", names[0], names[1], names[2]);
    setenv("HPX_GPUS", list, 1);
    free(list);
    return 0;
}

static int remove_locks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char *path = hpx_format("/tmp/hpx-gpu-%s.lock", names[i]);
        unlink(path);
        free(path);
        free(names[i]);
    }
    return 0;
}

static void expect_names(hpx_gpus *gpus, size_t first, size_t second)
{
    char *both = hpx_format("%s,%s", names[first], names[second]);
    assert_string_equal(hpx_gpus_names(gpus), second == first ? names[first] : both);
    free(both);
}

static void test_take(void **state)
{
    (void)state;
    hpx_gpus *two, *one, *none;
    assert_int_equal(hpx_gpu_count(), 3);
    expect_ok(hpx_gpus_take(&two, 2, -1, &error), &error);
    expect_names(two, 0, 1);
    expect_ok(hpx_gpus_take(&one, 1, -1, &error), &error);
    expect_names(one, 2, 2);
    hpx_gpus_release(two);
    expect_ok(hpx_gpus_take(&two, 2, -1, &error), &error);
    expect_names(two, 0, 1);
    hpx_gpus_release(two);
    hpx_gpus_release(one);
    assert_int_equal(hpx_gpus_take(&none, 4, -1, &error), HPX_FAILED);
    assert_string_equal(error.message, "the program needs 4 GPUs, and there are 3");
}

/* Holds all devices until it is killed. */
static int hold(void *context)
{
    hpx_gpus *gpus;
    if (hpx_gpus_take(&gpus, 3, -1, &error))
        return 1;
    close(*(int *)context);
    pause();
    return 0;
}

static void test_wait(void **state)
{
    (void)state;
    int ends[2], how;
    pid_t pid;
    hpx_gpus *gpus;
    char byte;
    assert_int_equal(pipe(ends), 0);
    expect_ok(hpx_process_fork(&pid, hold, &ends[1], &error), &error);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* it has them */
    close(ends[0]);

    /* Nobody waits for what a build does not want any more. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    close(ends[1]);
    assert_int_equal(hpx_gpus_take(&gpus, 1, ends[0], &error), HPX_INTERRUPTED);
    assert_null(gpus);
    close(ends[0]);

    kill(pid, SIGKILL);
    expect_ok(hpx_gpus_take(&gpus, 3, -1, &error), &error);
    hpx_gpus_release(gpus);
    expect_ok(hpx_process_wait(&how, pid, &error), &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_wait),
    };
    return cmocka_run_group_tests(tests, name_devices, remove_locks);
}
