/* The pages of the data file, looked at without LMDB, which trusts what stands in them: a pointer to a wrong
 * place makes it write to a wrong place, and what was whole before is lost. So nothing is written through
 * pages that have not been checked in the same transaction: those on the way from the root to the key, and
 * their neighbours, with which LMDB may merge them. hpx verify checks all of them. Single values are read
 * here too: damage on the way is an error and no crash, and a read of a page costs less than the fault of its
 * first touch in LMDB's map, by ten times and more on virtual machines.
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
#include "pages.h"
#include "internal.h"
#include "transaction.h"

#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The LMDB whose pages are as above. With another one (the library that is loaded counts) nothing here looks
 * at a page: values are read by LMDB, and what guards a write stands aside. */
#define KNOWN_MAJOR 0
#define KNOWN_MINOR 9

#define PAGE_HEAD      16
#define NODE_HEAD      8
#define TREE_BYTES     48
#define META_TREES     (PAGE_HEAD + 24) /* where the two trees stand in a meta page */
#define META_LAST_PAGE (META_TREES + 2 * TREE_BYTES)
#define META_END       (META_LAST_PAGE + 16)
#define NO_PAGE        UINT64_MAX
#define NO_TRANSACTION UINT64_MAX
#define DEPTH_MAX      10 /* of fifty keys a page and more */
#define KEPT           64
#define MANY           256 /* memory of their own for all would cost the few more than reading again */

enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4 };  /* flags of a page */
enum { BIG_VALUE = 1, NAMED_TREE = 2 };       /* flags of a leaf's node */
enum tree_kind { FREE_PAGES, NAMES, VALUES }; /* what a tree holds */

/* A page that was read and checked in this transaction. */
struct kept_page {
    uint64_t number; /* NO_PAGE: none yet */
    uint8_t *bytes;
};

struct tree {
    enum tree_kind kind;
    uint64_t root;
    unsigned flags, depth;
    const uint8_t *level[DEPTH_MAX];  /* the page of each level that was looked at last */
    struct kept_page last[DEPTH_MAX]; /* read of each level */
    struct kept_page *kept;           /* KEPT of each level, by number, once MANY were read */
    uint64_t reads;
    hpx_buffer value; /* the last one that was read from overflow pages */
};

/* Keys of a page are at least `low` and below `high`. Without bytes there is no such bound. */
struct bounds {
    MDB_val low, high;
};

struct pages {
    MDB_env *env;
    int file;
    size_t page_bytes;
    uint64_t transaction; /* whose pages these are: a committed one */
    uint64_t end;         /* pages of this number and above are not in use */
    struct tree free_pages, names, values[DATABASES];
    bool known[DATABASES]; /* whether values[] is of this transaction */
    bool free_pages_checked;
    uint16_t *node_bytes; /* by offset / 2, while a page is checked */
    uint8_t *used;        /* a bit for each page; NULL when only a way is checked */
    bool fault;
    char what[160]; /* is wrong, when there is a fault */
};

static bool are_known(void)
{
    int major, minor;
    mdb_version(&major, &minor, NULL);
    return major == KNOWN_MAJOR && minor == KNOWN_MINOR && sizeof(size_t) == 8;
}

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

/* Without bytes, an empty tree. */
static void set_tree(struct tree *tree, enum tree_kind kind, const uint8_t *bytes)
{
    tree->kind = kind;
    tree->flags = bytes ? load_u16(bytes + 4) : 0;
    tree->depth = bytes ? load_u16(bytes + 6) : 0;
    tree->root = bytes ? load_u64(bytes + 40) : NO_PAGE;
    for (size_t level = 0; level < DEPTH_MAX; level++)
        tree->last[level].number = NO_PAGE;
    for (size_t i = 0; tree->kept && i < (size_t)DEPTH_MAX * KEPT; i++)
        tree->kept[i].number = NO_PAGE;
}

/* --- one page --- */

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

