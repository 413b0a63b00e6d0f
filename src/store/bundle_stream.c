/* The entries of a bundle. Lengths are bounded by kind and paid for only as the bytes arrive; every entry must match its
 * hash. */
#include "bundle_reader.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define STEP_BYTES (64u << 10)

hpx_status hpx_bundle_refuse_at(const struct bundle_reader *reader, uint64_t offset, hpx_error *error,
                                const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    hpx_vprint(what, sizeof what, format, args);
    va_end(args);
    return hpx_error_set(error, HPX_FAILED, "%s: byte %" PRIu64 ": %s", reader->name, offset, what);
}

/* The entry at hand is wrong: names it. */
hpx_status hpx_bundle_entry_failed(const struct bundle_reader *reader, hpx_status status, const char *what,
                                   hpx_error *error)
{
    char entry[256] = "end";
    MDB_val key = {.mv_size = reader->key.size, .mv_data = (void *)reader->key.bytes};
    if (reader->kind != BUNDLE_END)
        hpx_describe_key(entry, sizeof entry, hpx_bundle_rules[reader->kind].db, &key);
    hpx_bundle_refuse_at(reader, reader->entry_at, error, "%s: %s", entry, what);
    return error->status = status;
}

hpx_status hpx_bundle_refuse(const struct bundle_reader *reader, const char *what, hpx_error *error)
{
    return hpx_bundle_entry_failed(reader, HPX_FAILED, what, error);
}

hpx_status hpx_bundle_read_some(struct bundle_reader *reader, void *bytes, size_t size, size_t *got,
                                hpx_error *error)
{
    uint8_t *to = bytes;
    *got = 0;
    while (*got < size) {
        size_t more = 0;
        hpx_status status = reader->spooled
                                ? hpx_spool_read(reader->spool, to + *got, size - *got, &more, error)
                                : reader->read(reader->context, to + *got, size - *got, &more, error);
        if (!status && !reader->spooled)
            status = hpx_spool_add(reader->spool, to + *got, more, error);
        if (status)
            return status;
        if (more == 0)
            break;
        *got += more;
    }
    reader->at += *got;
    return HPX_OK;
}

static hpx_status ends_early(const struct bundle_reader *reader, hpx_error *error)
{
    return hpx_bundle_refuse_at(reader, reader->at, error, "the bundle ends here, before its end entry");
}

static hpx_status read_all(struct bundle_reader *reader, void *bytes, size_t size, hpx_error *error)
{
    size_t got;
    hpx_status status = hpx_bundle_read_some(reader, bytes, size, &got, error);
    return status || got == size ? status : ends_early(reader, error);
}

hpx_status hpx_bundle_read_header(struct bundle_reader *reader, hpx_error *error)
{
    uint8_t header[BUNDLE_HEADER_BYTES];
    size_t got;
    hpx_status status = hpx_bundle_read_some(reader, header, sizeof header, &got, error);
    if (status)
        return status;
    uint32_t version = got == sizeof header ? hpx_load_u32(header + 4) : 0;
    if (version == 0 || memcmp(header, BUNDLE_MAGIC, 4) != 0)
        return hpx_bundle_refuse_at(reader, 0, error, "not a bundle");
    if (version > BUNDLE_VERSION)
        return hpx_bundle_refuse_at(
            reader, 4, error,
            "written by a newer hpx (bundle version %u, this one knows up to %d); use that one", version,
            BUNDLE_VERSION);
    hpx_hasher_add(reader->all, header, sizeof header);
    reader->version = version;
    reader->piece_bytes = version <= 2 ? CHUNK_BYTES : BUNDLE_PIECE_BYTES;
    return HPX_OK;
}

static hpx_status read_payload(struct bundle_reader *reader, uint32_t size, hpx_error *error)
{
    hpx_buffer *payload = &reader->payload;
    hpx_status status = HPX_OK;
    payload->size = 0;
    while (!status && payload->size < size) {
        size_t step = size - payload->size < STEP_BYTES ? size - payload->size : STEP_BYTES;
        hpx_buffer_reserve(payload, step);
        status = read_all(reader, payload->data + payload->size, step, error);
        payload->size += step;
    }
    return status;
}

/* Which came with results of programs. */
static bool is_younger(int kind)
{
    return kind == BUNDLE_CONDITIONS || kind == BUNDLE_LOG;
}

static hpx_status find_kind(struct bundle_reader *reader, uint8_t letter, hpx_error *error)
{
    for (int kind = 0; kind < BUNDLE_KINDS; kind++)
        if (hpx_bundle_rules[kind].letter == letter && (reader->version >= 4 || !is_younger(kind))) {
            reader->kind = (enum bundle_kind)kind;
            return HPX_OK;
        }
    return hpx_bundle_refuse_at(reader, reader->entry_at, error, "an entry of unknown kind 0x%02x", letter);
}

/* Reads one entry and checks it against its hash. */
hpx_status hpx_bundle_read_entry(struct bundle_reader *reader, hpx_error *error)
{
    uint8_t head[1 + KEY_BYTES_MAX + 4];
    hpx_hash hash;
    size_t got;
    reader->entry_at = reader->at;
    hpx_status status = hpx_bundle_read_some(reader, head, 1, &got, error);
    if (!status && got == 0 && reader->origin) {
        reader->kind = BUNDLE_END;
        return HPX_OK;
    }
    if (!status && got == 0)
        status = ends_early(reader, error);
    if (!status)
        status = find_kind(reader, head[0], error);
    if (status)
        return status;
    const struct bundle_rule *rule = &hpx_bundle_rules[reader->kind];
    status = read_all(reader, head + 1, rule->key_bytes + 4u, error);
    if (status)
        return status;
    reader->key.size = rule->key_bytes;
    memcpy(reader->key.bytes, head + 1, rule->key_bytes);
    uint32_t size = hpx_load_u32(head + 1 + rule->key_bytes);
    if (size < rule->payload_min || size > rule->payload_max)
        return hpx_bundle_refuse_at(reader, reader->entry_at, error,
                                    "a %s of %" PRIu32 " bytes: expected %u to %u", rule->name, size,
                                    rule->payload_min, rule->payload_max);
    status = read_payload(reader, size, error);
    if (!status)
        status = read_all(reader, hash.bytes, sizeof hash.bytes, error);
    if (status)
        return status;
    hpx_hash expected = hpx_bundle_entry_hash(reader->kind, &reader->key, reader->payload.data, size);
    if (!hpx_hash_equal(&hash, &expected))
        return hpx_bundle_refuse_at(reader, reader->entry_at, error,
                                    "a %s whose bytes do not match their hash", rule->name);
    if (reader->kind == BUNDLE_END)
        return HPX_OK;
    reader->entries++;
    hpx_hasher_add(reader->all, head, 1u + rule->key_bytes + 4u);
    hpx_hasher_add(reader->all, reader->payload.data, size);
    hpx_hasher_add(reader->all, hash.bytes, sizeof hash.bytes);
    return HPX_OK;
}
