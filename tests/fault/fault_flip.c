/* Flips bits in copies of a store's data file, and truncates them, and looks at what is seen and served.
 *
 *     fault_flip values STORE FOLDER COUNT SEED      in stored values: seal or payload of a random one
 *     fault_flip pages STORE FOLDER COUNT SEED       in any page
 *     fault_flip writes STORE FOLDER COUNT SEED      in any page, and then results are stored
 *     fault_flip truncate STORE FOLDER STEP          to every multiple of STEP
 *
 * Each change is looked at twice, by child processes, since LMDB may crash: by hpx_store_verify, as `hpx
 * verify` does it, and by reading every result and checkpoint, as ls and build do. The last line of output is
 *
 *     COUNT changes: SEEN seen, CRASHED of them by a crash of LMDB, WRONG wrong, HUNG hung
 *
 * Flips in values must all be seen, by a fault that names the value, without a crash. Storing results in a
 * store with a flipped bit may be refused; it must not lose what could be read before. */
#include "base/memory.h"
#include "hpx/store.h"

#include "../helper/bytes.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_MAX   20 /* for one look */
#define ARTIFACTS_MAX 64

static hpx_error error;

static void die(const char *what)
{
    fprintf(stderr, "fault_flip: %s: %s\n", what, error.message);
    exit(2);
}

/* SplitMix64: G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t draw_state;

static uint64_t draw(uint64_t bound)
{
    uint64_t z = draw_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % bound;
}

/* What is right: every artifact, and the newest checkpoint of each trajectory. */
struct right {
    hpx_artifact *artifacts;
    size_t count, capacity;
    hpx_cell_set *cells; /* of the artifacts: those of a store end with it */
};

static hpx_status learn(void *context, const hpx_artifact *artifact, hpx_error *learn_error)
{
    (void)learn_error;
    struct right *right = context;
    right->artifacts =
        hpx_grow(right->artifacts, &right->capacity, right->count + 1, sizeof *right->artifacts);
    right->artifacts[right->count] = hpx_artifact_copy(artifact);
    right->artifacts[right->count++].cell = hpx_cell_set_keep(right->cells, &artifact->cell);
    return HPX_OK;
}

/* Where the values of the databases that hold results stand in the file. */
struct value {
    char name[32]; /* of its database */
    char key[33];  /* its first 16 bytes in hexadecimal, as faults name it */
    uint64_t at, size;
};

struct values {
    struct value *values;
    size_t count, capacity;
};

static const char *const databases[] = {"manifests", "records", "checkpoints", "chunks", "codes", "datasets"};

/* Where the file is mapped, which LMDB does not say: the first mapping of its name. */
static const uint8_t *find_map(void)
{
    char line[4608];
    const uint8_t *map = NULL;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && !map && fgets(line, sizeof line, maps))
        if (strstr(line, "/hpx.mdb\n"))
            map = (const uint8_t *)(uintptr_t)strtoull(line, NULL, 16);
    if (maps)
        fclose(maps);
    if (!map)
        die("the data file is not in /proc/self/maps");
    return map;
}

