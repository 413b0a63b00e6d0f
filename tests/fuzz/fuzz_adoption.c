/* Any bytes as an adoption: what is read is written again as those very bytes, unless it is of an older
 * form. */
#include "fuzz.h"

#include "identity/adoption.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_fields fields = {0}, again = {0};
    hpx_adoption adoption;
    hpx_buffer bytes = {0};
    hpx_error error;
    if (!data || hpx_fields_decode(&fields, data, size, &error) != HPX_OK)
        return 0;
    if (hpx_adoption_from_fields(&adoption, &fields, &error) == HPX_OK) {
        hpx_adoption_to_fields(&again, &adoption);
        hpx_fields_encode(&bytes, &again);
        if (hpx_fields_find(&fields, "covers"))
            bytes.size = 0;
        else if (bytes.size != size || memcmp(bytes.data, data, size) != 0)
            abort();
        hpx_adoptions all = {.items = &adoption, .count = 1};
        hpx_adoptions_resolve(&all, &again);
        hpx_adoption_free(&adoption);
    } else if (error.status != HPX_DAMAGED) {
        abort();
    }
    hpx_buffer_free(&bytes);
    hpx_fields_free(&again);
    hpx_fields_free(&fields);
    return 0;
}
