/* The pages of the data file, looked at without LMDB, which trusts what stands in them: a pointer to a wrong
 * place makes it write to a wrong place, and what was whole before is lost. So nothing is written through
 * pages that have not been checked in the same transaction: those on the way from the root to the key, and
 * their neighbours, with which LMDB may merge them. hpx verify checks all of them.
 *
 * The format is that of LMDB 0.9 on 64-bit machines, little- or big-endian as the machine is (mdb.c:
 * MDB_page, MDB_node, MDB_db, MDB_meta):
 *
 *     page     number(8) pad(2) flags(2) lower(2) upper(2), then a table of u16 offsets up to `lower`;
 *              nodes fill it from `upper` to its end without gaps. An overflow page has pages(4) for lower
 *              and upper, and then bytes.
 *     node     lo(2) hi(2) flags(2) key size(2) key, and in a leaf the value, or the number(8) of its
 *              overflow page. lo and hi are the value's size; in a branch, with flags, the child's number.
 *              The key of a branch's first node does not count.
 *     tree     pad(4) flags(2) depth(2) branches(8) leaves(8) overflow pages(8) entries(8) root(8)
 *     meta     pages 0 and 1: a page's head, magic(4) version(4) address(8) map size(8), the trees of free
 *              pages and of names, last page(8), transaction(8); the younger one counts
 *
 * A free page stands in the tree of free pages: the transaction that freed it (a native integer) -> a
 * count(8) and as many numbers(8), descending. */
#include "internal.h"

#include "hpx/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(size_t) == 8, "LMDB's pages have another format on this machine");

#define PAGE_HEAD      16
#define NODE_HEAD      8
#define TREE_BYTES     48
#define META_TREES     (PAGE_HEAD + 24) /* where the two trees stand in a meta page */
#define META_LAST_PAGE (META_TREES + 2 * TREE_BYTES)
#define META_END       (META_LAST_PAGE + 16)
#define NO_PAGE        UINT64_MAX
#define NO_TRANSACTION UINT64_MAX
#define DEPTH_MAX      32

enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4 };  /* flags of a page */
enum { BIG_VALUE = 1, NAMED_TREE = 2 };       /* flags of a leaf's node */
enum tree_kind { FREE_PAGES, NAMES, VALUES }; /* what a tree holds */

struct tree {
    enum tree_kind kind;
    uint64_t root;
    unsigned flags, depth;
};

/* Keys of a page are at least `low` and below `high`. Without bytes there is no such bound. */
struct bounds {
    MDB_val low, high;
};

struct pages {
    int file;
    size_t page_bytes;
    uint64_t transaction; /* whose pages these are: a committed one */
    uint64_t end;         /* pages of this number and above are not in use */
    struct tree free_pages, names, values[DATABASES];
    bool known[DATABASES];     /* whether values[] is of this transaction */
    uint8_t *level[DEPTH_MAX]; /* a page of each level on the way down */
    uint16_t *node_bytes;      /* by offset / 2, while a page is checked */
    uint8_t *used;             /* a bit for each page; NULL when only a way is checked */
    bool fault;
    char what[160]; /* is wrong, when there is a fault */
};

