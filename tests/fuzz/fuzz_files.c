/* Any bytes as the files of a code record, packed and as entries to pack: what is read is written again as
 * those very bytes. */
#include "fuzz.h"

#include "code/files.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void unpack(const uint8_t *bytes, size_t size, bool must_be_same)
{
    code_files files;
    hpx_buffer again = {0};
    hpx_error error;
    if (hpx_code_files_unpack(&files, bytes, size, &error) != HPX_OK) {
        if (error.status != HPX_DAMAGED || files.count != 0)
            abort();
        return;
    }
    hpx_code_files_pack(&again, &files);
    if (must_be_same && (again.size != size || memcmp(again.data, bytes, size) != 0))
        abort();
    hpx_buffer_free(&again);
    hpx_code_files_free(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!data)
        return 0;
    unpack(data, size, false); /* zlib has several ways to write the same */
    hpx_buffer packed = {0};
    uLongf length = compressBound(size);
    hpx_buffer_u64(&packed, size);
    hpx_buffer_reserve(&packed, length);
    if (compress(packed.data + packed.size, &length, data, size) != Z_OK)
        abort();
    packed.size += length;
    unpack(packed.data, packed.size, true);
    hpx_buffer_free(&packed);
    return 0;
}
