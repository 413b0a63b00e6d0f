#include "walk.h"

#include <string.h>

struct walk hpx_walk(hpx_store *store, MDB_txn *txn, enum database db, const struct key *prefix)
{
    struct walk walk = {.store = store, .code = MDB_NOTFOUND};
    if (prefix)
        walk.prefix = *prefix;
    if (!store->lacks[db])
        walk.code = mdb_cursor_open(txn, store->databases[db], &walk.cursor);
    return walk;
}

static bool begins_with(const MDB_val *key, const struct key *prefix)
{
    return key->mv_size >= prefix->size && memcmp(key->mv_data, prefix->bytes, prefix->size) == 0;
}

bool hpx_walk_next(struct walk *walk)
{
    if (walk->code != 0)
        return false;
    if (!walk->begun)
        walk->key = (MDB_val){.mv_size = walk->prefix.size, .mv_data = walk->prefix.bytes};
    walk->code = mdb_cursor_get(walk->cursor, &walk->key, &walk->value,
                                walk->begun             ? MDB_NEXT
                                : walk->prefix.size > 0 ? MDB_SET_RANGE
                                                        : MDB_FIRST);
    walk->begun = true;
    if (walk->code == 0 && !begins_with(&walk->key, &walk->prefix))
        walk->code = MDB_NOTFOUND;
    return walk->code == 0;
}

hpx_status hpx_walk_end(struct walk *walk, hpx_status status, hpx_error *error)
{
    if (walk->cursor)
        mdb_cursor_close(walk->cursor);
    return status || walk->code == 0 || walk->code == MDB_NOTFOUND
               ? status
               : hpx_lmdb_failed(walk->store, walk->code, error);
}