static struct kept_page *kept_page(struct tree *tree, unsigned level, uint64_t number)
{
    if (tree->reads < MANY)
        return &tree->last[level];
    if (!tree->kept) {
        tree->kept = hpx_alloc((size_t)DEPTH_MAX * KEPT * sizeof *tree->kept);
        for (size_t i = 0; i < (size_t)DEPTH_MAX * KEPT; i++)
            tree->kept[i].number = NO_PAGE;
    }
    return &tree->kept[level * KEPT + number % KEPT];
}

/* Reads a page of a tree, unless it is one of those kept. */
static bool read_page(struct pages *pages, struct tree *tree, unsigned level, uint64_t number,
                      const struct bounds *bounds)
{
    struct kept_page *page = kept_page(tree, level, number);
    if (page->number != number || pages->used) {
        if (!page->bytes)
            page->bytes = hpx_alloc(pages->page_bytes);
        page->number = NO_PAGE;
        tree->reads++;
        if (!use(pages, number, 1) || !read_at(pages, page->bytes, pages->page_bytes, number) ||
            !is_page(pages, page->bytes, number, tree->kind, level + 1 == tree->depth, bounds))
            return false;
        page->number = number;
    }
    tree->level[level] = page->bytes;
    return true;
}

static const uint8_t *leaf_of(const struct tree *tree)
{
    return tree->level[tree->depth - 1];
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

/* The value of a leaf's node, whose overflow pages have been checked; it is there until the next one is read
 * from the tree. */
static bool read_value(MDB_val *value, struct pages *pages, struct tree *tree, const uint8_t *node)
{
    size_t size = value_size(node);
    const uint8_t *at = node + NODE_HEAD + load_u16(node + 6);
    if (load_u16(node + 4) & BIG_VALUE) {
        uint64_t first = load_u64(at);
        tree->value.size = 0;
        hpx_buffer_reserve(&tree->value, size);
        if (pread(pages->file, tree->value.data, size, (off_t)(first * pages->page_bytes + PAGE_HEAD)) !=
            (ssize_t)size)
            return found_fault(pages, first, "it cannot be read");
        at = tree->value.data;
    }
    *value = (MDB_val){.mv_size = size, .mv_data = (void *)at};
    return true;
}

/* A list of free pages: in bounds, descending, and as long as its value. */
static bool check_free_list(struct pages *pages, struct tree *tree, const uint8_t *node)
{
    MDB_val list;
    if (!read_value(&list, pages, tree, node))
        return false;
    const uint8_t *bytes = list.mv_data;
    size_t count = list.mv_size / sizeof(uint64_t);
    bool good = count > 0 && list.mv_size % sizeof(uint64_t) == 0 && load_u64(bytes) == count - 1;
    for (size_t i = 1; i < count && good; i++) {
        uint64_t page = load_u64(bytes + i * sizeof page);
        good = i == 1 || page < load_u64(bytes + (i - 1) * sizeof page);
        if (good && !use(pages, page, 1))
            return false;
    }
    return good || found_fault(pages, 0, "a list of free pages is damaged");
}

static bool check_value(struct pages *pages, struct tree *tree, size_t index)
{
    const uint8_t *leaf = leaf_of(tree), *node = node_of(leaf, index);
    if (load_u16(node + 4) & BIG_VALUE && !check_overflow(pages, node, tree->kind))
        return false;
    if (tree->kind == NAMES && value_size(node) != TREE_BYTES)
        return found_fault(pages, load_u64(leaf), "a tree's entry has another size");
    return tree->kind != FREE_PAGES || check_free_list(pages, tree, node);
}

/* --- a tree --- */

static bool is_tree(struct pages *pages, const struct tree *tree)
{
    if (tree->depth >= 1 && tree->depth <= DEPTH_MAX && (tree->flags == 0 || tree->kind == FREE_PAGES))
        return true;
    return found_fault(pages, tree->root, "the tree of this root has impossible properties");
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

/* Reads the pages from the root to the leaf of the key and, if wanted, those beside them. */
static bool go_to(struct pages *pages, struct tree *tree, const MDB_val *key, bool beside)
{
    struct bounds bounds = {0};
    bool exact;
    if (!is_tree(pages, tree) || !read_page(pages, tree, 0, tree->root, &bounds))
        return false;
    for (unsigned level = 0; level + 1 < tree->depth; level++) {
        const uint8_t *page = tree->level[level];
        size_t at = find_node(&exact, page, tree->kind, false, key), count = count_of(page);
        const size_t order[] = {at - 1, at + 1, at}; /* the way itself comes last */
        for (size_t i = beside ? 0 : 2; i < 3; i++) {
            size_t index = order[i];
            if (index >= count)
                continue;
            struct bounds within = bounds_of_child(page, index, &bounds);
            if (!read_page(pages, tree, level + 1, child_of(page, index), &within))
                return false;
        }
        bounds = bounds_of_child(page, at, &bounds);
    }
    return true;
}

/* All pages of a tree below and including one. */
static bool check_all(struct pages *pages, struct tree *tree, uint64_t number, unsigned level,
                      const struct bounds *bounds)
{
    if (!read_page(pages, tree, level, number, bounds))
        return false;
    const uint8_t *page = tree->level[level];
    bool good = true;
    for (size_t i = 0; i < count_of(page) && good; i++) {
        struct bounds within = bounds_of_child(page, i, bounds);
        good = level + 1 < tree->depth ? check_all(pages, tree, child_of(page, i), level + 1, &within)
                                       : check_value(pages, tree, i);
    }
    return good;
}

/* --- a transaction --- */

static struct pages *pages_new(hpx_store *store)
{
    MDB_stat info;
    struct pages *pages = hpx_alloc(sizeof *pages);
    mdb_env_stat(store->env, &info);
    mdb_env_get_fd(store->env, &pages->file);
    pages->page_bytes = info.ms_psize;
    pages->node_bytes = hpx_alloc(pages->page_bytes / 2 * sizeof *pages->node_bytes);
    pages->transaction = NO_TRANSACTION;
    pages->env = store->env;
    return pages;
}

static void free_tree(struct tree *tree)
{
    hpx_buffer_free(&tree->value);
    for (size_t level = 0; level < DEPTH_MAX; level++)
        free(tree->last[level].bytes);
    for (size_t i = 0; tree->kept && i < (size_t)DEPTH_MAX * KEPT; i++)
        free(tree->kept[i].bytes);
    free(tree->kept);
}

void hpx_pages_free(struct pages *pages)
{
    if (!pages)
        return;
    free_tree(&pages->free_pages);
    free_tree(&pages->names);
    for (size_t db = 0; db < DATABASES; db++)
        free_tree(&pages->values[db]);
    free(pages->node_bytes);
    free(pages->used);
    free(pages);
}

/* Turns to the pages of a transaction. False when no meta page is of it: it has not ended yet, or two others
 * have since; and when pages are not known. */
static bool turn_to(struct pages *pages, uint64_t transaction)
{
    uint8_t meta[META_END], again[META_END];
    MDB_envinfo last;
    if (!are_known())
        return false;
    mdb_env_info(pages->env, &last);
    if (transaction > last.me_last_txnid)
        return false;
    if (transaction == pages->transaction && !pages->fault)
        return true;
    for (uint64_t page = 0; page < 2; page++) {
        off_t at = (off_t)(page * pages->page_bytes);
        if (pread(pages->file, meta, sizeof meta, at) != (ssize_t)sizeof meta ||
            load_u64(meta + META_LAST_PAGE + 8) != transaction ||
            pread(pages->file, again, sizeof again, at) != (ssize_t)sizeof again ||
            memcmp(meta, again, sizeof meta) != 0) /* a commit is writing it */
            continue;
        pages->fault = false;
        pages->free_pages_checked = false;
        memset(pages->known, 0, sizeof pages->known);
        pages->transaction = transaction;
        pages->end = load_u64(meta + META_LAST_PAGE) + 1;
        set_tree(&pages->free_pages, FREE_PAGES, meta + META_TREES);
        set_tree(&pages->names, NAMES, meta + META_TREES + TREE_BYTES);
        return true;
    }
    return false;
}

/* The tree of a database: empty also when it is not there yet. */
static bool find_tree(struct pages *pages, enum database db)
{
    MDB_val name = {.mv_size = strlen(hpx_database_names[db]), .mv_data = (void *)hpx_database_names[db]};
    bool exact = false;
    if (pages->known[db])
        return true;
    set_tree(&pages->values[db], VALUES, NULL);
    if (pages->names.root != NO_PAGE) {
        if (!go_to(pages, &pages->names, &name, true))
            return false;
        const uint8_t *leaf = leaf_of(&pages->names);
        size_t at = find_node(&exact, leaf, NAMES, true, &name);
        if (exact && !check_value(pages, &pages->names, at))
            return false;
        if (exact)
            set_tree(&pages->values[db], VALUES, node_of(leaf, at) + NODE_HEAD + name.mv_size);
    }
    pages->known[db] = true;
    return true;
}

/* LMDB takes free pages from the beginning of their tree, and adds what it frees at the end. */
static bool check_free_pages(struct pages *pages)
{
    static const uint64_t ends[] = {0, UINT64_MAX};
    struct tree *tree = &pages->free_pages;
    for (size_t end = 0; end < 2 && tree->root != NO_PAGE && !pages->free_pages_checked; end++) {
        MDB_val key = {.mv_size = sizeof ends[end], .mv_data = (void *)&ends[end]};
        if (!go_to(pages, tree, &key, true))
            return false;
        for (size_t i = 0; i < count_of(leaf_of(tree)); i++)
            if (!check_value(pages, tree, i))
                return false;
    }
    pages->free_pages_checked = true;
    return true;
}

/* The node of a key, its overflow pages checked; NULL if there is none. */
static bool find_key(const uint8_t **node, struct pages *pages, enum database db, const MDB_val *key,
                     bool beside)
{
    bool exact;
    struct tree *tree = &pages->values[db];
    *node = NULL;
    if (!find_tree(pages, db))
        return false;
    if (tree->root == NO_PAGE)
        return true;
    if (!go_to(pages, tree, key, beside))
        return false;
    size_t at = find_node(&exact, leaf_of(tree), VALUES, true, key);
    if (exact)
        *node = node_of(leaf_of(tree), at);
    return !exact || check_value(pages, tree, at);
}

static struct pages *pages_of(hpx_store *store)
{
    if (!store->pages)
        store->pages = pages_new(store);
    return store->pages;
}

hpx_status hpx_check_way(hpx_store *store, MDB_txn *txn, enum database db, const MDB_val *key,
                         hpx_error *error)
{
    struct pages *pages = pages_of(store);
    const uint8_t *node;
    if (!are_known())
        return HPX_OK;
    bool good = turn_to(pages, mdb_txn_id(txn) - 1) /* what a writer sees before it writes */
                    ? check_free_pages(pages) && find_key(&node, pages, db, key, true)
                    : found_fault(pages, 0, "it is not of the last transaction");
    if (good)
        return HPX_OK;
    return hpx_error_set(
        error, HPX_DAMAGED,
        "%s: the structure is damaged (%s), so nothing is written; `hpx verify` says what is lost",
        store->path, pages->what);
}

static hpx_status damaged(const hpx_store *store, hpx_error *error)
{
    return hpx_error_set(error, HPX_DAMAGED,
                         "%s: the structure is damaged (%s); `hpx verify` says what is lost", store->path,
                         store->pages->what);
}

hpx_status hpx_find_value(MDB_val *value, hpx_store *store, MDB_txn *txn, enum database db,
                          const MDB_val *key, hpx_error *error)
{
    struct pages *pages = pages_of(store);
    const uint8_t *node;
    if (!turn_to(pages, mdb_txn_id(txn))) {
        int code = mdb_get(txn, store->databases[db], (MDB_val *)key, value);
        if (code == MDB_NOTFOUND)
            return hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
        return code == 0 ? HPX_OK : hpx_lmdb_failed(store, code, error);
    }
    if (!find_key(&node, pages, db, key, false) ||
        (node && !read_value(value, pages, &pages->values[db], node)))
        return damaged(store, error);
    return node ? HPX_OK : hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
}

/* By LMDB: for a transaction that pages.c cannot turn to, and where the key lies in the leaf before. */
static hpx_status find_last_by_cursor(MDB_val *found, hpx_store *store, MDB_txn *txn, enum database db,
                                      const MDB_val *key, hpx_error *error)
{
    MDB_cursor *cursor;
    MDB_val value;
    *found = *key;
    int code = mdb_cursor_open(txn, store->databases[db], &cursor);
    if (code != 0)
        return hpx_lmdb_failed(store, code, error);
    code = mdb_cursor_get(cursor, found, &value, MDB_SET_RANGE);
    if (code == MDB_NOTFOUND)
        code = mdb_cursor_get(cursor, found, &value, MDB_LAST);
    else if (code == 0 && compare_keys(VALUES, found, key) > 0)
        code = mdb_cursor_get(cursor, found, &value, MDB_PREV);
    mdb_cursor_close(cursor);
    if (code == MDB_NOTFOUND)
        return hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
    return code == 0 ? HPX_OK : hpx_lmdb_failed(store, code, error);
}

hpx_status hpx_find_last_key(MDB_val *found, hpx_store *store, MDB_txn *txn, enum database db,
                             const MDB_val *key, hpx_error *error)
{
    struct pages *pages = pages_of(store);
    struct tree *tree = &pages->values[db];
    bool exact;
    if (!turn_to(pages, mdb_txn_id(txn)))
        return find_last_by_cursor(found, store, txn, db, key, error);
    if (!find_tree(pages, db) || (tree->root != NO_PAGE && !go_to(pages, tree, key, false)))
        return damaged(store, error);
    if (tree->root == NO_PAGE)
        return hpx_error_set(error, HPX_NOT_FOUND, "not in the store");
    *found = key_of(leaf_of(tree), find_node(&exact, leaf_of(tree), VALUES, true, key));
    return compare_keys(VALUES, found, key) <= 0 ? HPX_OK
                                                 : find_last_by_cursor(found, store, txn, db, key, error);
}

static void check_whole(struct pages *pages, struct tree *tree, const char *name, hpx_damage_fn *report,
                        void *context)
{
    static const struct bounds all = {0};
    char text[sizeof pages->what + 64];
    if (!pages->fault && tree->root != NO_PAGE && is_tree(pages, tree))
        check_all(pages, tree, tree->root, 0, &all);
    if (pages->fault) {
        snprintf(text, sizeof text, "%s: the structure is damaged (%s)", name, pages->what);
        report(context, text);
    }
    pages->fault = false;
}

static void remark_unknown(const hpx_store *store)
{
    char text[128];
    if (!store->remark)
        return;
    snprintf(text, sizeof text,
             "%s: its pages are not known to this hpx and not checked (those of %d.%d are)",
             mdb_version(NULL, NULL, NULL), KNOWN_MAJOR, KNOWN_MINOR);
    store->remark(store->remark_context, text);
}

hpx_status hpx_check_pages(hpx_store *store, hpx_damage_fn *report, void *context, hpx_error *error)
{
    if (!are_known()) {
        remark_unknown(store);
        return HPX_OK;
    }
    struct pages *pages = pages_new(store);
    MDB_txn *txn = NULL;
    hpx_status status;
    /* The transaction's meta page is there until two later ones have ended. */
    while (!(status = hpx_begin_read(&txn, store, error)) && !turn_to(pages, mdb_txn_id(txn)))
        hpx_end_read(store, txn);
    if (!status) {
        for (enum database db = 0; db < DATABASES; db++)
            if (!find_tree(pages, db))
                check_whole(pages, &pages->values[db], hpx_database_names[db], report, context);
        pages->used = hpx_alloc(pages->end / 8 + 1);
        check_whole(pages, &pages->free_pages, "free pages", report, context);
        check_whole(pages, &pages->names, "databases", report, context);
        for (enum database db = 0; db < DATABASES; db++)
            check_whole(pages, &pages->values[db], hpx_database_names[db], report, context);
        hpx_end_read(store, txn);
    }
    hpx_pages_free(pages);
    return status;
}
