/* Control groups of both versions, made of files; what the real machine says is only checked for sense. */
#include "base/machine.h"

#include "hpx/file.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *root;

static void put(const char *path, const char *text)
{
    hpx_error error;
    char *file = hpx_path_join(root, path), *folder = hpx_path_directory(file);
    expect_ok(hpx_make_directories(folder, &error), &error);
    write_text(file, text);
    free(folder);
    free(file);
}

static void expect_limits(double processors, uint64_t memory_bytes)
{
    const hpx_limits limits = hpx_limits_of_group(root);
    if (isinf(processors))
        assert_true(isinf(limits.processors));
    else
        assert_true(fabs(limits.processors - processors) < 1e-9);
    assert_int_equal(limits.memory_bytes, memory_bytes);
}

static void test_no_groups(void **state)
{
    (void)state;
    expect_limits(INFINITY, UINT64_MAX);
    put("proc/self/cgroup", "garbage\n0::\n1:\n\n");
    expect_limits(INFINITY, UINT64_MAX);
}

/* The tightest limit on the way up holds. */
static void test_version_2(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/user/job\n");
    put("sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/user/job/memory.max", "max\n");
    expect_limits(INFINITY, UINT64_MAX);
    put("sys/fs/cgroup/user/cpu.max", "150000 100000\n");
    expect_limits(1.5, UINT64_MAX);
    put("sys/fs/cgroup/user/job/cpu.max", "400000 100000\n");
    put("sys/fs/cgroup/user/memory.max", "1000000\n");
    put("sys/fs/cgroup/user/memory.current", "900000\n");
    expect_limits(1.5, 100000);
    put("sys/fs/cgroup/user/memory.stat", "anon 400000\ninactive_file 300000\n");
    expect_limits(1.5, 400000);
    put("sys/fs/cgroup/user/memory.current", "1100000\n");
    put("sys/fs/cgroup/user/memory.stat", "anon 400000\n");
    expect_limits(1.5, 0);
}

static void test_version_1(void **state)
{
    (void)state;
    put("proc/self/cgroup", "5:cpuset:/\n4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n1:name=systemd:/\n");
    put("sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "1\n"); /* not of this hierarchy */
    put("sys/fs/cgroup/cpuset/cpu.cfs_period_us", "1\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"); /* in a container the group is the root */
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
    expect_limits(INFINITY, UINT64_MAX);
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    put("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "2000\n");
    put("sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes", "500\n");
    expect_limits(0.5, 1500);
}

static void test_this_machine(void **state)
{
    (void)state;
    char host[8];
    assert_in_range(hpx_processors(), 1, 65536);
    assert_true(hpx_memory_available() > 1 << 20);
    assert_true(hpx_descriptors_available(8) >= 8);
    hpx_host_name(host, sizeof host);
    assert_in_range(strlen(host), 1, 7);
}

static int setup(void **state)
{
    (void)state;
    root = make_folder();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(root);
    root = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version_2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version_1, setup, teardown),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
