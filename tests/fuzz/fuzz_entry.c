/* Any bytes as an entry of a shared store. What is an ActionResult says the same when it is written again; what a signer has
 * signed is taken or refused, whatever it is. */
#include "fuzz.h"

#include "remote/action_result.h"
#include "remote/entry.h"
#include "remote/inside.h"

#include <stdlib.h>
#include <string.h>

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void read_result(const uint8_t *data, size_t size)
{
    hpx_action_result result, again;
    hpx_error error;
    hpx_buffer bytes = {0};
    if (hpx_action_result_decode(&result, data, size, &error))
        return;
    hpx_action_result_encode(&bytes, &result);
    expect(!hpx_action_result_decode(&again, bytes.data, bytes.size, &error) && again.count == result.count);
    for (size_t i = 0; i < result.count; i++) {
        const hpx_output_file *a = &result.files[i], *b = &again.files[i];
        expect(strcmp(a->path, b->path) == 0 && hpx_digest_equal(&a->digest, &b->digest) &&
               a->contents_size == b->contents_size && !a->contents == !b->contents);
        if (a->contents_size > 0)
            expect(memcmp(a->contents, b->contents, a->contents_size) == 0);
    }
    hpx_buffer_free(&bytes);
}

/* The bytes as a statement that the user's own key has signed. */
static void read_statement(const uint8_t *data, size_t size)
{
    const hpx_keys keys = {
        .can_sign = true, .own = hpx_signer_of((const uint8_t[HPX_SEED_BYTES]){1}), .seed = {1}};
    hpx_entry entry = {.epoch = 1}, again;
    hpx_buffer bytes = {0}, statement = {0};
    hpx_error error;
    const size_t taken = size < sizeof entry ? size : sizeof entry;
    if (taken > 0)
        memcpy(&entry, data, taken);
    hpx_entry_encode(&bytes, &statement, &entry, &keys);
    if (!hpx_entry_decode(&again, bytes.data, bytes.size, entry.manifest, &keys.own, &error))
        expect(again.epoch > 0 && again.checkpoint_epoch <= again.epoch);
    hpx_buffer_free(&statement);
    hpx_buffer_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hpx_signer nobody;
    hpx_entry entry;
    hpx_error error;
    read_result(data, size);
    read_statement(data, size);
    const uint8_t none[HPX_SHA256_BYTES] = {0};
    hpx_entry_decode(&entry, data, size, none, &nobody, &error);
    return 0;
}
