/* The encoding, all integers little-endian:
 *
 *     "HPXF"  u16 version = 1  u16 count
 *     count times, names strictly ascending (bytewise):
 *         u8 name length (1..80)  name  u8 type ('u' 'f' 's' 'b' 'U' 'F')  u32 payload length  payload
 *
 *     'u' 8 bytes    'f' 8 bytes IEEE 754, no -0, NaN only as 0x7ff8000000000000
 *     's' UTF-8 without NUL    'b' any bytes    'U' 8 bytes each    'F' 8 bytes each, as 'f'
 *
 * There is one way to write a given set, and the decoder refuses every other. */
#include "hpx/fields.h"

#include "base/memory.h"
#include "base/text.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC       "HPXF"
#define VERSION     1
#define HEADER      8
#define COUNT_MAX   4096
#define NAN_BITS    0x7ff8000000000000u
#define ENTRY_BYTES 6 /* of a field, without name and payload */

void hpx_fields_free(hpx_fields *fields)
{
    free(fields->fields);
    hpx_arena_free(fields->arena);
    *fields = (hpx_fields){0};
}

/* The place of `name`: where it is, or where it would go. */
static size_t lower_bound(const hpx_fields *fields, const char *name)
{
    size_t low = 0, high = fields->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(fields->fields[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const hpx_field *hpx_fields_find(const hpx_fields *fields, const char *name)
{
    size_t at = lower_bound(fields, name);
    if (at < fields->count && strcmp(fields->fields[at].name, name) == 0)
        return &fields->fields[at];
    return NULL;
}

bool hpx_field_equal(const hpx_field *a, const hpx_field *b)
{
    if (!a || !b)
        return a == b;
    return a->type == b->type && a->count == b->count && a->size == b->size &&
           memcmp(&a->real, &b->real, sizeof a->real) == 0 &&
           (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

bool hpx_fields_next_difference(hpx_field_walk *at, const hpx_fields *a, const hpx_fields *b,
                                const hpx_field **before, const hpx_field **after)
{
    while (at->before < a->count || at->after < b->count) {
        const hpx_field *left = at->before < a->count ? &a->fields[at->before] : NULL;
        const hpx_field *right = at->after < b->count ? &b->fields[at->after] : NULL;
        const int order = !left ? 1 : !right ? -1 : strcmp(left->name, right->name);
        *before = order <= 0 ? left : NULL;
        *after = order >= 0 ? right : NULL;
        at->before += order <= 0;
        at->after += order >= 0;
        if (!hpx_field_equal(*before, *after))
            return true;
    }
    return false;
}

static void *keep(hpx_fields *fields, const void *bytes, size_t size)
{
    char *copy = hpx_arena_alloc(fields->arena, size + 1);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

void hpx_fields_set(hpx_fields *fields, const hpx_field *field)
{
    size_t length = strlen(field->name);
    assert(length > 0 && length <= HPX_FIELD_NAME_MAX);
    if (!fields->arena)
        fields->arena = hpx_arena_new();
    size_t at = lower_bound(fields, field->name);
    hpx_field copy = *field;
    if (at < fields->count && strcmp(fields->fields[at].name, field->name) == 0) {
        copy.name = fields->fields[at].name;
    } else {
        assert(fields->count < COUNT_MAX);
        fields->fields = hpx_grow(fields->fields, &fields->capacity, fields->count + 1, sizeof(hpx_field));
        memmove(fields->fields + at + 1, fields->fields + at, (fields->count - at) * sizeof(hpx_field));
        fields->count++;
        copy.name = keep(fields, field->name, length);
    }
    copy.bytes = field->bytes || field->size == 0 ? keep(fields, field->bytes, field->size) : NULL;
    fields->fields[at] = copy;
}

void hpx_fields_add(hpx_fields *fields, const hpx_fields *others)
{
    for (size_t i = 0; i < others->count; i++)
        hpx_fields_set(fields, &others->fields[i]);
}

void hpx_fields_remove(hpx_fields *fields, const char *name)
{
    const size_t at = lower_bound(fields, name);
    if (at == fields->count || strcmp(fields->fields[at].name, name) != 0)
        return;
    fields->count--;
    memmove(fields->fields + at, fields->fields + at + 1, (fields->count - at) * sizeof(hpx_field));
}

void hpx_fields_set_count(hpx_fields *fields, const char *name, uint64_t value)
{
    hpx_fields_set(fields, &(hpx_field){.name = name, .type = HPX_FIELD_COUNT, .count = value});
}

void hpx_fields_set_real(hpx_fields *fields, const char *name, double value)
{
    if (value == 0)
        value = 0; /* not -0 */
    hpx_fields_set(fields, &(hpx_field){.name = name, .type = HPX_FIELD_REAL, .real = value});
}

void hpx_fields_set_text(hpx_fields *fields, const char *name, const char *value)
{
    hpx_fields_set(fields, &(hpx_field){.name = name,
                                        .type = HPX_FIELD_TEXT,
                                        .bytes = (const uint8_t *)value,
                                        .size = strlen(value)});
}

void hpx_fields_set_bytes(hpx_fields *fields, const char *name, const void *bytes, size_t size)
{
    hpx_fields_set(fields, &(hpx_field){.name = name, .type = HPX_FIELD_BYTES, .bytes = bytes, .size = size});
}

void hpx_fields_set_hash(hpx_fields *fields, const char *name, const hpx_hash *hash)
{
    hpx_fields_set_bytes(fields, name, hash->bytes, HPX_HASH_BYTES);
}

void hpx_fields_set_counts(hpx_fields *fields, const char *name, const uint64_t *values, size_t count)
{
    hpx_fields_set(fields, &(hpx_field){.name = name,
                                        .type = HPX_FIELD_COUNTS,
                                        .count = count,
                                        .bytes = (const uint8_t *)values,
                                        .size = count * sizeof(uint64_t)});
}

void hpx_fields_set_reals(hpx_fields *fields, const char *name, const double *values, size_t count)
{
    double *kept = hpx_realloc(NULL, count, sizeof *kept);
    for (size_t i = 0; i < count; i++)
        kept[i] = values[i] == 0 ? 0 : values[i]; /* not -0 */
    hpx_fields_set(fields, &(hpx_field){.name = name,
                                        .type = HPX_FIELD_REALS,
                                        .count = count,
                                        .bytes = (const uint8_t *)kept,
                                        .size = count * sizeof *kept});
    free(kept);
}

static hpx_status find_typed(const hpx_field **out, const hpx_fields *fields, const char *name,
                             hpx_field_type type, hpx_error *error)
{
    *out = hpx_fields_find(fields, name);
    if (!*out)
        return hpx_error_set(error, HPX_DAMAGED, "field '%s' is missing", name);
    if ((*out)->type != type)
        return hpx_error_set(error, HPX_DAMAGED, "field '%s' has type '%c' instead of '%c'", name,
                             (*out)->type, type);
    return HPX_OK;
}

hpx_status hpx_fields_count(uint64_t *out, const hpx_fields *fields, const char *name, hpx_error *error)
{
    const hpx_field *field;
    hpx_status status = find_typed(&field, fields, name, HPX_FIELD_COUNT, error);
    if (!status)
        *out = field->count;
    return status;
}

hpx_status hpx_fields_real(double *out, const hpx_fields *fields, const char *name, hpx_error *error)
{
    const hpx_field *field;
    hpx_status status = find_typed(&field, fields, name, HPX_FIELD_REAL, error);
    if (!status)
        *out = field->real;
    return status;
}

hpx_status hpx_fields_text(const char **out, const hpx_fields *fields, const char *name, hpx_error *error)
{
    const hpx_field *field;
    hpx_status status = find_typed(&field, fields, name, HPX_FIELD_TEXT, error);
    if (!status)
        *out = (const char *)field->bytes;
    return status;
}

hpx_status hpx_fields_bytes(const uint8_t **out, size_t *size, const hpx_fields *fields, const char *name,
                            hpx_error *error)
{
    const hpx_field *field;
    hpx_status status = find_typed(&field, fields, name, HPX_FIELD_BYTES, error);
    if (!status) {
        *out = field->bytes;
        *size = field->size;
    }
    return status;
}

const char *hpx_fields_text_or_empty(const hpx_fields *fields, const char *name)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    return field && field->type == HPX_FIELD_TEXT ? (const char *)field->bytes : "";
}

uint64_t hpx_fields_count_or_zero(const hpx_fields *fields, const char *name)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    return field && field->type == HPX_FIELD_COUNT ? field->count : 0;
}

hpx_status hpx_fields_hash(hpx_hash *out, const hpx_fields *fields, const char *name, hpx_error *error)
{
    const uint8_t *bytes;
    size_t size;
    hpx_status status = hpx_fields_bytes(&bytes, &size, fields, name, error);
    if (status)
        return status;
    if (size != HPX_HASH_BYTES)
        return hpx_error_set(error, HPX_DAMAGED, "field '%s' is not a hash", name);
    memcpy(out->bytes, bytes, HPX_HASH_BYTES);
    return HPX_OK;
}

hpx_status hpx_fields_counts(const uint64_t **out, size_t *count, const hpx_fields *fields, const char *name,
                             hpx_error *error)
{
    const hpx_field *field;
    hpx_status status = find_typed(&field, fields, name, HPX_FIELD_COUNTS, error);
    if (!status) {
        *out = (const uint64_t *)(const void *)field->bytes;
        *count = field->count;
    }
    return status;
}

hpx_status hpx_fields_reals(const double **out, size_t *count, const hpx_fields *fields, const char *name,
                            hpx_error *error)
{
    const hpx_field *field;
    hpx_status status = find_typed(&field, fields, name, HPX_FIELD_REALS, error);
    if (!status) {
        *out = (const double *)(const void *)field->bytes;
        *count = field->count;
    }
    return status;
}

static uint64_t real_bits(double value)
{
    uint64_t bits = NAN_BITS;
    if (!isnan(value))
        memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint8_t *put(uint8_t *to, uint64_t value, unsigned bytes)
{
    const uint64_t little = htole64(value);
    memcpy(to, &little, bytes);
    return to + bytes;
}

static uint8_t *put_bytes(uint8_t *to, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(to, bytes, size);
    return to + size;
}

static size_t payload_size(const hpx_field *field)
{
    return field->type == HPX_FIELD_COUNT || field->type == HPX_FIELD_REAL ? 8 : field->size;
}

static uint8_t *put_payload(uint8_t *to, const hpx_field *field)
{
    const uint64_t *counts = (const uint64_t *)(const void *)field->bytes;
    const double *reals = (const double *)(const void *)field->bytes;
    to = put(to, payload_size(field), 4);
    switch (field->type) {
    case HPX_FIELD_COUNT:
        return put(to, field->count, 8);
    case HPX_FIELD_REAL:
        return put(to, real_bits(field->real), 8);
    case HPX_FIELD_COUNTS:
        for (uint64_t i = 0; i < field->count; i++)
            to = put(to, counts[i], 8);
        return to;
    case HPX_FIELD_REALS:
        for (uint64_t i = 0; i < field->count; i++)
            to = put(to, real_bits(reals[i]), 8);
        return to;
    case HPX_FIELD_TEXT:
    case HPX_FIELD_BYTES:
        break;
    }
    return put_bytes(to, field->bytes, field->size);
}

/* A plan encodes millions: room for the longest names first, then one run through the bytes. */
void hpx_fields_encode(hpx_buffer *out, const hpx_fields *fields)
{
    size_t most = HEADER;
    for (size_t i = 0; i < fields->count; i++) {
        assert(fields->fields[i].size <= UINT32_MAX);
        most += ENTRY_BYTES + HPX_FIELD_NAME_MAX + payload_size(&fields->fields[i]);
    }
    hpx_buffer_reserve(out, most);
    uint8_t *to = put_bytes(out->data + out->size, MAGIC, 4);
    to = put(to, VERSION, 2);
    to = put(to, fields->count, 2);
    for (size_t i = 0; i < fields->count; i++) {
        const hpx_field *field = &fields->fields[i];
        const size_t length = strlen(field->name);
        to = put(to, length, 1);
        to = put_bytes(to, field->name, length);
        to = put(to, (uint64_t)field->type, 1);
        to = put_payload(to, field);
    }
    out->size = (size_t)(to - out->data);
}

bool hpx_field_is_text(const void *text, size_t size)
{
    const uint8_t *bytes = text;
    uint32_t code;
    for (size_t at = 0, length; at < size; at += length) {
        length = 1;
        if (bytes[at] - 1u < 0x7f) /* most are ASCII */
            continue;
        length = hpx_utf8_next(&code, bytes + at, size - at);
        if (length == 0 || code == 0)
            return false;
    }
    return true;
}

static bool decode_real(double *out, const uint8_t *payload)
{
    const uint64_t bits = hpx_load_u64(payload);
    memcpy(out, &bits, sizeof bits);
    return real_bits(*out) == bits && !(*out == 0 && signbit(*out));
}

/* Numbers of 8 bytes in this machine's order; whether each is written in the one way there is. */
static bool decode_list(hpx_field *field, const uint8_t *payload, size_t size, uint64_t **list)
{
    bool good = size % 8 == 0;
    double real;
    field->count = size / 8;
    *list = hpx_realloc(NULL, size / 8 + 1, 8);
    for (size_t i = 0; i < size / 8 && good; i++) {
        (*list)[i] = hpx_load_u64(payload + 8 * i);
        good = field->type == HPX_FIELD_COUNTS || decode_real(&real, payload + 8 * i);
    }
    field->bytes = (const uint8_t *)*list;
    field->size = size;
    return good;
}

static bool decode_payload(hpx_field *field, const uint8_t *payload, size_t size, uint64_t **list)
{
    field->size = 0;
    switch (field->type) {
    case HPX_FIELD_COUNT:
        if (size != 8)
            return false;
        field->count = hpx_load_u64(payload);
        return true;
    case HPX_FIELD_REAL:
        return size == 8 && decode_real(&field->real, payload);
    case HPX_FIELD_COUNTS:
    case HPX_FIELD_REALS:
        return decode_list(field, payload, size, list);
    case HPX_FIELD_TEXT:
    case HPX_FIELD_BYTES:
        field->bytes = payload;
        field->size = size;
        return field->type == HPX_FIELD_BYTES || hpx_field_is_text(payload, size);
    }
    return false;
}

static bool decode_field(hpx_fields *out, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    if (end - p < ENTRY_BYTES)
        return false;
    size_t length = *p++;
    if (length == 0 || length > HPX_FIELD_NAME_MAX || (size_t)(end - p) < length + ENTRY_BYTES - 1)
        return false;
    char name[HPX_FIELD_NAME_MAX + 1] = {0};
    memcpy(name, p, length);
    p += length;
    hpx_field field = {.name = name, .type = (hpx_field_type)*p++};
    size_t size = hpx_load_u32(p);
    p += 4;
    if ((size_t)(end - p) < size || strlen(name) != length ||
        !hpx_field_is_text((const uint8_t *)name, length))
        return false;
    if (out->count > 0 && strcmp(out->fields[out->count - 1].name, name) >= 0)
        return false;
    uint64_t *list = NULL;
    bool good = decode_payload(&field, p, size, &list);
    if (good)
        hpx_fields_set(out, &field);
    free(list);
    *at = p + size;
    return good;
}

hpx_status hpx_fields_decode(hpx_fields *out, const uint8_t *bytes, size_t size, hpx_error *error)
{
    assert(out->count == 0);
    if (size < HEADER || memcmp(bytes, MAGIC, 4) != 0)
        return hpx_error_set(error, HPX_DAMAGED, "not an encoding of fields");
    if (hpx_load_u16(bytes + 4) != VERSION)
        return hpx_error_set(error, HPX_DAMAGED, "fields of version %u, not %u", hpx_load_u16(bytes + 4),
                             VERSION);
    size_t count = hpx_load_u16(bytes + 6);
    const uint8_t *at = bytes + HEADER, *end = bytes + size;
    bool good = count <= COUNT_MAX;
    for (size_t i = 0; good && i < count; i++)
        good = decode_field(out, &at, end);
    if (good && at == end)
        return HPX_OK;
    size_t read = out->count;
    hpx_fields_free(out);
    return hpx_error_set(error, HPX_DAMAGED, "malformed fields after the first %zu", read);
}

void hpx_field_print(hpx_buffer *out, const hpx_field *field)
{
    char text[HPX_REAL_TEXT_BYTES];
    switch (field->type) {
    case HPX_FIELD_COUNT:
        hpx_buffer_printf(out, "%llu", (unsigned long long)field->count);
        break;
    case HPX_FIELD_REAL:
        hpx_buffer_puts(out, hpx_real_text(text, field->real));
        break;
    case HPX_FIELD_TEXT:
        hpx_text_show(out, field->bytes, field->size, "");
        break;
    case HPX_FIELD_BYTES:
        for (size_t i = 0; i < field->size; i++)
            hpx_buffer_printf(out, "%02x", field->bytes[i]);
        break;
    case HPX_FIELD_COUNTS:
        for (uint64_t i = 0; i < field->count; i++)
            hpx_buffer_printf(out, "%s%llu", i ? " " : "",
                              (unsigned long long)((const uint64_t *)(const void *)field->bytes)[i]);
        break;
    case HPX_FIELD_REALS:
        for (uint64_t i = 0; i < field->count; i++)
            hpx_buffer_printf(out, "%s%s", i ? " " : "",
                              hpx_real_text(text, ((const double *)(const void *)field->bytes)[i]));
        break;
    }
}
