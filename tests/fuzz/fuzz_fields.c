/* Any bytes as an encoding of fields: what is read is written again as those very bytes. */
#include "fuzz.h"

#include "hpx/fields.h"

#include <stdlib.h>
#include <string.h>

static void expect(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_fields fields = {0};
    hpx_error error = {HPX_OK, ""};
    if (hpx_fields_decode(&fields, data, size, &error)) {
        expect(error.status == HPX_DAMAGED && fields.count == 0 && !fields.arena);
        return 0;
    }
    hpx_buffer again = {0}, text = {0};
    hpx_fields_encode(&again, &fields);
    expect(again.size == size && memcmp(again.data, data, size) == 0);
    for (size_t i = 0; i < fields.count; i++) {
        expect(hpx_fields_find(&fields, fields.fields[i].name) == &fields.fields[i]);
        hpx_field_print(&text, &fields.fields[i]);
    }
    hpx_buffer_free(&again);
    hpx_buffer_free(&text);
    hpx_fields_free(&fields);
    return 0;
}
