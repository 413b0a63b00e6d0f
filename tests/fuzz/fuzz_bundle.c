/* Any bytes as a bundle, imported into a small store: once as they are, and once with every hash in them put
 * right, so that what lies behind the hashes is reached too. What is refused leaves the store empty; what is
 * taken in makes a store without a fault, is known when it comes again, and can be exported. */
#include "fuzz.h"

#include "store/bundle_format.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *folder;
static hpx_store *store;

static void close_store(void)
{
    hpx_store_close(store);
    hpx_folder_remove(folder);
    free(folder);
}

static void open_store(void)
{
    hpx_error error;
    const char *parent = getenv("TMPDIR");
    folder = hpx_format("%s/hpx-fuzz-XXXXXX", parent && *parent ? parent : "/tmp");
    setenv("HPX_MAP_SIZE", "8388608", 1);
    if (!mkdtemp(folder) || hpx_store_open(&store, folder, HPX_STORE_WRITE, &error) != HPX_OK)
        abort();
    mdb_env_set_flags(store->env, MDB_NOSYNC, 1);
    atexit(close_store);
}

struct source {
    const uint8_t *bytes;
    size_t size;
};

static hpx_status give(void *context, void *bytes, size_t size, size_t *got, hpx_error *error)
{
    (void)error;
    struct source *source = context;
    *got = size < source->size ? size : source->size;
    if (*got == 0)
        return HPX_OK;
    memcpy(bytes, source->bytes, *got);
    source->bytes += *got;
    source->size -= *got;
    return HPX_OK;
}

static hpx_status append(void *context, const void *bytes, size_t size, hpx_error *error)
{
    (void)error;
    hpx_buffer_add(context, bytes, size);
    return HPX_OK;
}

static hpx_status import(hpx_imported *done, const uint8_t *bytes, size_t size)
{
    struct source source = {bytes, size};
    hpx_error error;
    return hpx_bundle_read(done, store, "FILE", NULL, give, &source, &error);
}

static size_t empty_store(void)
{
    size_t values = 0;
    MDB_txn *txn;
    MDB_stat info;
    if (mdb_txn_begin(store->env, NULL, 0, &txn) != 0)
        abort();
    for (int db = DB_META + 1; db < DATABASES; db++) {
        if (mdb_stat(txn, store->databases[db], &info) != 0 || mdb_drop(txn, store->databases[db], 0) != 0)
            abort();
        values += info.ms_entries;
    }
    if (mdb_txn_commit(txn) != 0)
        abort();
    return values;
}

static void found_fault(void *context, const char *what)
{
    (void)context;
    fprintf(stderr, "fault: %s\n", what);
    abort();
}

static void check_imported(const hpx_imported *first, const uint8_t *bytes, size_t size)
{
    hpx_imported again;
    hpx_exported exported;
    hpx_error error;
    hpx_buffer bundle = {0};
    uint64_t checked;
    if (hpx_store_verify(store, &checked, found_fault, NULL, &error) != HPX_OK)
        abort();
    if (import(&again, bytes, size) != HPX_OK || again.artifacts.added > 0 || again.checkpoints.added > 0 ||
        again.conflicts.added > 0)
        abort();
    hpx_status status =
        hpx_bundle_write(&exported, store, NULL, 0, &(hpx_bundle_options){.checkpoints = true, .logs = true},
                         append, &bundle, &error);
    if (status != (first->artifacts.added ? HPX_OK : HPX_NOT_FOUND) || exported.left_out > 0 ||
        exported.artifacts != first->artifacts.added || exported.conflicts != first->conflicts.added)
        abort();
    if (!status && import(&again, bundle.data, bundle.size) != HPX_OK)
        abort();
    hpx_buffer_free(&bundle);
}

static void try_import(const uint8_t *bytes, size_t size)
{
    hpx_imported done;
    bool accepted = import(&done, bytes, size) == HPX_OK;
    if (accepted)
        check_imported(&done, bytes, size);
    if (empty_store() > 0 && !accepted)
        abort();
}

/* The named values of a bundle, by the name they were given and the one they have. */
struct names {
    uint8_t old[16], new[16];
};

/* Puts right: entry hashes, the names of named values and all references to them, outputs are left as they
 * are. */
static void repair(hpx_buffer *bytes)
{
    struct names names[16];
    size_t named = 0, at = BUNDLE_HEADER_BYTES;
    uint64_t entries = 0;
    while (at < bytes->size) {
        int kind = 0;
        while (kind < BUNDLE_KINDS && hpx_bundle_rules[kind].letter != (char)bytes->data[at])
            kind++;
        if (kind == BUNDLE_KINDS)
            return;
        const struct bundle_rule *rule = &hpx_bundle_rules[kind];
        size_t head = 1 + rule->key_bytes + 4u, left = bytes->size - at;
        if (left < head)
            return;
        uint8_t *entry = bytes->data + at, *payload = entry + head;
        uint32_t size = hpx_load_u32(payload - 4);
        if (left - head < (size_t)size + 16)
            return;
        for (size_t i = 0; i < named; i++)
            for (size_t k = 1; k + 16 <= head + size; k++)
                if (memcmp(entry + k, names[i].old, 16) == 0)
                    memcpy(entry + k, names[i].new, 16);
        if (kind <= BUNDLE_MANIFEST && named < sizeof names / sizeof names[0]) {
            hpx_hash name = hpx_hash_of(payload, size);
            memcpy(names[named].old, entry + 1, 16);
            memcpy(names[named++].new, name.bytes, 16);
            memcpy(entry + 1, name.bytes, 16);
        }
        if (kind == BUNDLE_END && size == BUNDLE_END_BYTES) {
            hpx_hash all = hpx_hash_of(bytes->data, at);
            for (int i = 0; i < 8; i++)
                payload[i] = (uint8_t)(entries >> 8 * i);
            memcpy(payload + 8, all.bytes, 16);
        }
        struct key key = {.size = rule->key_bytes};
        memcpy(key.bytes, entry + 1, rule->key_bytes);
        hpx_hash hash = hpx_bundle_entry_hash((enum bundle_kind)kind, &key, payload, size);
        memcpy(payload + size, hash.bytes, 16);
        entries++;
        at += head + size + 16;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!data)
        return 0;
    if (!store)
        open_store();
    try_import(data, size);
    hpx_buffer repaired = {0};
    hpx_buffer_add(&repaired, data, size);
    repair(&repaired);
    try_import(repaired.data, repaired.size);
    hpx_buffer_free(&repaired);
    return 0;
}
