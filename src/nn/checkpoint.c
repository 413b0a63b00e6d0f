/* A checkpoint, all numbers little-endian:
 *
 *      0  "HPXC"
 *      4  u32  version = 2
 *      8  u32  bytes of the header, H: a multiple of 64
 *     12  u32  epoch after which it was taken, 1 or more
 *     16  u32  optimizer: 1 Adam, 2 SGD
 *     20  u32  state arrays, S: Adam 2 (first moment, second moment), SGD 1 (velocity) or 0
 *     24  u64  parameters, P
 *     32  u32  layers, L: 1 .. 65
 *     36  u32  L + 1 sizes: inputs, hidden layers, classes
 *              zeros up to H
 *      H  1 + S arrays of P 32-bit floats (IEEE 754), each followed by zeros up to a multiple of 64 bytes:
 * the parameters, then the states
 *
 * An array holds layer after layer: weights, then biases. The weights of the first layer lie by panels of 64
 * outputs, the last one of what is left: inputs x outputs row by row; those of another, outputs x inputs row
 * by row (version 1: inputs x outputs everywhere). Nothing follows. There is one way to write a given
 * network, so equal trainings give equal bytes. */
#include "nn/checkpoint.h"

#include "hpx/buffer.h"

#include <stdbool.h>
#include <string.h>

#define MAGIC   "HPXC"
#define VERSION 2
#define FIXED   36 /* bytes before the sizes */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(float) == 4,
               "arrays are written as they are in memory");

static const uint32_t optimizer_codes[] = {[HPX_ADAM] = 1, [HPX_SGD] = 2};

static size_t padded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static size_t header_size(const hpx_checkpoint *checkpoint)
{
    return padded(FIXED + 4 * ((size_t)checkpoint->shape.layers + 1));
}

size_t hpx_checkpoint_offset(const hpx_checkpoint *checkpoint, size_t index)
{
    return header_size(checkpoint) + index * padded(4 * hpx_mlp_parameters(&checkpoint->shape));
}

size_t hpx_checkpoint_size(const hpx_checkpoint *checkpoint)
{
    return hpx_checkpoint_offset(checkpoint, 1 + (size_t)checkpoint->states);
}

static void store_integer(uint8_t *bytes, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

void hpx_checkpoint_write_header(uint8_t *bytes, const hpx_checkpoint *checkpoint)
{
    const hpx_mlp_shape *shape = &checkpoint->shape;
    memset(bytes, 0, header_size(checkpoint));
    memcpy(bytes, MAGIC, 4);
    store_integer(bytes + 4, VERSION, 4);
    store_integer(bytes + 8, header_size(checkpoint), 4);
    store_integer(bytes + 12, checkpoint->epoch, 4);
    store_integer(bytes + 16, optimizer_codes[checkpoint->optimizer], 4);
    store_integer(bytes + 20, checkpoint->states, 4);
    store_integer(bytes + 24, hpx_mlp_parameters(shape), 8);
    store_integer(bytes + 32, shape->layers, 4);
    for (uint32_t l = 0; l <= shape->layers; l++)
        store_integer(bytes + FIXED + 4 * l, shape->sizes[l], 4);
}

static hpx_status damaged(hpx_error *error, const char *what)
{
    return hpx_error_set(error, HPX_DAMAGED, "checkpoint: %s", what);
}

static hpx_status parse_shape(hpx_mlp_shape *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    out->layers = hpx_load_u32(bytes + 32);
    if (out->layers < 1 || out->layers > HPX_MLP_LAYERS_MAX)
        return damaged(error, "impossible number of layers");
    if ((size - FIXED) / 4 < (size_t)out->layers + 1)
        return damaged(error, "truncated header");
    uint64_t parameters = 0;
    for (uint32_t l = 0; l <= out->layers; l++) {
        out->sizes[l] = hpx_load_u32(bytes + FIXED + 4 * l);
        if (out->sizes[l] == 0)
            return damaged(error, "empty layer");
        /* More parameters than the blob has bytes are too many, whatever follows; stopping here keeps the sum
         * small. */
        const uint64_t more = l > 0 ? ((uint64_t)out->sizes[l - 1] + 1) * out->sizes[l] : 0;
        if (more > size - parameters)
            return damaged(error, "truncated");
        parameters += more;
    }
    if (parameters != hpx_load_u64(bytes + 24))
        return damaged(error, "the number of parameters is not that of the layers");
    return HPX_OK;
}

static hpx_status parse_header(hpx_checkpoint *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    if (size < FIXED || memcmp(bytes, MAGIC, 4) != 0)
        return damaged(error, "not a checkpoint");
    if (hpx_load_u32(bytes + 4) != VERSION)
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: version %u, not %u", hpx_load_u32(bytes + 4),
                             VERSION);
    out->epoch = hpx_load_u32(bytes + 12);
    out->states = hpx_load_u32(bytes + 20);
    const uint32_t code = hpx_load_u32(bytes + 16);
    if (code == optimizer_codes[HPX_ADAM])
        out->optimizer = HPX_ADAM;
    else if (code == optimizer_codes[HPX_SGD])
        out->optimizer = HPX_SGD;
    else
        return damaged(error, "unknown optimizer");
    if (out->optimizer == HPX_ADAM ? out->states != 2 : out->states > 1)
        return damaged(error, "impossible number of state arrays");
    if (out->epoch == 0)
        return damaged(error, "epoch 0");
    return parse_shape(&out->shape, bytes, size, error);
}

static bool all_zero(const uint8_t *from, const uint8_t *to)
{
    uint8_t any = 0;
    for (; from < to; from++)
        any |= *from;
    return any == 0;
}

/* Whether the exponent of every float at `bytes`, which need not be aligned, is less than that of NaN and
 * infinity. */
static bool all_finite(const uint8_t *bytes, size_t count)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, bytes + 4 * i, 4);
        bad |= (word & 0x7f800000) == 0x7f800000;
    }
    return bad == 0;
}

hpx_status hpx_checkpoint_parse(hpx_checkpoint *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    *out = (hpx_checkpoint){0};
    hpx_status status = parse_header(out, bytes, size, error);
    if (status)
        return status;
    const size_t header = header_size(out);
    if (hpx_load_u32(bytes + 8) != header)
        return damaged(error, "wrong size of the header");
    if (size != hpx_checkpoint_size(out))
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: %zu bytes instead of %zu", size,
                             hpx_checkpoint_size(out));
    if (!all_zero(bytes + FIXED + 4 * ((size_t)out->shape.layers + 1), bytes + header))
        return damaged(error, "bytes left over in the header");
    const size_t parameters = hpx_mlp_parameters(&out->shape);
    for (size_t i = 0; i <= out->states; i++) {
        const size_t end = hpx_checkpoint_offset(out, i) + 4 * parameters;
        if (!all_zero(bytes + end, bytes + hpx_checkpoint_offset(out, i + 1)))
            return damaged(error, "bytes left over behind an array");
    }
    if (!all_finite(bytes + header, parameters))
        return damaged(error, "weights that are not finite");
    return HPX_OK;
}