static void find_values(struct values *values, const char *path)
{
    MDB_env *env;
    MDB_txn *txn;
    if (mdb_env_create(&env) || mdb_env_set_maxdbs(env, 32) || mdb_env_set_mapsize(env, (size_t)1 << 30) ||
        mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY, 0666) ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn))
        die("cannot open the store with LMDB");
    const uint8_t *map = find_map();
    for (size_t db = 0; db < sizeof databases / sizeof databases[0]; db++) {
        MDB_dbi dbi;
        MDB_cursor *cursor;
        MDB_val key, value;
        if (mdb_dbi_open(txn, databases[db], 0, &dbi) || mdb_cursor_open(txn, dbi, &cursor))
            die("cannot open a database");
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            values->values =
                hpx_grow(values->values, &values->capacity, values->count + 1, sizeof *values->values);
            struct value *found = &values->values[values->count++];
            *found =
                (struct value){.at = (uint64_t)((const uint8_t *)value.mv_data - map), .size = value.mv_size};
            snprintf(found->name, sizeof found->name, "%s", databases[db]);
            hpx_hex(found->key, key.mv_data, 16);
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

/* What a look has found, in memory that the children share. */
static struct shared {
    size_t faults;
    bool named;
    char name[64]; /* to look for in faults */
    size_t wrong;
    char what[512];
    bool readable[2][ARTIFACTS_MAX]; /* by look_serve: an artifact, its checkpoint */
} * shared;

static void note(void *context, const char *what)
{
    (void)context;
    shared->faults++;
    if (*shared->name && strstr(what, shared->name))
        shared->named = true;
}

static int look_verify(const char *folder)
{
    hpx_store *store;
    uint64_t checked;
    hpx_status status = hpx_store_open(&store, folder, HPX_STORE_CHECK, &error);
    if (!status)
        status = hpx_store_verify(store, &checked, note, NULL, &error);
    return status != HPX_OK;
}

static void wrong(const char *what, const hpx_hash *key, uint32_t epoch)
{
    char hex[HPX_HASH_HEX_BYTES];
    shared->wrong++;
    snprintf(shared->what, sizeof shared->what, "%s: %s epoch %u", what, hpx_hash_hex(hex, key), epoch);
}

static const hpx_artifact *find(const struct right *right, const hpx_hash *key, uint32_t epoch)
{
    for (size_t i = 0; i < right->count; i++)
        if (right->artifacts[i].epoch == epoch && hpx_hash_equal(&right->artifacts[i].key, key))
            return &right->artifacts[i];
    return NULL;
}

/* What look_write stores. */
static hpx_buffer new_manifest;
static hpx_hash new_key;

static void make_new(void)
{
    hpx_fields fields = {0};
    hpx_fields_set_text(&fields, "cell", "new");
    hpx_fields_encode(&new_manifest, &fields);
    new_key = hpx_hash_of(new_manifest.data, new_manifest.size);
    hpx_fields_free(&fields);
}

/* Bit for bit, but for where cell and metrics lie in memory. */
static bool same(const hpx_artifact *a, const hpx_artifact *b)
{
    hpx_artifact left = *a, right = *b;
    const hpx_hash before = hpx_output_hash(&a->metrics, NULL, 0),
                   after = hpx_output_hash(&b->metrics, NULL, 0);
    left.cell = right.cell = (hpx_cell){0};
    left.metrics = right.metrics = (hpx_metrics){0};
    return hpx_cell_equal(&a->cell, &b->cell) && hpx_metrics_same_names(&a->metrics, &b->metrics) &&
           hpx_hash_equal(&before, &after) && memcmp(&left, &right, sizeof left) == 0;
}

static hpx_status compare(void *context, const hpx_artifact *artifact, hpx_error *compare_error)
{
    (void)compare_error;
    const struct right *right = context;
    const hpx_artifact *expected = find(right, &artifact->key, artifact->epoch);
    if (hpx_hash_equal(&artifact->key, &new_key))
        return HPX_OK;
    if (!expected || !same(expected, artifact))
        wrong("listed", &artifact->key, artifact->epoch);
    return HPX_OK;
}

static int look_serve(const char *folder, const struct right *right)
{
    hpx_store *store;
    hpx_status status = hpx_store_open(&store, folder, HPX_STORE_READ, &error);
    if (status)
        return 1;
    status = hpx_store_each(store, NULL, compare, (void *)right, &error);
    for (size_t i = 0; i < right->count; i++) {
        hpx_artifact got;
        const hpx_artifact *expected = &right->artifacts[i];
        status = hpx_store_get(&got, store, &expected->key, expected->epoch, NULL, &error);
        if (!status && !same(&got, expected))
            wrong("served", &expected->key, expected->epoch);
        if (!status)
            hpx_artifact_free(&got);
        shared->readable[0][i] = status == HPX_OK;
        hpx_buffer checkpoint = {0};
        uint32_t epoch;
        status = get_newest_bytes(&epoch, &checkpoint, store, &expected->key, UINT32_MAX, &error);
        if (!status) {
            const hpx_artifact *owner = find(right, &expected->key, epoch);
            hpx_hash output =
                owner ? hpx_output_hash(&owner->metrics, checkpoint.data, checkpoint.size) : (hpx_hash){{0}};
            if (!owner || !hpx_hash_equal(&output, &owner->output))
                wrong("checkpoint", &expected->key, epoch);
            shared->readable[1][i] = true;
        }
        hpx_buffer_free(&checkpoint);
    }
    return 0;
}

/* A new trajectory with epochs 1 and 2, so that a checkpoint is stored and dropped. */
static int look_write(const char *folder, const struct right *right)
{
    hpx_store *store;
    static uint8_t checkpoint[40000];
    const hpx_put_options options = {.keep = HPX_KEEP_NEWEST};
    hpx_status status = hpx_store_open(&store, folder, HPX_STORE_WRITE, &error);
    if (status)
        return 1;
    hpx_artifact artifact = right->artifacts[0];
    artifact.key = new_key;
    for (artifact.epoch = 1; artifact.epoch <= 2 && !status; artifact.epoch++) {
        artifact.parent = artifact.epoch - 1;
        artifact.output = hpx_output_hash(&artifact.metrics, checkpoint, sizeof checkpoint);
        status = put_bytes(store, &new_manifest, &artifact, checkpoint, sizeof checkpoint, &options, &error);
    }
    return status != HPX_OK;
}

enum look { VERIFY, SERVE, WRITE };

/* The child's wait status. */
static int look(enum look kind, const char *folder, const struct right *right)
{
    pid_t child = fork();
    if (child == 0) {
        static const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        close(STDERR_FILENO); /* LMDB's assertions */
        alarm(SECONDS_MAX);
        _exit(kind == VERIFY  ? look_verify(folder)
              : kind == SERVE ? look_serve(folder, right)
                              : look_write(folder, right));
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        die("fork");
    return status;
}

static struct {
    size_t changes, seen, crashed, wrong, hung, unnamed;
} total;

static void count_look(bool strict, const char *folder, const struct right *right, const char *what)
{
    *shared = (struct shared){0};
    if (strict)
        snprintf(shared->name, sizeof shared->name, "%s", strrchr(what, ' ') + 1);
    int verify = look(VERIFY, folder, right), serve = look(SERVE, folder, right);
    bool crashed = WIFSIGNALED(verify) || WIFSIGNALED(serve);
    bool hung = (WIFSIGNALED(verify) && WTERMSIG(verify) == SIGALRM) ||
                (WIFSIGNALED(serve) && WTERMSIG(serve) == SIGALRM);
    bool seen = crashed || shared->faults > 0 || WEXITSTATUS(verify) != 0;
    total.changes++;
    total.seen += seen;
    total.crashed += crashed;
    total.hung += hung;
    total.wrong += shared->wrong > 0;
    if (shared->wrong > 0)
        printf("wrong: %s: %s\n", what, shared->what);
    if (!seen && strncmp(what, "truncated", 9) == 0)
        printf("unseen: %s\n", what);
    if (hung)
        printf("hung: %s\n", what);
    if (strict && (!seen || crashed || !shared->named)) {
        total.unnamed++;
        printf("%s: %s\n", !seen ? "unseen" : crashed ? "crash" : "unnamed", what);
    }
}

static void write_at(const char *path, const void *bytes, size_t size, uint64_t at)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || pwrite(fd, bytes, size, (off_t)at) != (ssize_t)size || close(fd) != 0)
        die(path);
}

