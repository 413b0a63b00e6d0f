/* Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding): a message is a row of fields, each a tag, which is
 * field number << 3 | wire type as a varint, and a value. Of these messages and fields:
 *
 *     ActionResult  2 output_files: OutputFile, repeated    4 exit_code: int32
 *     OutputFile    1 path: string    2 digest: Digest    5 contents: bytes
 *     Digest        1 hash: string, 64 lower-case digits of SHA-256    2 size_bytes: int64
 *
 * An output file has a path and a digest, and no path comes twice. A field of these that comes twice, or with another wire type,
 * makes a message malformed; so does what is no field at all: a number of 0, a varint of more than ten bytes, a group, a length
 * beyond the end. */
#include "action_result.h"

#include "base/text.h"
#include "hpx/hash.h"

#include <string.h>

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { RESULT_OUTPUT_FILES = 2, RESULT_EXIT_CODE = 4 };
enum { FILE_PATH = 1, FILE_DIGEST = 2, FILE_CONTENTS = 5 };
enum { DIGEST_HASH = 1, DIGEST_SIZE = 2 };

const hpx_output_file *hpx_action_result_find(const hpx_action_result *result, const char *path)
{
    for (size_t i = 0; i < result->count; i++)
        if (strcmp(result->files[i].path, path) == 0)
            return &result->files[i];
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------------------- */

static void put_varint(hpx_buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    hpx_buffer_add(out, bytes, size);
}

static void put_bytes(hpx_buffer *out, uint64_t number, const void *bytes, size_t size)
{
    put_varint(out, number << 3 | WIRE_BYTES);
    put_varint(out, size);
    hpx_buffer_add(out, bytes, size);
}

static void put_digest(hpx_buffer *out, const hpx_digest *digest)
{
    char hex[2 * HPX_SHA256_BYTES + 1];
    hpx_buffer message = {0};
    hpx_hex(hex, digest->sha256, HPX_SHA256_BYTES);
    put_bytes(&message, DIGEST_HASH, hex, strlen(hex));
    if (digest->size > 0) { /* 0 is the default, which is left out */
        put_varint(&message, DIGEST_SIZE << 3 | WIRE_VARINT);
        put_varint(&message, digest->size);
    }
    put_bytes(out, FILE_DIGEST, message.data, message.size);
    hpx_buffer_free(&message);
}

void hpx_action_result_encode(hpx_buffer *out, const hpx_action_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const hpx_output_file *file = &result->files[i];
        hpx_buffer message = {0};
        put_bytes(&message, FILE_PATH, file->path, strlen(file->path));
        put_digest(&message, &file->digest);
        if (file->contents)
            put_bytes(&message, FILE_CONTENTS, file->contents, file->contents_size);
        put_bytes(out, RESULT_OUTPUT_FILES, message.data, message.size);
        hpx_buffer_free(&message);
    }
}

/* --- reading ---------------------------------------------------------------------------------------------- */

struct cursor {
    const uint8_t *at, *end;
};

struct field {
    uint64_t number;
    enum wire wire;
    uint64_t value;       /* VARINT */
    struct cursor inside; /* BYTES */
};

