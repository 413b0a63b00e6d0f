/* Reading bundles. Nothing is believed: every entry must match its hash, follow the one before it, and have all that it
 * refers to in the store. */
#include "bundle_reader.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <stdlib.h>
#include <string.h>

/* Code versions, data sets, conditions, then by key: the manifest, the records by epoch, their later runs, the logs and
 * the checkpoints by epoch. */
static struct place place_of(enum bundle_kind kind, const struct key *key)
{
    struct place place = {.size = 0};
    place.bytes[place.size++] = kind < BUNDLE_MANIFEST ? (uint8_t)kind : BUNDLE_MANIFEST;
    memcpy(place.bytes + place.size, key->bytes, HPX_HASH_BYTES);
    place.size += HPX_HASH_BYTES;
    if (kind >= BUNDLE_MANIFEST)
        place.bytes[place.size++] = kind == BUNDLE_PIECE ? BUNDLE_CHECKPOINT : (uint8_t)kind;
    memcpy(place.bytes + place.size, key->bytes + HPX_HASH_BYTES, key->size - HPX_HASH_BYTES);
    place.size += key->size - HPX_HASH_BYTES;
    return place;
}

static hpx_status check_order(struct bundle_reader *reader, hpx_error *error)
{
    struct place place = place_of(reader->kind, &reader->key), *last = &reader->last;
    size_t common = place.size < last->size ? place.size : last->size;
    int order = memcmp(place.bytes, last->bytes, common);
    if (order == 0 && place.size == last->size)
        return hpx_bundle_refuse(reader, "a second entry for it", error);
    if (order < 0 || (order == 0 && place.size < last->size))
        return hpx_bundle_refuse(reader, "not in its place: it belongs before the entry that precedes it",
                                 error);
    *last = place;
    return HPX_OK;
}

/* Fields under their own hash: a code version, a data set entry, a manifest. */
static hpx_status take_named(struct bundle_reader *reader, hpx_error *error)
{
    const hpx_buffer *payload = &reader->payload;
    hpx_hash hash = hpx_hash_of(payload->data, payload->size);
    if (memcmp(hash.bytes, reader->key.bytes, HPX_HASH_BYTES) != 0)
        return hpx_bundle_refuse(reader, "a foreign key: it is not the hash of these bytes", error);
    hpx_fields fields = {0};
    hpx_status status = hpx_fields_decode(&fields, payload->data, payload->size, error);
    if (status)
        return hpx_bundle_refuse(reader, "malformed", error);
    status = hpx_validate_fields(reader->store, hpx_bundle_rules[reader->kind].db, &fields, error);
    hpx_fields_free(&fields);
    if (status)
        return hpx_bundle_refuse(reader, error->message, error);
    const uint8_t *stored;
    size_t size;
    status = hpx_get_sealed(&stored, &size, reader->store, reader->txn, hpx_bundle_rules[reader->kind].db,
                            &reader->key, error);
    if (status == HPX_NOT_FOUND)
        return reader->kind == BUNDLE_CODE ? hpx_bundle_put_marked(reader, 0, error)
                                           : hpx_bundle_put(reader, error);
    if (!status && (size != payload->size || memcmp(stored, payload->data, size) != 0))
        status = hpx_bundle_entry_failed(
            reader, HPX_DIFFERS, "the store has other bytes under this key: the hashes collide", error);
    return status;
}

static hpx_status take_end(struct bundle_reader *reader, hpx_error *error)
{
    if (reader->origin)
        return HPX_OK;
    hpx_hash all = hpx_hasher_finish(reader->all);
    reader->all = hpx_hasher_new();
    const uint8_t *payload = reader->payload.data;
    if (hpx_load_u64(payload) != reader->entries)
        return hpx_bundle_refuse(reader, "it counts other entries than there are", error);
    if (memcmp(payload + 8, all.bytes, HPX_HASH_BYTES) != 0)
        return hpx_bundle_refuse(reader, "its hash is not that of the bytes before it", error);
    uint8_t more;
    size_t got;
    uint64_t end = reader->at;
    hpx_status status = hpx_bundle_read_some(reader, &more, 1, &got, error);
    if (!status && got > 0)
        status = hpx_bundle_refuse_at(reader, end, error, "bytes after the end of the bundle");
    return status;
}

/* Parts are of the one trajectory that is asked for: the manifest itself is compared, and keys are its hash. */
static hpx_status check_origin(const struct bundle_reader *reader, hpx_error *error)
{
    const hpx_buffer *manifest = reader->origin->manifest, *payload = &reader->payload;
    if (reader->kind < BUNDLE_MANIFEST || reader->kind == BUNDLE_END)
        return HPX_OK;
    if (memcmp(reader->key.bytes, reader->key_of_origin.bytes, HPX_HASH_BYTES) != 0)
        return hpx_bundle_refuse(reader, "of another trajectory than the one asked for", error);
    if (reader->kind == BUNDLE_MANIFEST &&
        (payload->size != manifest->size || memcmp(payload->data, manifest->data, manifest->size) != 0))
        return hpx_bundle_refuse(reader, "another manifest than the one asked for", error);
    return HPX_OK;
}

