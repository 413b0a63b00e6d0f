/* A pool with one worker at a time, which the test plays. Everything here fails the running test instead of returning an error. */
#ifndef HPX_TESTS_POOL_H
#define HPX_TESTS_POOL_H

#include "worker/executor.h"
#include "worker/pool.h"

/* Of the running test: a folder that is removed after it, the pool in that, and the last worker that was asked for. */
extern char *place_of_all, *pool;
extern char worker[HPX_POOL_NAME_BYTES];

int set_up_pool(void **state);
int tear_down_pool(void **state);

/* Opens the pool as its owner. `avoid` is that of its launcher, or NULL. */
hpx_executor *open_pool(void (*avoid)(hpx_launcher *launcher, const char *node));

/* Says a worker's sign, with a beat that nobody has said. */
void say_sign(const char *name, hpx_member_sign *sign);

#endif
