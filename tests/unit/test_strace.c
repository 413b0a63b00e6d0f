/* The log of strace, line by line as it was recorded. */
#include "upkeep/strace.h"

#include "hpx/buffer.h"
#include "hpx/file.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void note(void *context, hpx_access access, const char *asked, const char *found)
{
    hpx_buffer *out = context;
    hpx_buffer_printf(out, "%c %s", "rwm"[access], asked);
    if (strcmp(asked, found) != 0)
        hpx_buffer_printf(out, " -> %s", found);
    hpx_buffer_puts(out, "\n");
}

/* What is made of these lines, for a program that began in /home/u. */
#define check(expected, ...) check_lines(expected, (const char *const[]){__VA_ARGS__, NULL})

static void check_lines(const char *expected, const char *const *lines)
{
    hpx_buffer out = {0};
    hpx_strace *strace = hpx_strace_new("/home/u", note, &out);
    for (; *lines; lines++)
        hpx_strace_line(strace, *lines, strlen(*lines));
    hpx_strace_free(strace);
    assert_string_equal(hpx_buffer_text(&out), expected);
    hpx_buffer_free(&out);
}

static void test_opens(void **state)
{
    (void)state;
    check("r /home/u/t.sh\n", "17 openat(AT_FDCWD</home/u>, \"t.sh\", O_RDONLY) = 3</home/u/t.sh>");
    check("r /lib/libc.so.6 -> /usr/lib/libc.so.6\n",
          "17 openat(AT_FDCWD</tmp>, \"/lib/libc.so.6\", O_RDONLY|O_CLOEXEC) = 3</usr/lib/libc.so.6>");
    check("r /data/w/util.py\n",
          "17 openat(5</data>, \"w/util.py\", O_RDONLY|O_CLOEXEC) = 6</data/w/util.py>");
    check("r /home/util.py\n", "17 open(\"./a/../../util.py\", O_RDONLY) = 3</home/util.py>");
    check("r /x\n", "17 openat2(AT_FDCWD</home/u>, \"/x\", {flags=O_RDONLY, resolve=0}, 24) = 3</x>");
    check("r /dev/fd/3 -> /a/x>y (q)\n",
          "17 openat(AT_FDCWD</a>, \"/dev/fd/3\", O_RDONLY) = 7</a/x\\76y (q)>(deleted)");
    check("r /dev/stdin\n", "17 openat(AT_FDCWD</a>, \"/dev/stdin\", O_RDONLY) = 7<pipe:[123]>");
    check("", "17 openat(AT_FDCWD</a>, \".\", O_RDONLY|O_CLOEXEC|O_DIRECTORY) = 4</a>");
    check("", "17 openat(AT_FDCWD</a>, \"x\", O_RDONLY) = -1 EACCES (Permission denied)");
}

static void test_names_are_unescaped(void **state)
{
    (void)state;
    check("r /home/u/a \"b\"\n\303\274\\0.py\n",
          "17 openat(AT_FDCWD</home/u>, \"a \\\"b\\\"\\n\\303\\274\\\\0.py\", O_RDONLY) = "
          "3</home/u/a \"b\"\\n\\303\\274\\\\0.py>");
    /* What could be a flag or a result is part of a name. */
    check("r /home/u/O_CREAT = -1 ENOENT\n",
          "17 openat(AT_FDCWD</home/u>, \"O_CREAT = -1 ENOENT\", O_RDONLY) = 3</home/u/O_CREAT = -1 ENOENT>");
    check("r /b\n", "17 execve(\"/b\", [\"b\", \"x) = -1 ENOENT\"], 0x7ffd /* 37 vars */) = 0");
}

static void test_what_is_written(void **state)
{
    (void)state;
    check("w /t/a\n", "1 openat(AT_FDCWD</t>, \"a\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</t/a>");
    check("w /t/a\n", "1 openat(AT_FDCWD</t>, \"a\", O_RDWR|O_CREAT|O_CLOEXEC, 0777) = 3</t/a>");
    check("r /t/a\n", "1 openat(AT_FDCWD</t>, \"a\", O_RDWR) = 3</t/a>");
    check("", "1 openat(AT_FDCWD</t>, \"a\", O_WRONLY|O_APPEND) = 3</t/a>");
    check("w /home/u/a\n", "1 creat(\"a\", 0644) = 3</home/u/a>");
    check("w /t/d\n", "1 mkdirat(AT_FDCWD</t>, \"d\", 0777) = 0",
          "1 mkdir(\"d\", 0777) = -1 EEXIST (File exists)");
    check("w /t/b\n", "1 rename(\"/t/a\", \"/t/b\") = 0");
    check("w /d/b\n", "1 renameat2(AT_FDCWD</tmp>, \"a\", 4</d>, \"b\", RENAME_NOREPLACE) = 0");
    check("", "1 rename(\"/t/a\", \"/t/b\") = -1 ENOENT (No such file or directory)");
}