static uint16_t load_u16(const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t load_u64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static bool found_fault(struct pages *pages, uint64_t page, const char *what)
{
    if (!pages->fault)
        snprintf(pages->what, sizeof pages->what, "page %" PRIu64 ": %s", page, what);
    pages->fault = true;
    return false;
}

static bool read_at(struct pages *pages, uint8_t *out, size_t size, uint64_t page)
{
    ssize_t got = pread(pages->file, out, size, (off_t)(page * pages->page_bytes));
    return got == (ssize_t)size || found_fault(pages, page, "it cannot be read");
}

static struct tree load_tree(enum tree_kind kind, const uint8_t *bytes)
{
    return (struct tree){.kind = kind,
                         .flags = load_u16(bytes + 4),
                         .depth = load_u16(bytes + 6),
                         .root = load_u64(bytes + 40)};
}

/* --- one page
 * ---------------------------------------------------------------------------------------------------- */

static size_t count_of(const uint8_t *page)
{
    return (size_t)(load_u16(page + 12) - PAGE_HEAD) / 2;
}

static const uint8_t *node_of(const uint8_t *page, size_t index)
{
    return page + load_u16(page + PAGE_HEAD + 2 * index);
}

static MDB_val key_of(const uint8_t *page, size_t index)
{
    const uint8_t *node = node_of(page, index);
    return (MDB_val){.mv_size = load_u16(node + 6), .mv_data = (void *)(node + NODE_HEAD)};
}

static size_t value_size(const uint8_t *node)
{
    return load_u16(node) | (size_t)load_u16(node + 2) << 16;
}

static uint64_t child_of(const uint8_t *page, size_t index)
{
    const uint8_t *node = node_of(page, index);
    return value_size(node) | (uint64_t)load_u16(node + 4) << 32;
}

static int compare_keys(enum tree_kind kind, const MDB_val *a, const MDB_val *b)
{
    if (kind == FREE_PAGES) {
        uint64_t left = load_u64(a->mv_data), right = load_u64(b->mv_data);
        return left < right ? -1 : left > right;
    }
    int order = memcmp(a->mv_data, b->mv_data, a->mv_size < b->mv_size ? a->mv_size : b->mv_size);
    return order ? order : a->mv_size < b->mv_size ? -1 : a->mv_size > b->mv_size;
}

/* How many bytes of the page the node at `offset` takes; 0 if it is no node. */
static size_t node_size(const struct pages *pages, const uint8_t *page, size_t offset, enum tree_kind kind,
                        bool leaf)
{
    if (offset % 2 || offset < load_u16(page + 14) || offset + NODE_HEAD > pages->page_bytes)
        return 0;
    const uint8_t *node = page + offset;
    size_t size = NODE_HEAD + load_u16(node + 6);
    unsigned flags = load_u16(node + 4);
    if (leaf && flags != (kind == NAMES ? NAMED_TREE : flags & BIG_VALUE))
        return 0;
    if (leaf)
        size += flags & BIG_VALUE ? sizeof(uint64_t) : value_size(node);
    size += size % 2;
    return size <= pages->page_bytes - offset ? size : 0;
}

/* Nodes lie side by side from `upper` to the end of the page, and the table names each of them once. */
static bool nodes_fill(struct pages *pages, const uint8_t *page, enum tree_kind kind, bool leaf)
{
    memset(pages->node_bytes, 0, pages->page_bytes / 2 * sizeof *pages->node_bytes);
    size_t count = count_of(page), at = load_u16(page + 14), found = 0;
    for (size_t i = 0; i < count; i++) {
        size_t offset = load_u16(page + PAGE_HEAD + 2 * i), size = node_size(pages, page, offset, kind, leaf);
        if (size == 0 || pages->node_bytes[offset / 2])
            return false;
        pages->node_bytes[offset / 2] = (uint16_t)size;
    }
    for (; at < pages->page_bytes && pages->node_bytes[at / 2]; found++)
        at += pages->node_bytes[at / 2];
    return at == pages->page_bytes && found == count;
}

static bool keys_ascend(const uint8_t *page, enum tree_kind kind, bool leaf, const struct bounds *bounds)
{
    size_t count = count_of(page);
    MDB_val last = bounds->low;
    for (size_t i = leaf ? 0 : 1; i < count; i++) {
        MDB_val key = key_of(page, i);
        if (kind == FREE_PAGES && key.mv_size != sizeof(uint64_t))
            return false;
        int order = last.mv_data ? compare_keys(kind, &last, &key) : -1;
        if (order > 0 || (order == 0 && i > 0))
            return false;
        last = key;
    }
    return !bounds->high.mv_data || !last.mv_data || compare_keys(kind, &last, &bounds->high) < 0;
}

static bool is_page(struct pages *pages, const uint8_t *page, uint64_t number, enum tree_kind kind, bool leaf,
                    const struct bounds *bounds)
{
    size_t lower = load_u16(page + 12), upper = load_u16(page + 14),
           least = leaf || kind == FREE_PAGES ? 1 : 2;
    if (load_u64(page) != number)
        return found_fault(pages, number, "it has another number");
    if (load_u16(page + 10) != (leaf ? LEAF : BRANCH))
        return found_fault(pages, number, "it is of another kind");
    if (lower < PAGE_HEAD + 2 * least || lower % 2 || lower > upper || upper > pages->page_bytes || upper % 2)
        return found_fault(pages, number, "its table is out of bounds");
    if (!nodes_fill(pages, page, kind, leaf))
        return found_fault(pages, number, "its nodes do not fill it");
    return keys_ascend(page, kind, leaf, bounds) || found_fault(pages, number, "its keys are out of order");
}

/* Marks pages as used, when all are looked at. */
static bool use(struct pages *pages, uint64_t first, uint64_t count)
{
    if (first < 2 || first >= pages->end || count > pages->end - first)
        return found_fault(pages, first, "there is no such page");
    for (uint64_t page = first; pages->used && page < first + count; page++) {
        if (pages->used[page / 8] & 1u << page % 8)
            return found_fault(pages, page, "it is used twice");
        pages->used[page / 8] |= (uint8_t)(1u << page % 8);
    }
    return true;
}

static bool read_page(struct pages *pages, uint8_t *page, uint64_t number, const struct tree *tree,
                      unsigned level, const struct bounds *bounds)
{
    return use(pages, number, 1) && read_at(pages, page, pages->page_bytes, number) &&
           is_page(pages, page, number, tree->kind, level + 1 == tree->depth, bounds);
}

/* The overflow pages that hold the value of a leaf's node. */
static bool check_overflow(struct pages *pages, const uint8_t *node, enum tree_kind kind)
{
    uint8_t head[PAGE_HEAD];
    uint64_t first = load_u64(node + NODE_HEAD + load_u16(node + 6));
    uint64_t expected = (PAGE_HEAD + value_size(node) - 1) / pages->page_bytes + 1;
    if (first < 2 || first >= pages->end)
        return found_fault(pages, first, "there is no such page");
    if (!read_at(pages, head, sizeof head, first))
        return false;
    uint32_t count;
    memcpy(&count, head + 12, sizeof count);
    if (load_u64(head) != first || load_u16(head + 10) != OVERFLOW || count < expected ||
        (count > expected && kind != FREE_PAGES)) /* LMDB may have reserved more there */
        return found_fault(pages, first, "it does not begin the value that refers to it");
    return use(pages, first, count);
}

/* A list of free pages: in bounds, descending, and as long as its value. */
static bool check_free_list(struct pages *pages, const uint8_t *node)
{
    size_t size = value_size(node), keep = load_u16(node + 6), count = size / sizeof(uint64_t);
    uint8_t *bytes = hpx_alloc(size + 1);
    bool good = true;
    if (load_u16(node + 4) & BIG_VALUE) {
        uint64_t first = load_u64(node + NODE_HEAD + keep);
        off_t at = (off_t)(first * pages->page_bytes + PAGE_HEAD);
        good = pread(pages->file, bytes, size, at) == (ssize_t)size;
    } else {
        memcpy(bytes, node + NODE_HEAD + keep, size);
    }
    good = good && count > 0 && size % sizeof(uint64_t) == 0 && load_u64(bytes) == count - 1;
    for (size_t i = 1; i < count && good; i++) {
        uint64_t page = load_u64(bytes + i * sizeof page);
        good = i == 1 || page < load_u64(bytes + (i - 1) * sizeof page);
        if (good && !use(pages, page, 1))
            break;
    }
    free(bytes);
    return good ? !pages->fault : found_fault(pages, 0, "a list of free pages is damaged");
}

static bool check_value(struct pages *pages, const uint8_t *page, size_t index, enum tree_kind kind)
{
    const uint8_t *node = node_of(page, index);
    if (load_u16(node + 4) & BIG_VALUE && !check_overflow(pages, node, kind))
        return false;
    if (kind == NAMES && value_size(node) != TREE_BYTES)
        return found_fault(pages, load_u64(page), "a tree's entry has another size");
    return kind != FREE_PAGES || check_free_list(pages, node);
}

/* --- a tree
 * ------------------------------------------------------------------------------------------------------ */

static bool is_tree(struct pages *pages, const struct tree *tree)
{
    if (tree->depth < 1 || tree->depth > DEPTH_MAX || (tree->flags != 0 && tree->kind != FREE_PAGES))
        return found_fault(pages, tree->root, "the tree of this root has impossible properties");
    for (unsigned level = 0; level < tree->depth; level++)
        if (!pages->level[level])
            pages->level[level] = hpx_alloc(pages->page_bytes);
    return true;
}

static struct bounds bounds_of_child(const uint8_t *page, size_t index, const struct bounds *bounds)
{
    struct bounds child = *bounds;
    if (index > 0)
        child.low = key_of(page, index);
    if (index + 1 < count_of(page))
        child.high = key_of(page, index + 1);
    return child;
}

/* The last node whose key is not above `key`. Of a leaf, *exact says whether it has it. */
static size_t find_node(bool *exact, const uint8_t *page, enum tree_kind kind, bool leaf, const MDB_val *key)
{
    size_t low = leaf ? 0 : 1,
           high = count_of(page); /* the answer is low - 1, or the first that does not count */
    *exact = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        MDB_val there = key_of(page, middle);
        int order = compare_keys(kind, &there, key);
        *exact = *exact || order == 0;
        if (order <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

/* Reads the pages from the root to the leaf of the key, each after its neighbours. The leaf remains in
 * pages->level[tree->depth - 1]. */
static bool check_way_in(struct pages *pages, const struct tree *tree, const MDB_val *key)
{
    struct bounds bounds = {0};
    bool exact;
    if (!is_tree(pages, tree) || !read_page(pages, pages->level[0], tree->root, tree, 0, &bounds))
        return false;
    for (unsigned level = 0; level + 1 < tree->depth; level++) {
        const uint8_t *page = pages->level[level];
        size_t at = find_node(&exact, page, tree->kind, false, key), count = count_of(page);
        const size_t order[] = {at - 1, at + 1, at}; /* the way itself comes last */
        for (size_t i = 0; i < 3; i++) {
            size_t index = order[i];
            if (index >= count)
                continue;
            struct bounds within = bounds_of_child(page, index, &bounds);
            if (!read_page(pages, pages->level[level + 1], child_of(page, index), tree, level + 1, &within))
                return false;
        }
        bounds = bounds_of_child(page, at, &bounds);
    }
    return true;
}

/* All pages of a tree below and including one. */
static bool check_all_in(struct pages *pages, const struct tree *tree, uint64_t number, unsigned level,
                         const struct bounds *bounds)
{
    uint8_t *page = pages->level[level];
    if (!read_page(pages, page, number, tree, level, bounds))
        return false;
    bool good = true;
    for (size_t i = 0; i < count_of(page) && good; i++) {
        struct bounds within = bounds_of_child(page, i, bounds);
        good = level + 1 < tree->depth ? check_all_in(pages, tree, child_of(page, i), level + 1, &within)
                                       : check_value(pages, page, i, tree->kind);
    }
    return good;
}

/* --- a transaction
 * ----------------------------------------------------------------------------------------------- */

static struct pages *pages_new(hpx_store *store)
{
    MDB_stat info;
    struct pages *pages = hpx_alloc(sizeof *pages);
    mdb_env_stat(store->env, &info);
    mdb_env_get_fd(store->env, &pages->file);
    pages->page_bytes = info.ms_psize;
    pages->node_bytes = hpx_alloc(pages->page_bytes / 2 * sizeof *pages->node_bytes);
    pages->transaction = NO_TRANSACTION;
    return pages;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    for (size_t i = 0; i < DEPTH_MAX; i++)
        free(pages->level[i]);
    free(pages->node_bytes);
    free(pages->used);
    free(pages);
}

/* Finds the meta page of a transaction. False when neither is: it is an old one. */
static bool find_meta(struct pages *pages, uint64_t transaction)
{
    uint8_t meta[META_END];
    memset(pages->known, 0, sizeof pages->known);
    pages->fault = false;
    for (uint64_t page = 0; page < 2; page++) {
        if (read_at(pages, meta, sizeof meta, page) && load_u64(meta + META_LAST_PAGE + 8) == transaction) {
            pages->transaction = transaction;
            pages->end = load_u64(meta + META_LAST_PAGE) + 1;
            pages->free_pages = load_tree(FREE_PAGES, meta + META_TREES);
            pages->names = load_tree(NAMES, meta + META_TREES + TREE_BYTES);
            return true;
        }
    }
    return false;
}

/* The tree of a database: without a root when it is empty, or not there yet. */
static bool find_tree(struct pages *pages, enum database db)
{
    MDB_val name = {.mv_size = strlen(database_names[db]), .mv_data = (void *)database_names[db]};
    struct tree *tree = &pages->values[db];
    bool exact;
    if (pages->known[db])
        return true;
    *tree = (struct tree){.kind = VALUES, .root = NO_PAGE};
    if (pages->names.root != NO_PAGE) {
        if (!check_way_in(pages, &pages->names, &name))
            return false;
        const uint8_t *leaf = pages->level[pages->names.depth - 1];
        size_t at = find_node(&exact, leaf, NAMES, true, &name);
        if (exact && !check_value(pages, leaf, at, NAMES))
            return false;
        if (exact)
            *tree = load_tree(VALUES, node_of(leaf, at) + NODE_HEAD + name.mv_size);
    }
    pages->known[db] = true;
    return true;
}

/* LMDB takes free pages from the beginning of their tree, and adds what it frees at the end. */
static bool check_free_pages(struct pages *pages)
{
    static const uint64_t ends[] = {0, UINT64_MAX};
    const struct tree *tree = &pages->free_pages;
    for (size_t end = 0; end < 2 && tree->root != NO_PAGE; end++) {
        MDB_val key = {.mv_size = sizeof ends[end], .mv_data = (void *)&ends[end]};
        if (!check_way_in(pages, tree, &key))
            return false;
        const uint8_t *leaf = pages->level[tree->depth - 1];
        for (size_t i = 0; i < count_of(leaf); i++)
            if (!check_value(pages, leaf, i, FREE_PAGES))
                return false;
    }
    return true;
}

static bool check_way_of(struct pages *pages, enum database db, const MDB_val *key)
{
    if (!find_tree(pages, db))
        return false;
    const struct tree *tree = &pages->values[db];
    bool exact;
    if (tree->root == NO_PAGE)
        return true;
    if (!check_way_in(pages, tree, key))
        return false;
    const uint8_t *leaf = pages->level[tree->depth - 1];
    size_t at = find_node(&exact, leaf, VALUES, true, key);
    return !exact || check_value(pages, leaf, at, VALUES);
}

hpx_status check_way(hpx_store *store, MDB_txn *txn, enum database db, const MDB_val *key, hpx_error *error)
{
    if (!store->pages)
        store->pages = pages_new(store);
    struct pages *pages = store->pages;
    uint64_t last = mdb_txn_id(txn) - 1; /* what a writer sees before it writes */
    bool good = true;
    if (pages->transaction != last || pages->fault) {
        good = find_meta(pages, last) ? check_free_pages(pages)
                                      : found_fault(pages, 0, "it is not of the last transaction");
    }
    if (good && check_way_of(pages, db, key))
        return HPX_OK;
    return hpx_error_set(
        error, HPX_DAMAGED,
        "%s: the structure is damaged (%s), so nothing is written; `hpx verify` says what is lost",
        store->path, pages->what);
}

static void check_whole(struct pages *pages, const struct tree *tree, const char *name,
                        hpx_damage_fn *damaged, void *context)
{
    static const struct bounds all = {0};
    char text[sizeof pages->what + 64];
    if (!pages->fault && tree->root != NO_PAGE && is_tree(pages, tree))
        check_all_in(pages, tree, tree->root, 0, &all);
    if (pages->fault) {
        snprintf(text, sizeof text, "%s: the structure is damaged (%s)", name, pages->what);
        damaged(context, text);
    }
    pages->fault = false;
}

hpx_status check_pages(hpx_store *store, hpx_damage_fn *damaged, void *context, hpx_error *error)
{
    struct pages *pages = pages_new(store);
    MDB_txn *txn = NULL;
    hpx_status status;
    /* The transaction's meta page is there until two later ones have ended. */
    while (!(status = begin(&txn, store, MDB_RDONLY, error)) && !find_meta(pages, mdb_txn_id(txn)))
        mdb_txn_abort(txn);
    if (!status) {
        for (enum database db = 0; db < DATABASES; db++)
            if (!find_tree(pages, db)) {
                check_whole(pages, &pages->values[db], database_names[db], damaged, context);
                pages->values[db].root = NO_PAGE;
            }
        pages->used = hpx_alloc(pages->end / 8 + 1);
        check_whole(pages, &pages->free_pages, "free pages", damaged, context);
        check_whole(pages, &pages->names, "databases", damaged, context);
        for (enum database db = 0; db < DATABASES; db++)
            check_whole(pages, &pages->values[db], database_names[db], damaged, context);
        mdb_txn_abort(txn);
    }
    pages_free(pages);
    return status;
}
