/* What a machine makes products with: --kernel says it in the environment, which workers have from the build wherever they are. */
#include "cli.h"

#include "base/memory.h"
#include "hpx/trainer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define VECTOR "HPX_VECTOR"
#define CORE   "OPENBLAS_CORETYPE"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static bool is_vector(const char *kernel)
{
    return strcmp(kernel, "avx512") == 0 || strcmp(kernel, "avx2") == 0 || strcmp(kernel, "plain") == 0;
}

static bool is_set(const char *name, const char *value)
{
    const char *set = getenv(name);
    return set && strcmp(set, value) == 0;
}

char *hpx_kernel_pinned(void)
{
    const char *vector = getenv(VECTOR), *core = getenv(CORE);
    char *text = hpx_format("%.64s%s%.64s", vector ? vector : "", core ? "." : "", core ? core : "");
    for (char *at = text; *at; at++)
        if (!strchr(NAME_CHARACTERS ".", *at))
            *at = '_';
    return text;
}

hpx_status hpx_pin_kernel(const char *kernel, char **arguments, hpx_error *error)
{
    const char *vector = is_vector(kernel) ? kernel : "plain";
    if (!*kernel || kernel[strspn(kernel, NAME_CHARACTERS)])
        return hpx_error_set(error, HPX_USAGE,
                             "--kernel %s: expected avx512, avx2, plain or a kernel of OpenBLAS, as Haswell",
                             kernel);
    if (is_set(VECTOR, vector) && (is_vector(kernel) || is_set(CORE, kernel)))
        return HPX_OK;
    if (setenv(VECTOR, vector, 1) == 0 && (is_vector(kernel) || setenv(CORE, kernel, 1) == 0))
        execv(hpx_worker_program(), arguments); /* the BLAS reads it when it is loaded */
    return hpx_error_set(error, HPX_FAILED, "--kernel: cannot begin anew: %s", strerror(errno));
}

/* A BLAS that has not the kernel takes another, and says nothing. */
static hpx_status check_core(const hpx_trainer *trainer, const char *core, hpx_error *error)
{
    hpx_fields numerics = {0};
    hpx_status status = HPX_OK;
    if (trainer->numerics)
        trainer->numerics(&numerics);
    const char *has = hpx_fields_text_or_empty(&numerics, "numerics.kernel");
    if (*has && strcasecmp(has, core) != 0)
        status =
            hpx_error_set(error, HPX_USAGE,
                          "the BLAS of this machine has no kernel '%s' for it; it would take %s", core, has);
    hpx_fields_free(&numerics);
    return status;
}

hpx_status hpx_check_kernel(hpx_error *error)
{
    const char *core = getenv(CORE);
    hpx_status status = HPX_OK;
    for (const char *const *name = hpx_trainer_names(); *name && !status; name++) {
        const hpx_trainer *trainer = hpx_trainer_find(*name);
        status = trainer->check_environment ? trainer->check_environment(error) : HPX_OK;
        if (!status && core && *core)
            status = check_core(trainer, core, error);
    }
    return status;
}