static hpx_status take(struct bundle_reader *reader, hpx_error *error)
{
    static hpx_status (*const takers[BUNDLE_KINDS])(struct bundle_reader * reader, hpx_error * error) = {
        [BUNDLE_CODE] = take_named,
        [BUNDLE_DATASET] = take_named,
        [BUNDLE_CONDITIONS] = take_named,
        [BUNDLE_MANIFEST] = take_named,
        [BUNDLE_RECORD] = hpx_bundle_take_record,
        [BUNDLE_CONFLICT] = hpx_bundle_take_conflict,
        [BUNDLE_LOG] = hpx_bundle_take_log,
        [BUNDLE_CHECKPOINT] = hpx_bundle_take_checkpoint,
        [BUNDLE_PIECE] = hpx_bundle_take_piece,
        [BUNDLE_END] = take_end,
    };
    hpx_status status = reader->kind == BUNDLE_END ? HPX_OK : check_order(reader, error);
    if (!status && reader->origin)
        status = check_origin(reader, error);
    if (status)
        return status;
    if (reader->incoming.open && reader->kind != BUNDLE_PIECE)
        return hpx_bundle_refuse(reader, "the checkpoint before it lacks chunks", error);
    return takers[reader->kind](reader, error);
}

/* Takes the whole bundle in and checks its hashes. The sender may take any time. */
static hpx_status spool_bundle(struct bundle_reader *reader, hpx_error *error)
{
    hpx_status status = hpx_bundle_read_header(reader, error);
    do {
        if (!status)
            status = hpx_bundle_read_entry(reader, error);
    } while (!status && reader->kind != BUNDLE_END);
    if (!status)
        status = take_end(reader, error);
    return status ? status : hpx_spool_rewind(reader->spool, error);
}

/* Puts what has been spooled into the store, within a transaction. */
static hpx_status take_bundle(struct bundle_reader *reader, hpx_error *error)
{
    reader->spooled = true;
    reader->at = reader->entries = 0;
    reader->last.size = 0;
    hpx_status status = hpx_bundle_read_header(reader, error);
    while (!status) {
        status = hpx_bundle_read_entry(reader, error);
        if (!status)
            status = take(reader, error);
        if (reader->kind == BUNDLE_END)
            break;
    }
    return status;
}

/* From where and when, and by whom it is signed. */
static void fill_mark(hpx_fields *out, const char *name, const hpx_bundle_origin *origin)
{
    hpx_buffer from = {0};
    char *path = hpx_path_real(name);
    const char *where = path ? path : name;
    hpx_text_show(&from, where, strlen(where), "");
    hpx_fields_set_text(out, "from", hpx_buffer_text(&from));
    hpx_fields_set_count(out, "when", (uint64_t)hpx_clock_ns());
    if (origin)
        hpx_fields_set_text(out, "signer", origin->signer);
    hpx_buffer_free(&from);
    free(path);
}

/* Takes a bundle in, as far as that needs no transaction. */
static hpx_status open_reader(struct bundle_reader *reader, hpx_store *store, hpx_bundle_input *input,
                              hpx_error *error)
{
    *reader = (struct bundle_reader){.store = store,
                                     .name = input->name,
                                     .origin = input->origin,
                                     .read = input->read,
                                     .context = input->context,
                                     .done = &input->done,
                                     .incoming.staged.blob = HPX_NO_BLOB};
    input->done = (hpx_imported){0};
    reader->all = hpx_hasher_new();
    if (input->origin)
        reader->key_of_origin = hpx_hash_of(input->origin->manifest->data, input->origin->manifest->size);
    fill_mark(&reader->mark, input->name, input->origin);
    hpx_status status = hpx_spool_new(&reader->spool, error);
    return status ? status : spool_bundle(reader, error);
}

static void close_reader(struct bundle_reader *reader)
{
    hpx_spool_free(reader->spool);
    if (reader->incoming.open) {
        hpx_hasher_finish(reader->incoming.whole);
        hpx_hasher_finish(reader->incoming.output);
    }
    hpx_hasher_finish(reader->all);
    hpx_buffer_free(&reader->payload);
    hpx_fields_free(&reader->mark);
    hpx_fields_free(&reader->manifest);
    hpx_artifact_free(&reader->incoming.artifact);
    hpx_stage_end(&reader->incoming.staged);
}

/* Other writers wait meanwhile. */
static hpx_status take_all(hpx_store *store, struct bundle_reader *readers, size_t count, hpx_error *error)
{
    MDB_txn *txn;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    for (size_t i = 0; i < count && !status; i++) {
        readers[i].txn = txn;
        status = take_bundle(&readers[i], error);
    }
    return hpx_end_write(store, txn, status, error);
}

hpx_status hpx_bundle_read_all(hpx_store *store, hpx_bundle_input *inputs, size_t count, hpx_error *error)
{
    struct bundle_reader *readers = hpx_alloc(count * sizeof *readers);
    size_t opened = 0;
    hpx_status status = HPX_OK;
    while (opened < count && !status) {
        status = open_reader(&readers[opened], store, &inputs[opened], error);
        opened++;
    }
    if (!status)
        status = take_all(store, readers, count, error);
    for (size_t i = 0; i < opened; i++)
        close_reader(&readers[i]);
    for (size_t i = 0; i < count && status; i++)
        inputs[i].done = (hpx_imported){0};
    free(readers);
    return status;
}

hpx_status hpx_bundle_read(hpx_imported *out, hpx_store *store, const char *name,
                           const hpx_bundle_origin *origin, hpx_read_fn *read, void *context,
                           hpx_error *error)
{
    hpx_bundle_input input = {.name = name, .origin = origin, .read = read, .context = context};
    hpx_status status = hpx_bundle_read_all(store, &input, 1, error);
    *out = input.done;
    return status;
}