static void flip(const char *path, const hpx_buffer *file, uint64_t at, unsigned bit, bool strict,
                 const char *folder, const struct right *right, const char *what)
{
    uint8_t byte = (uint8_t)(file->data[at] ^ 1u << bit);
    write_at(path, &byte, 1, at);
    count_look(strict, folder, right, what);
    write_at(path, &file->data[at], 1, at);
}

/* Whether all that could be read before can be read now, unless reading met the damage itself. */
static void count_write(const char *folder, const struct right *right, const char *what)
{
    *shared = (struct shared){0};
    look(SERVE, folder, right);
    struct shared before = *shared;
    int write = look(WRITE, folder, right), serve = look(SERVE, folder, right);
    total.changes++;
    total.crashed += WIFSIGNALED(write);
    total.seen += write != 0;
    for (size_t i = 0; i < right->count; i++)
        if (!WIFSIGNALED(serve) && ((before.readable[0][i] && !shared->readable[0][i]) ||
                                    (before.readable[1][i] && !shared->readable[1][i])))
            wrong("lost by a write", &right->artifacts[i].key, right->artifacts[i].epoch);
    total.wrong += shared->wrong > 0;
    if (shared->wrong > 0)
        printf("wrong: %s: %s\n", what, shared->what);
}

static void flip_values(const char *path, const hpx_buffer *file, const char *folder,
                        const struct right *right, size_t count, const char *store_path)
{
    struct values values = {0};
    find_values(&values, store_path);
    for (size_t i = 0; i < count; i++) {
        char what[128];
        const struct value *value = &values.values[draw(values.count)];
        uint64_t at = draw(value->size);
        snprintf(what, sizeof what, "%s byte %llu of %llu: %s", value->name, (unsigned long long)at,
                 (unsigned long long)value->size, value->key);
        flip(path, file, value->at + at, (unsigned)draw(8), true, folder, right, what);
    }
    printf("%zu values\n", values.count);
    free(values.values);
}

