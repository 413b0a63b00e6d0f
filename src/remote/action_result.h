/* The ActionResult of Bazel's Remote Execution API (build/bazel/remote/execution/v2/remote_execution.proto, github.com/
 * bazelbuild/remote-apis), as far as it lists output files: what servers for Bazel keep under /ac/. */
#ifndef HPX_REMOTE_ACTION_RESULT_H
#define HPX_REMOTE_ACTION_RESULT_H

#include "digest.h"

#include "hpx/buffer.h"
#include "hpx/error.h"

#include <stddef.h>
#include <stdint.h>

#define HPX_ACTION_RESULT_BYTES_MAX ((size_t)16 << 10)

enum { HPX_OUTPUT_FILES_MAX = 8, HPX_OUTPUT_PATH_MAX = 31 };

typedef struct hpx_output_file {
    char path[HPX_OUTPUT_PATH_MAX + 1];
    hpx_digest digest;
    const uint8_t *contents; /* within the message; NULL: it is only in /cas/ */
    size_t contents_size;
} hpx_output_file;

typedef struct hpx_action_result {
    hpx_output_file files[HPX_OUTPUT_FILES_MAX];
    size_t count;
} hpx_action_result;

/* NULL: there is none of this path. */
const hpx_output_file *hpx_action_result_find(const hpx_action_result *result, const char *path);

void hpx_action_result_encode(hpx_buffer *out, const hpx_action_result *result);

/* HPX_DAMAGED for bytes that are no such message, for an action that failed, and for more or other files than hpx would ever
 * list. Fields that hpx does not use, as servers add them, are passed over. What it points to is borrowed. */
hpx_status hpx_action_result_decode(hpx_action_result *out, const uint8_t *bytes, size_t size,
                                    hpx_error *error);

#endif
