#include "worker/hello.h"

#include "hpx/trainer.h"
#include "identity/manifest.h"
#include "worker/message.h"

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

hpx_status hpx_hello_binary(hpx_fields *out, const hpx_fields *hello, const char *trainer, hpx_error *error)
{
    const uint8_t *bytes;
    size_t size;
    if (!hpx_fields_find(hello, trainer))
        return hpx_error_set(error, HPX_FAILED, "the job is for a trainer '%s', this worker has none",
                             trainer);
    hpx_status status = hpx_fields_bytes(&bytes, &size, hello, trainer, error);
    return status ? status : hpx_fields_decode(out, bytes, size, error);
}

hpx_status hpx_hello_check(const hpx_fields *hello, const hpx_fields *manifest, hpx_error *error)
{
    hpx_fields contributed = {0};
    const char *trainer;
    hpx_status status = hpx_fields_text(&trainer, manifest, "model.kind", error);
    if (!status)
        status = hpx_hello_binary(&contributed, hello, trainer, error);
    if (!status)
        status = hpx_manifest_check_binary_fields(manifest, &contributed, error);
    hpx_fields_free(&contributed);
    return status;
}

hpx_status hpx_hello_write(const char *path, const hpx_fields *hello, hpx_error *error)
{
    hpx_buffer bytes = {0};
    hpx_hello_encode(&bytes, hello);
    hpx_status status = hpx_message_write_file(path, &bytes, &HPX_NO_BLOB, false, error);
    hpx_buffer_free(&bytes);
    return status;
}

hpx_status hpx_hello_read(hpx_fields *out, const char *path, hpx_error *error)
{
    hpx_message message;
    hpx_buffer bytes = {0};
    hpx_blob blob;
    hpx_status status = hpx_message_read_file(&message, &bytes, &blob, path, error);
    if (!status)
        status = hpx_hello_decode(out, &message, &blob, error);
    else
        hpx_blob_close(&blob);
    hpx_buffer_free(&bytes);
    return status;
}
