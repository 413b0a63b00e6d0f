/* Builds the hpx of a code record anew: its sources in a folder of their own, compiled as they were. */
#ifndef HPX_COMPILE_H
#define HPX_COMPILE_H

#include "hpx/error.h"
#include "hpx/fields.h"

#include <signal.h>

/* In a new folder that nobody else may enter; *program is its hpx. Both are NULL, or to be free()d, after an error, too.
 * `root`: as of hpx_code_checkout. `compiler` is the manifest's numerics.compiler: what is built has the same flags. Of
 * this process's environment make sees only where programs and libraries are. HPX_FAILED with the end of make's output
 * when it does not build; HPX_INTERRUPTED when *interrupted (may be NULL) was set meanwhile. */
hpx_status hpx_code_compile(char **folder, char **program, const char *root, const hpx_fields *code,
                            const char *compiler, const volatile sig_atomic_t *interrupted, hpx_error *error);

#endif
