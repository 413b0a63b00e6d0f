/* gzip (RFC 1952) through zlib: whole files in memory, with a bound on what comes out. */
#include "data/gzip.h"
#include "hpx/idx.h"

#include "base/memory.h"

#include <zlib.h>

#define INPUT_CHUNK  (1u << 30) /* zlib counts in unsigned int */
#define OUTPUT_CHUNK 65536u

struct decoder {
    z_stream stream;
    size_t waiting; /* input bytes behind those that zlib has been given */
    hpx_buffer *out;
    size_t start; /* where this file begins in `out` */
    bool ended;
};

bool hpx_is_gzip(const uint8_t *bytes, size_t size)
{
    return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static void decoder_open(struct decoder *decoder, hpx_buffer *out, const uint8_t *bytes, size_t size)
{
    decoder->stream.next_in = (uint8_t *)bytes; /* zlib only reads it */
    decoder->waiting = size;
    decoder->out = out;
    decoder->start = out->size;
    if (inflateInit2(&decoder->stream, 16 + MAX_WBITS) != Z_OK) /* 16: gzip, not zlib */
        hpx_out_of_memory(OUTPUT_CHUNK);
}

/* On failure the output is as it was before. */
static hpx_status decoder_close(struct decoder *decoder, hpx_status status)
{
    inflateEnd(&decoder->stream);
    if (status)
        decoder->out->size = decoder->start;
    return status;
}

static uint64_t produced(const struct decoder *decoder)
{
    return decoder->out->size - decoder->start;
}

static hpx_status corrupt(hpx_error *error, const char *why)
{
    return hpx_error_set(error, HPX_FAILED, "corrupt gzip: %s", why);
}

/* Behind a member comes the end of the file or another member. */
static hpx_status end_member(struct decoder *decoder, hpx_error *error)
{
    size_t left = decoder->stream.avail_in + decoder->waiting;
    if (left == 0) {
        decoder->ended = true;
        return HPX_OK;
    }
    if (!hpx_is_gzip(decoder->stream.next_in, left))
        return hpx_error_set(error, HPX_FAILED, "%zu bytes of something else follow the gzip data", left);
    inflateReset(&decoder->stream);
    return HPX_OK;
}

/* Goes on until `limit` bytes have come out or the file has ended. */
static hpx_status decode(struct decoder *decoder, uint64_t limit, hpx_error *error)
{
    z_stream *stream = &decoder->stream;
    hpx_status status = HPX_OK;
    while (!status && !decoder->ended && produced(decoder) < limit) {
        if (stream->avail_in == 0) {
            stream->avail_in = decoder->waiting < INPUT_CHUNK ? (uInt)decoder->waiting : INPUT_CHUNK;
            decoder->waiting -= stream->avail_in;
        }
        uint64_t wanted = limit - produced(decoder);
        uInt room = wanted < OUTPUT_CHUNK ? (uInt)wanted : OUTPUT_CHUNK;
        hpx_buffer_reserve(decoder->out, room);
        stream->next_out = decoder->out->data + decoder->out->size;
        stream->avail_out = room;
        int result = inflate(stream, Z_NO_FLUSH);
        decoder->out->size += room - stream->avail_out;
        if (result == Z_STREAM_END)
            status = end_member(decoder, error);
        else if (result == Z_BUF_ERROR)
            status = corrupt(error, "truncated");
        else if (result == Z_MEM_ERROR)
            hpx_out_of_memory(OUTPUT_CHUNK);
        else if (result != Z_OK)
            status = corrupt(error, stream->msg ? stream->msg : "invalid data");
    }
    return status;
}

hpx_status hpx_gunzip(hpx_buffer *out, const uint8_t *bytes, size_t size, uint64_t bytes_max,
                      hpx_error *error)
{
    struct decoder decoder = {0};
    decoder_open(&decoder, out, bytes, size);
    /* One byte more than allowed, to see whether there is one; so is the end of the file checked. */
    hpx_status status = decode(&decoder, bytes_max < UINT64_MAX ? bytes_max + 1 : bytes_max, error);
    if (!status && produced(&decoder) > bytes_max)
        status = hpx_error_set(error, HPX_FAILED, "more than %llu bytes when uncompressed",
                               (unsigned long long)bytes_max);
    return decoder_close(&decoder, status);
}

hpx_status hpx_idx_gunzip(hpx_buffer *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    struct decoder decoder = {0};
    uint64_t declared = 0;
    decoder_open(&decoder, out, bytes, size);
    hpx_status status = decode(&decoder, HPX_IDX_HEADER_MAX, error);
    if (!status)
        status = hpx_idx_file_size(&declared, out->data + decoder.start, produced(&decoder), error);
    if (!status)
        status = decode(&decoder, declared + 1, error);
    if (!status && produced(&decoder) < declared)
        status = hpx_error_set(error, HPX_FAILED,
                               "truncated: the header says %llu bytes, the file has %llu when uncompressed",
                               (unsigned long long)declared, (unsigned long long)produced(&decoder));
    if (!status && produced(&decoder) > declared)
        status = hpx_error_set(error, HPX_FAILED,
                               "bytes left over: the header says %llu, more follow when uncompressed",
                               (unsigned long long)declared);
    return decoder_close(&decoder, status);
}