static void test_what_is_missing(void **state)
{
    (void)state;
    check("m /home/u/zz\n", "1 access(\"zz\", F_OK)                = -1 ENOENT (No such file or directory)");
    check("m /p/q\n",
          "1 newfstatat(AT_FDCWD</p>, \"q\", 0x7fff08496ab0, 0) = -1 ENOENT (No such file or directory)");
    check("m /p/q\n", "1 openat(AT_FDCWD</p>, \"q\", O_RDONLY) = -1 ENOENT (No such file or directory)");
    check("m /p/run\n",
          "1 execve(\"/p/run\", [\"run\"], 0x1 /* 3 vars */) = -1 ENOENT (No such file or directory)");
    check("", "1 newfstatat(5</tmp/pd>, \"w\", {st_mode=S_IFDIR|0755, st_size=4096, ...}, 0) = 0");
    check("", "1 newfstatat(3</p/q>, \"\", {st_mode=S_IFREG|0644, st_size=2, ...}, AT_EMPTY_PATH) = 0");
    check("",
          "1 openat(AT_FDCWD</p>, \"q\", O_WRONLY|O_CREAT, 0666) = -1 ENOENT (No such file or directory)");
}

/* Each process is somewhere: what has no descriptor begins there. */
static void test_folders(void **state)
{
    (void)state;
    check("r /tmp/pd/a\nr /home/u/a\n", "1 chdir(\"/tmp\") = 0", "1 chdir(\"pd\") = 0",
          "1 execve(\"./a\", [\"a\"], 0x1 /* 3 vars */) = 0",
          "2 execve(\"./a\", [\"a\"], 0x1 /* 3 vars */) = 0");
    check("r /tmp/pd/a\n", "1 fchdir(5</tmp/pd>)                = 0",
          "1 execve(\"a\", [\"a\"], 0x1 /* 0 vars */) = 0");
    check("r /home/u/a\n", "1 chdir(\"/no\") = -1 ENOENT (No such file or directory)",
          "1 execve(\"a\", [\"a\"], 0x1 /* 0 vars */) = 0");
    /* It has said so itself, in passing. */
    check("r /x/l\nr /x/a\n", "1 openat(AT_FDCWD</x>, \"l\", O_RDONLY) = 3</x/l>",
          "1 execve(\"a\", [\"a\"], 0x1 /* 0 vars */) = 0");
    /* The number is another process's now. */
    check("r /home/u/a\n", "1 chdir(\"/tmp\") = 0", "1 +++ exited with 0 +++",
          "1 execve(\"a\", [\"a\"], 0x1 /* 0 vars */) = 0");
}

static void test_calls_in_parts(void **state)
{
    (void)state;
    check("r /b/y\nr /a/x\n", "15533 openat(AT_FDCWD</a>, \"x\", O_RDONLY|O_CLOEXEC <unfinished ...>",
          "15532 openat(AT_FDCWD</b>, \"y\", O_RDONLY <unfinished ...>",
          "15532 <... openat resumed>)             = 3</b/y>",
          "15533 <... openat resumed>)             = 4</a/x>");
    check("r /usr/bin/cat\n", "15529 vfork( <unfinished ...>",
          "15530 execve(\"/usr/bin/cat\", [\"cat\", \"a b\\nc\"], 0x5629c032eb18 /* 37 vars */ <unfinished "
          "...>",
          "15529 <... vfork resumed>)              = 15530", "15530 <... execve resumed>)             = 0");
    /* One that another process began, or that never ended. */
    check("r /x\n", "3 <... execve resumed>) = 0", "4 open(\"/y\", O_RDONLY <unfinished ...>",
          "4 +++ killed by SIGKILL +++", "4 <... open resumed>) = 3</y>", "3 open(\"/x\", O_RDONLY) = 3</x>");
}

static void test_other_lines(void **state)
{
    (void)state;
    check("", "", " ", "17", "17 ", "openat(AT_FDCWD</a>, \"t.sh\", O_RDONLY) = 3</a/t.sh>",
          "strace: Process 3 attached",
          "15529 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=15574, si_uid=0} ---",
          "17 getcwd(\"/tmp/pd/w\", 1024)         = 10", "17 openat(AT_FDCWD</home", "17 openat(",
          "17 openat(3<", "17 openat(AT_FDCWD</a>, \"x", "17 openat(AT_FDCWD</a>, \"x\\",
          "17 openat(AT_FDCWD</a>, \"x\"",
          "17 open(\"x\", O_RDONLY) = ", "17 open(\"x\", O_RDONLY) = ? ERESTARTSYS (To be restarted)",
          "17 <... openat resumed>", "17 <... ",
          "17 readlink(\"d.py\", 0x7ffd118e0e90, 4096) = -1 EINVAL (Invalid argument)");
}

static void test_file(void **state)
{
    static const char text[] = "1 open(\"/a\", O_RDONLY) = 3</a>\n1 open(\"/b\", O_RDONLY) = 4</b>";
    char *folder = make_folder(), *path = hpx_path_join(folder, "log");
    hpx_buffer out = {0};
    hpx_error error;
    (void)state;
    write_text(path, text);
    hpx_strace *strace = hpx_strace_new("/", note, &out);
    expect_ok(hpx_strace_read(strace, path, &error), &error);
    assert_string_equal(hpx_buffer_text(&out), "r /a\nr /b\n");
    unlink(path);
    assert_int_equal(hpx_strace_read(strace, path, &error), HPX_FAILED);
    expect_contains(error.message, path);
    hpx_strace_free(strace);
    hpx_buffer_free(&out);
    free(path);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens),           cmocka_unit_test(test_names_are_unescaped),
        cmocka_unit_test(test_what_is_written), cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_folders),         cmocka_unit_test(test_calls_in_parts),
        cmocka_unit_test(test_other_lines),     cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