static void flip_pages(const char *path, const hpx_buffer *file, const char *folder,
                       const struct right *right, size_t count, bool writes)
{
    for (size_t i = 0; i < count; i++) {
        char what[128];
        /* Half of them where the structure is: in the head of a page, or in its table of nodes. */
        uint64_t page = draw(file->size / 4096) * 4096;
        uint64_t at = page + draw(draw(2) ? 64 : 4096);
        unsigned bit = (unsigned)draw(8);
        snprintf(what, sizeof what, "bit %u of byte %llu", bit, (unsigned long long)at);
        if (!writes) {
            flip(path, file, at, bit, false, folder, right, what);
            continue;
        }
        uint8_t byte = (uint8_t)(file->data[at] ^ 1u << bit);
        write_at(path, file->data, file->size, 0);
        write_at(path, &byte, 1, at);
        count_write(folder, right, what);
    }
}

static void truncate_all(const char *path, const hpx_buffer *file, const char *folder,
                         const struct right *right, size_t step)
{
    for (uint64_t size = 0; size < file->size; size += step) {
        char what[128];
        snprintf(what, sizeof what, "truncated to %llu bytes", (unsigned long long)size);
        if (truncate(path, (off_t)size) != 0)
            die(path);
        count_look(false, folder, right, what);
        write_at(path, file->data + size, file->size - size, size);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    const char *kind = argv[1], *folder = argv[3];
    size_t count = strtoull(argv[4], NULL, 10);
    struct right right = {.cells = hpx_cell_set_new()};
    hpx_store *store;
    hpx_buffer file = {0};
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    make_new();
    draw_state = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;
    if (shared == MAP_FAILED || hpx_store_open(&store, argv[2], HPX_STORE_READ, &error) ||
        hpx_store_each(store, NULL, learn, &right, &error) || right.count > ARTIFACTS_MAX)
        die(argv[2]);
    hpx_store_close(store);
    char *store_path = hpx_path_join(argv[2], "hpx.mdb"), *path = hpx_path_join(folder, "hpx.mdb");
    if (hpx_make_directories(folder, &error) || hpx_file_read(&file, store_path, SIZE_MAX, &error))
        die(folder);
    write_at(path, file.data, file.size, 0);
    /* That a store is no new one is told by its file of claims. */
    char *claims = hpx_path_join(folder, "hpx.claims");
    write_at(claims, "hpx\n", 4, 0);
    if (strcmp(kind, "values") == 0)
        flip_values(path, &file, folder, &right, count, store_path);
    else if (strcmp(kind, "pages") == 0)
        flip_pages(path, &file, folder, &right, count, false);
    else if (strcmp(kind, "writes") == 0)
        flip_pages(path, &file, folder, &right, count, true);
    else
        truncate_all(path, &file, folder, &right, count);
    printf("%zu changes: %zu seen, %zu of them by a crash of LMDB, %zu wrong, %zu hung\n", total.changes,
           total.seen, total.crashed, total.wrong, total.hung);
    return total.wrong || total.hung || total.unnamed ? 1 : 0;
}