static bool take_varint(uint64_t *out, struct cursor *cursor)
{
    *out = 0;
    for (unsigned shift = 0; shift < 70 && cursor->at < cursor->end; shift += 7) {
        const uint8_t byte = *cursor->at++;
        if (shift == 63 && byte > 1)
            return false;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool skip(struct cursor *cursor, uint64_t size)
{
    const bool fits = size <= (uint64_t)(cursor->end - cursor->at);
    if (fits)
        cursor->at += size;
    return fits;
}

static bool take_field(struct field *out, struct cursor *cursor)
{
    uint64_t tag, size;
    if (!take_varint(&tag, cursor) || tag >> 3 == 0 || tag > UINT32_MAX)
        return false;
    *out = (struct field){.number = tag >> 3, .wire = (enum wire)(tag & 7)};
    switch (out->wire) {
    case WIRE_VARINT:
        return take_varint(&out->value, cursor);
    case WIRE_64:
        return skip(cursor, 8);
    case WIRE_32:
        return skip(cursor, 4);
    case WIRE_BYTES:
        if (!take_varint(&size, cursor))
            return false;
        out->inside.at = cursor->at;
        out->inside.end = cursor->at + (skip(cursor, size) ? size : 0);
        return cursor->at == out->inside.end;
    }
    return false;
}

/* Whether the field is of this wire type, and the first of its number; `seen` has a bit for each. */
static bool is_first(const struct field *field, enum wire wire, unsigned *seen)
{
    const unsigned bit = 1u << field->number;
    const bool first = field->wire == wire && !(*seen & bit);
    *seen |= bit;
    return first;
}

static bool read_hash(hpx_digest *out, struct cursor text)
{
    char hex[2 * HPX_SHA256_BYTES + 1] = "", again[sizeof hex];
    if (text.end - text.at != sizeof hex - 1)
        return false;
    memcpy(hex, text.at, sizeof hex - 1);
    if (!hpx_unhex(out->sha256, HPX_SHA256_BYTES, hex))
        return false;
    hpx_hex(again, out->sha256, HPX_SHA256_BYTES);
    return strcmp(hex, again) == 0;
}

static bool read_digest(hpx_digest *out, struct cursor message)
{
    unsigned seen = 0;
    while (message.at < message.end) {
        struct field field;
        if (!take_field(&field, &message))
            return false;
        if (field.number == DIGEST_HASH &&
            (!is_first(&field, WIRE_BYTES, &seen) || !read_hash(out, field.inside)))
            return false;
        if (field.number == DIGEST_SIZE && (!is_first(&field, WIRE_VARINT, &seen) || field.value > INT64_MAX))
            return false;
        if (field.number == DIGEST_SIZE)
            out->size = field.value;
    }
    return seen & 1u << DIGEST_HASH;
}

static bool read_path(hpx_output_file *out, struct cursor text)
{
    const size_t size = (size_t)(text.end - text.at);
    if (size == 0 || size > HPX_OUTPUT_PATH_MAX || !hpx_text_is_visible((const char *)text.at, size))
        return false;
    memcpy(out->path, text.at, size);
    return true;
}

static bool read_file(hpx_output_file *out, struct cursor message)
{
    unsigned seen = 0;
    while (message.at < message.end) {
        struct field field;
        if (!take_field(&field, &message))
            return false;
        if (field.number != FILE_PATH && field.number != FILE_DIGEST && field.number != FILE_CONTENTS)
            continue;
        if (!is_first(&field, WIRE_BYTES, &seen) ||
            (field.number == FILE_PATH && !read_path(out, field.inside)) ||
            (field.number == FILE_DIGEST && !read_digest(&out->digest, field.inside)))
            return false;
        if (field.number == FILE_CONTENTS) {
            out->contents = field.inside.at;
            out->contents_size = (size_t)(field.inside.end - field.inside.at);
        }
    }
    return *out->path && seen & 1u << FILE_DIGEST;
}

static bool read_result(hpx_action_result *out, struct cursor message)
{
    unsigned seen = 0;
    while (message.at < message.end) {
        struct field field;
        hpx_output_file file = {.path = ""};
        if (!take_field(&field, &message))
            return false;
        if (field.number == RESULT_EXIT_CODE && (!is_first(&field, WIRE_VARINT, &seen) || field.value != 0))
            return false;
        if (field.number != RESULT_OUTPUT_FILES)
            continue;
        if (field.wire != WIRE_BYTES || out->count == HPX_OUTPUT_FILES_MAX ||
            !read_file(&file, field.inside) || hpx_action_result_find(out, file.path))
            return false;
        out->files[out->count++] = file;
    }
    return true;
}

hpx_status hpx_action_result_decode(hpx_action_result *out, const uint8_t *bytes, size_t size,
                                    hpx_error *error)
{
    *out = (hpx_action_result){.count = 0};
    const bool good = size <= HPX_ACTION_RESULT_BYTES_MAX &&
                      (size == 0 || read_result(out, (struct cursor){bytes, bytes + size}));
    return good ? HPX_OK : hpx_error_set(error, HPX_DAMAGED, "not an ActionResult");
}
