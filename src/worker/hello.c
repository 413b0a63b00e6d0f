#include "worker/hello.h"

#include "hpx/trainer.h"
#include "identity/manifest.h"

static void add_trainer(hpx_fields *hello, const char *name)
{
    hpx_fields contributed = {0};
    hpx_buffer bytes = {0};
    hpx_manifest_set_binary(&contributed, hpx_trainer_find(name));
    hpx_fields_encode(&bytes, &contributed);
    hpx_fields_set_bytes(hello, name, bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    hpx_fields_free(&contributed);
}

void hpx_hello_of_binary(hpx_fields *hello)
{
    add_trainer(hello, HPX_TRAINER_PROGRAM);
    for (const char *const *name = hpx_trainer_names(); *name; name++)
        add_trainer(hello, *name);
}

hpx_status hpx_hello_check(const hpx_fields *hello, const hpx_fields *manifest, hpx_error *error)
{
    hpx_fields contributed = {0};
    const uint8_t *bytes;
    size_t size;
    const char *trainer;
    hpx_status status = hpx_fields_text(&trainer, manifest, "model.kind", error);
    if (!status && !hpx_fields_find(hello, trainer))
        return hpx_error_set(error, HPX_FAILED, "the job is for a trainer '%s', this worker has none",
                             trainer);
    if (!status)
        status = hpx_fields_bytes(&bytes, &size, hello, trainer, error);
    if (!status)
        status = hpx_fields_decode(&contributed, bytes, size, error);
    if (!status)
        status = hpx_manifest_check_binary_fields(manifest, &contributed, error);
    hpx_fields_free(&contributed);
    return status;
}
