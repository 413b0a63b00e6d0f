/* Signs, which are read while they are written, and what owners and workers of a pool say by them. */
#include "base/memory.h"
#include "hpx/file.h"
#include "worker/pool.h"
#include "worker/sign.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static hpx_error error;

static char *folder(void)
{
    char path[] = "/tmp/hpx-pool-XXXXXX";
    assert_non_null(mkdtemp(path));
    return hpx_strdup(path);
}

static void test_a_sign_says_the_last(void **state)
{
    (void)state;
    char *place = folder(), *path = hpx_path_join(place, "sign");
    hpx_buffer text = {0}, seen = {0};
    assert_int_equal(hpx_sign_read(&seen, path, &error), HPX_NOT_FOUND);
    assert_int_equal(hpx_sign_make(path, &error), HPX_OK);
    assert_int_equal(hpx_sign_read(&seen, path, &error), HPX_NOT_FOUND);
    hpx_buffer_puts(&text, "a long text, which the next one does not cover");
    assert_int_equal(hpx_sign_write(path, &text, &error), HPX_OK);
    assert_int_equal(hpx_sign_read(&seen, path, &error), HPX_OK);
    assert_string_equal(hpx_buffer_text(&seen), hpx_buffer_text(&text));
    text.size = 0;
    hpx_buffer_puts(&text, "short");
    assert_int_equal(hpx_sign_write(path, &text, &error), HPX_OK);
    assert_int_equal(hpx_sign_read(&seen, path, &error), HPX_OK);
    assert_string_equal(hpx_buffer_text(&seen), "short");
    assert_int_equal(hpx_sign_make(path, &error), HPX_OK); /* it is there: it stays */
    assert_int_equal(hpx_sign_read(&seen, path, &error), HPX_OK);

    FILE *file = fopen(path, "r+");
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc('!', file), '!');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(hpx_sign_read(&seen, path, &error), HPX_OK); /* what is behind the text does not count */
    file = fopen(path, "r+");
    assert_int_equal(fseek(file, 65, SEEK_SET), 0);
    assert_int_equal(fputc('!', file), '!');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(hpx_sign_read(&seen, path, &error), HPX_NOT_FOUND);
    hpx_buffer_free(&text);
    hpx_buffer_free(&seen);
    hpx_folder_remove(place);
    free(path);
    free(place);
}

enum { WRITES = 3000 };

/* Texts of one letter each, of many lengths. */
static void *write_often(void *path)
{
    hpx_error own;
    hpx_buffer text = {0};
    for (size_t i = 0; i < WRITES; i++) {
        text.size = 0;
        for (size_t j = 0; j < 1 + i * 37 % 9000; j++)
            hpx_buffer_add(&text, &"abcdefgh"[i % 8], 1);
        if (hpx_sign_write(path, &text, &own))
            break;
    }
    hpx_buffer_free(&text);
    return NULL;
}

static void test_no_half_of_a_sign_is_read(void **state)
{
    (void)state;
    char *place = folder(), *path = hpx_path_join(place, "sign");
    hpx_buffer seen = {0};
    pthread_t writer;
    size_t whole = 0;
    assert_int_equal(hpx_sign_make(path, &error), HPX_OK);
    assert_int_equal(pthread_create(&writer, NULL, write_often, path), 0);
    while (whole < 200) {
        if (hpx_sign_read(&seen, path, &error) != HPX_OK)
            continue;
        assert_int_not_equal(seen.size, 0);
        assert_int_equal(strspn(hpx_buffer_text(&seen), (char[]){(char)seen.data[0], 0}), seen.size);
        whole++;
    }
    pthread_join(writer, NULL);
    hpx_buffer_free(&seen);
    hpx_folder_remove(place);
    free(path);
    free(place);
}

static void test_what_is_said(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    const char *jobs[] = {"a-j1", "a-j20"};
    hpx_owner_sign owner = {.beat = 7, .jobs = jobs, .job_count = 2}, read_owner;
    hpx_owner_sign_encode(&text, &owner);
    assert_true(hpx_owner_sign_decode(&read_owner, &text));
    assert_int_equal(read_owner.beat, 7);
    assert_false(read_owner.ended);
    assert_int_equal(read_owner.job_count, 2);
    assert_string_equal(read_owner.jobs[1], "a-j20");
    free(read_owner.jobs);

    hpx_member_sign member = {.beat = 3,
                              .results = UINT64_C(1) << 40,
                              .job = "a-j1",
                              .unfit = "n7",
                              .wants = "12ab",
                              .ended = "its time is over"},
                    read;
    hpx_member_sign_encode(&text, &member);
    assert_true(hpx_member_sign_decode(&read, &text));
    assert_int_equal(read.results, member.results);
    assert_string_equal(read.job, "a-j1");
    assert_string_equal(read.unfit, "n7");
    assert_string_equal(read.wants, "12ab");
    assert_string_equal(read.ended, "its time is over");
    for (size_t size = 0; size + 1 < text.size; size++) {
        hpx_buffer part = {0};
        hpx_buffer_add(&part, text.data, size);
        (void)hpx_owner_sign_decode(&read_owner, &part);
        free(read_owner.jobs);
        assert_false(hpx_member_sign_decode(&read, &part));
        hpx_buffer_free(&part);
    }
    hpx_buffer_free(&text);
}

static void test_only_this_users(void **state)
{
    (void)state;
    char *place = folder(), *pool = hpx_path_join(place, "pool"), *link = hpx_path_join(place, "link");
    assert_int_equal(hpx_pool_check(pool, &error), HPX_FAILED);
    assert_int_equal(hpx_pool_make(pool, &error), HPX_OK);
    assert_int_equal(hpx_pool_make(pool, &error), HPX_OK);
    assert_int_equal(chmod(pool, 0720), 0);
    assert_int_equal(hpx_pool_check(pool, &error), HPX_FAILED);
    assert_non_null(strstr(error.message, "chmod 700"));
    assert_int_equal(hpx_pool_make(pool, &error), HPX_FAILED);
    assert_int_equal(chmod(pool, 0700), 0);
    assert_int_equal(symlink(pool, link), 0);
    assert_int_equal(hpx_pool_check(link, &error), HPX_FAILED);
    if (geteuid() == 0) {
        assert_int_equal(chown(pool, 1, 1), 0);
        assert_int_equal(hpx_pool_check(pool, &error), HPX_FAILED);
        assert_non_null(strstr(error.message, "belongs to user 1"));
    }
    hpx_folder_remove(place);
    free(link);
    free(pool);
    free(place);
}

static void test_a_pulse(void **state)
{
    (void)state;
    hpx_pulse pulse = {.beat = 0};
    assert_false(hpx_pulse_is_gone(&pulse)); /* nothing was heard of it yet */
    hpx_pulse_feel(&pulse, 0);
    assert_false(hpx_pulse_is_gone(&pulse));
    pulse.changed -= HPX_POOL_EXPIRY_SECONDS + 1;
    hpx_pulse_feel(&pulse, 0);
    assert_true(hpx_pulse_is_gone(&pulse));
    hpx_pulse_feel(&pulse, 1);
    assert_false(hpx_pulse_is_gone(&pulse));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sign_says_the_last),
        cmocka_unit_test(test_no_half_of_a_sign_is_read),
        cmocka_unit_test(test_what_is_said),
        cmocka_unit_test(test_only_this_users),
        cmocka_unit_test(test_a_pulse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
