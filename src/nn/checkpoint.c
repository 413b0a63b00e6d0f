/* A checkpoint, all numbers little-endian:
 *
 *      0  "HPXC"
 *      4  u32  version: 2 or 3
 *      8  u32  bytes of the header, H: a multiple of 64
 *     12  u32  epoch after which it was taken, 1 or more
 *     16  u32  optimizer: 1 Adam, 2 SGD
 *     20  u32  state arrays, S: Adam 2 (first moment, second moment), SGD 1 (velocity) or 0
 *     24  u64  parameters, P
 *     32  u32  version 2: layers, one less than N; version 3: N
 *     36  u32  N numbers that describe the network
 *              zeros up to H
 *      H  1 + S arrays of P 32-bit floats (IEEE 754), each followed by zeros up to a multiple of 64 bytes:
 * the parameters, then the states
 *
 * A perceptron is written as version 2, as it always was, so that an equal training gives equal bytes and its results
 * can be adopted. Its N numbers, 2 .. 66, are the sizes: inputs, hidden layers, classes. Any other network is
 * written as version 3, and its model says what its numbers mean (src/nn/cnn_model.c).
 *
 * An array holds layer after layer: weights, then biases. The weights of the first layer of a perceptron lie by panels
 * of 64 outputs, the last one of what is left: inputs x outputs row by row; those of another, outputs x inputs row
 * by row (version 1: inputs x outputs everywhere). Nothing follows. There is one way to write a given
 * network, so equal trainings give equal bytes. */
#include "nn/checkpoint.h"

#include "hpx/buffer.h"

#include <stdbool.h>
#include <string.h>

#define MAGIC "HPXC"
#define FIXED 36 /* bytes before the numbers */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(float) == 4,
               "arrays are written as they are in memory");

static const uint32_t optimizer_codes[] = {[HPX_ADAM] = 1, [HPX_SGD] = 2};

static size_t padded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static size_t header_size(const hpx_checkpoint *checkpoint)
{
    return padded(FIXED + 4 * (size_t)checkpoint->count);
}

size_t hpx_checkpoint_offset(const hpx_checkpoint *checkpoint, size_t index)
{
    return header_size(checkpoint) + index * padded(4 * checkpoint->parameters);
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

/* What stands before the numbers for how many they are. */
static uint32_t counted(const hpx_checkpoint *checkpoint)
{
    return checkpoint->count - (checkpoint->version == HPX_CHECKPOINT_PERCEPTRON);
}

void hpx_checkpoint_write_header(uint8_t *bytes, const hpx_checkpoint *checkpoint)
{
    memset(bytes, 0, header_size(checkpoint));
    memcpy(bytes, MAGIC, 4);
    store_integer(bytes + 4, checkpoint->version, 4);
    store_integer(bytes + 8, header_size(checkpoint), 4);
    store_integer(bytes + 12, checkpoint->epoch, 4);
    store_integer(bytes + 16, optimizer_codes[checkpoint->optimizer], 4);
    store_integer(bytes + 20, checkpoint->states, 4);
    store_integer(bytes + 24, checkpoint->parameters, 8);
    store_integer(bytes + 32, counted(checkpoint), 4);
    for (uint32_t i = 0; i < checkpoint->count; i++)
        store_integer(bytes + FIXED + 4 * i, checkpoint->numbers[i], 4);
}

static hpx_status damaged(hpx_error *error, const char *what)
{
    return hpx_error_set(error, HPX_DAMAGED, "checkpoint: %s", what);
}

/* The layers of a perceptron say how many parameters it has. */
static hpx_status check_perceptron(const hpx_checkpoint *found, hpx_error *error)
{
    uint64_t parameters = 0;
    for (uint32_t l = 0; l < found->count; l++) {
        if (found->numbers[l] == 0)
            return damaged(error, "empty layer");
        /* Above what there is, whatever follows; stopping here keeps the sum small. */
        const uint64_t more = l > 0 ? ((uint64_t)found->numbers[l - 1] + 1) * found->numbers[l] : 0;
        if (more > found->parameters - parameters)
            break;
        parameters += more;
    }
    return parameters == found->parameters
               ? HPX_OK
               : damaged(error, "the number of parameters is not that of the layers");
}

static hpx_status parse_network(hpx_checkpoint *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    const bool perceptron = out->version == HPX_CHECKPOINT_PERCEPTRON;
    const uint32_t count = hpx_load_u32(bytes + 32);
    if (count < 1 || count >= HPX_CHECKPOINT_NUMBERS_MAX)
        return damaged(error, "impossible number of layers");
    out->count = count + perceptron;
    if ((size - FIXED) / 4 < out->count)
        return damaged(error, "truncated header");
    for (uint32_t i = 0; i < out->count; i++)
        out->numbers[i] = hpx_load_u32(bytes + FIXED + 4 * i);
    out->parameters = hpx_load_u64(bytes + 24);
    /* With so many the sums below cannot overflow. */
    if (out->parameters == 0 || out->parameters > size / 4)
        return damaged(error, "truncated");
    return perceptron ? check_perceptron(out, error) : HPX_OK;
}

static hpx_status parse_header(hpx_checkpoint *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    if (size < FIXED || memcmp(bytes, MAGIC, 4) != 0)
        return damaged(error, "not a checkpoint");
    out->version = hpx_load_u32(bytes + 4);
    if (out->version != HPX_CHECKPOINT_PERCEPTRON && out->version != HPX_CHECKPOINT_NETWORK)
        return hpx_error_set(error, HPX_DAMAGED, "checkpoint: version %u, not %d or %d", out->version,
                             HPX_CHECKPOINT_PERCEPTRON, HPX_CHECKPOINT_NETWORK);
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
    return parse_network(out, bytes, size, error);
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
    if (!all_zero(bytes + FIXED + 4 * (size_t)out->count, bytes + header))
        return damaged(error, "bytes left over in the header");
    const size_t parameters = out->parameters;
    for (size_t i = 0; i <= out->states; i++) {
        const size_t end = hpx_checkpoint_offset(out, i) + 4 * parameters;
        if (!all_zero(bytes + end, bytes + hpx_checkpoint_offset(out, i + 1)))
            return damaged(error, "bytes left over behind an array");
    }
    if (!all_finite(bytes + header, parameters))
        return damaged(error, "weights that are not finite");
    return HPX_OK;
}
