/* Any bytes as the record of an artifact: what is read is what would be written. */
#include "fuzz.h"

#include "store/internal.h"
#include "store/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_artifact artifact = {0}, again = {0};
    hpx_error error;
    hpx_cell_set *cells = hpx_cell_set_new();
    if (!data || hpx_decode_artifact(&artifact, cells, data, size, &error) != HPX_OK) {
        hpx_cell_set_free(cells);
        return 0;
    }
    hpx_buffer bytes = {0}, twice = {0};
    hpx_encode_artifact(&bytes, &artifact);
    if (hpx_decode_artifact(&again, cells, bytes.data, bytes.size, &error) != HPX_OK)
        abort();
    hpx_encode_artifact(&twice, &again);
    if (bytes.size != twice.size || memcmp(bytes.data, twice.data, bytes.size) != 0)
        abort();
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&twice);
    hpx_artifact_free(&artifact);
    hpx_artifact_free(&again);
    hpx_cell_set_free(cells);
    return 0;
}
