/* Workers that compute otherwise than this machine: what they say of it, which of them a build takes, and what is kept of it. */
#include "base/memory.h"
#include "hpx/file.h"
#include "identity/elsewhere.h"
#include "identity/manifest.h"
#include "worker/executor.h"
#include "worker/hello.h"

#include "../helper/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hpx_error error;
static const hpx_trainer *trainer;

/* --- the engine ----------------------------------------------------------------------------------------------------- */

static char avoided[64]; /* nodes, one after the other */

static void avoid(hpx_launcher *launcher, const char *node)
{
    (void)launcher;
    snprintf(avoided + strlen(avoided), sizeof avoided - strlen(avoided), "%s ", node);
}

/* --- a worker ------------------------------------------------------------------------------------------------------- */

static void say(const char *unfit, const char *ended)
{
    hpx_member_sign sign = {.beat = 0};
    snprintf(sign.unfit, sizeof sign.unfit, "%s", unfit);
    snprintf(sign.ended, sizeof sign.ended, "%s", ended);
    say_sign(worker, &sign);
}

static hpx_fields hello_of(const hpx_fields *binary)
{
    hpx_fields hello = {0};
    hpx_buffer bytes = {0};
    hpx_fields_encode(&bytes, binary);
    hpx_fields_set_bytes(&hello, trainer->name, bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    return hello;
}

/* A worker that contributes this has come. */
static void come(const hpx_fields *binary)
{
    hpx_fields hello = hello_of(binary);
    char *path = hpx_pool_path(pool, "hello", worker);
    assert_int_equal(hpx_hello_write(path, &hello, &error), HPX_OK);
    say("", "");
    hpx_fields_free(&hello);
    free(path);
}

static hpx_fields other_numerics(void)
{
    hpx_fields binary = {0};
    hpx_manifest_set_binary(&binary, trainer);
    hpx_fields_set_text(&binary, "numerics.libc", "another");
    return binary;
}

static hpx_fields other_code(void)
{
    static const uint8_t version[HPX_CODE_BYTES] = {1, 2, 3};
    hpx_fields binary = {0};
    hpx_manifest_set_binary(&binary, trainer);
    hpx_manifest_set_trainer(&binary, version);
    return binary;
}

/* --- who waits for it ----------------------------------------------------------------------------------------------- */

static hpx_status hear(void *context, const hpx_result *result, hpx_error *unused)
{
    (void)context, (void)result, (void)unused;
    fail();
    return HPX_OK;
}

static void look(hpx_executor *executor)
{
    assert_int_equal(executor->wait(executor, 0, hear, NULL, &error), HPX_OK);
}

static hpx_status binary_of(hpx_fields *out, hpx_executor *executor)
{
    *out = (hpx_fields){0};
    return executor->binary(out, executor, trainer, &error);
}

static void end(hpx_executor *executor)
{
    say("", "the build has ended");
    executor->close(executor);
}

static int set_up(void **state)
{
    trainer = hpx_trainer_find(hpx_trainer_names()[0]);
    *avoided = '\0';
    return set_up_pool(state);
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

static void test_what_differs(void **state)
{
    (void)state;
    hpx_fields here = {0}, binary = other_numerics(), manifest = {0}, read = {0};
    hpx_manifest_set_binary(&here, trainer);
    hpx_fields hello = hello_of(&here);
    char *path = hpx_path_join(place_of_all, "hello"), *file = hpx_path_join(place_of_all, "hello.msg");
    hpx_fields_set_text(&manifest, "model.kind", trainer->name);
    hpx_fields_add(&manifest, &here);
    assert_int_equal(hpx_hello_check(&hello, &manifest, &error), HPX_OK);
    hpx_manifest_set_binary_fields(&manifest, &binary);
    assert_int_equal(hpx_hello_check(&hello, &manifest, &error), HPX_DIFFERS);
    assert_non_null(strstr(error.message, "numerics.libc"));
    hpx_fields_free(&binary);
    binary = other_code();
    hpx_manifest_set_binary_fields(&manifest, &binary);
    assert_int_equal(hpx_hello_check(&hello, &manifest, &error), HPX_FAILED);
    assert_int_equal(hpx_hello_read(&read, path, &error), HPX_NOT_FOUND);
    assert_int_equal(hpx_hello_write(path, &hello, &error), HPX_OK);
    assert_int_equal(hpx_hello_read(&read, path, &error), HPX_OK);
    assert_int_equal(hpx_hello_binary(&manifest, &read, "nobody", &error), HPX_FAILED);
    hpx_fields_free(&read);
    assert_int_equal(hpx_file_write(file, "hello", 5, &error), HPX_OK);
    assert_int_equal(hpx_hello_read(&read, path, &error), HPX_DAMAGED);
    hpx_fields_free(&hello);
    hpx_fields_free(&manifest);
    hpx_fields_free(&binary);
    hpx_fields_free(&here);
    free(file);
    free(path);
}

static void test_the_first_worker_decides(void **state)
{
    (void)state;
    hpx_fields binary, others = other_numerics();
    hpx_executor *executor = open_pool(avoid);
    look(executor);
    assert_string_equal(worker, ""); /* nobody wants one */
    assert_int_equal(binary_of(&binary, executor), HPX_NOT_FOUND);
    look(executor);
    assert_string_not_equal(worker, "");
    assert_int_equal(binary_of(&binary, executor), HPX_NOT_FOUND);
    come(&others);
    look(executor);
    assert_int_equal(binary_of(&binary, executor), HPX_OK);
    assert_string_equal(hpx_fields_text_or_empty(&binary, "numerics.libc"), "another");
    assert_true(hpx_manifest_same_binary(&binary, &others));
    assert_null(executor->words(executor));
    hpx_fields_free(&binary);
    hpx_fields_free(&others);
    end(executor);
}

static void test_a_worker_of_another_hpx(void **state)
{
    (void)state;
    char first[HPX_POOL_NAME_BYTES];
    hpx_fields binary, others = other_code();
    hpx_executor *executor = open_pool(avoid);
    assert_int_equal(binary_of(&binary, executor), HPX_NOT_FOUND);
    look(executor);
    memcpy(first, worker, sizeof first);
    come(&others);
    look(executor);
    assert_int_equal(binary_of(&binary, executor), HPX_NOT_FOUND);
    char *sign = hpx_pool_path(pool, "member", first), *words = executor->words(executor);
    assert_false(hpx_path_exists(sign)); /* by which it knows */
    assert_non_null(strstr(words, "another hpx"));
    look(executor);
    assert_string_not_equal(first, worker); /* another is asked for */
    hpx_fields_free(&others);
    free(words);
    free(sign);
    end(executor);
}

static void test_a_node_that_is_unfit(void **state)
{
    (void)state;
    char first[HPX_POOL_NAME_BYTES];
    hpx_fields binary;
    hpx_executor *executor = open_pool(avoid);
    assert_int_equal(binary_of(&binary, executor), HPX_NOT_FOUND);
    for (int i = 0; i < 5; i++) { /* more than may end early */
        look(executor);
        memcpy(first, worker, sizeof first);
        say(i % 2 == 0 ? "n7" : "n8", "the job is for another numerics.libc");
        look(executor);
        assert_string_not_equal(first, worker);
    }
    assert_string_equal(avoided, "n7 n8 ");
    char *words = executor->words(executor);
    assert_string_equal(words, "the workers on n7 are released: the job is for another numerics.libc\n"
                               "the workers on n8 are released: the job is for another numerics.libc");
    assert_null(executor->words(executor));
    free(words);
    end(executor);
}

static void test_what_is_kept(void **state)
{
    (void)state;
    hpx_fields binary = {0}, others = other_numerics();
    char *path = hpx_path_join(place_of_all, "elsewhere/host");
    hpx_manifest_set_binary(&binary, trainer);
    assert_false(hpx_elsewhere_recall(&binary, path, trainer->name));
    hpx_elsewhere_remember(path, trainer->name, &others);
    hpx_elsewhere_remember(path, HPX_TRAINER_PROGRAM, &(hpx_fields){0});
    assert_true(hpx_elsewhere_recall(&binary, path, trainer->name));
    assert_true(hpx_manifest_same_binary(&binary, &others));
    assert_int_equal(hpx_file_write(path, "damaged", 7, &error), HPX_OK);
    assert_false(hpx_elsewhere_recall(&binary, path, trainer->name));
    assert_true(hpx_manifest_same_binary(&binary, &others));
    hpx_elsewhere_remember("/dev/null/host", trainer->name, &others); /* of no use, and no harm */
    hpx_fields_free(&binary);
    hpx_fields_free(&others);
    free(path);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_pool)
    const struct CMUnitTest tests[] = {
        TEST(test_what_differs),
        TEST(test_the_first_worker_decides),
        TEST(test_a_worker_of_another_hpx),
        TEST(test_a_node_that_is_unfit),
        TEST(test_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
