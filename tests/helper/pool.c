#include "pool.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "worker/sign.h"

#include "fleet.h"
#include "helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

char *place_of_all, *pool;
char worker[HPX_POOL_NAME_BYTES];

int set_up_pool(void **state)
{
    (void)state;
    place_of_all = make_folder();
    pool = hpx_path_join(place_of_all, "pool");
    *worker = '\0';
    return 0;
}

int tear_down_pool(void **state)
{
    (void)state;
    remove_folder(place_of_all);
    free(pool);
    return 0;
}

static hpx_status place(hpx_launcher *launcher, const char *name, size_t count, hpx_error *unused)
{
    (void)launcher, (void)unused;
    assert_int_equal(count, 1);
    snprintf(worker, sizeof worker, "%.40s-0", name);
    return HPX_OK;
}

hpx_executor *open_pool(void (*avoid)(hpx_launcher *launcher, const char *node))
{
    static hpx_launcher engine;
    hpx_executor *executor;
    hpx_error error;
    engine = played_engine(place);
    engine.avoid = avoid;
    expect_ok(hpx_executor_cluster(&executor, &engine, pool, 1, &error), &error);
    return executor;
}

void say_sign(const char *name, hpx_member_sign *sign)
{
    static uint64_t beat;
    hpx_buffer text = {0};
    hpx_error error;
    char *path = hpx_pool_path(pool, "member", name);
    sign->beat = ++beat;
    hpx_member_sign_encode(&text, sign);
    expect_ok(hpx_sign_make(path, &error), &error);
    expect_ok(hpx_sign_write(path, &text, &error), &error);
    hpx_buffer_free(&text);
    free(path);
}
