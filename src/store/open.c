/* Opening a store: its folder, the locks that go with it, LMDB's environment, and the databases. */
#include "internal.h"
#include "lock.h"
#include "pages.h"
#include "record.h"
#include "sealed.h"
#include "transaction.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define FORMAT_VERSION    3 /* the newest one known */
#define FORMAT_MODELS     2 /* of a store without results of programs, which earlier versions read, too */
#define MAP_BYTES_DEFAULT ((size_t)64 << 30)
#define READERS_MAX       512
#define LOCK_FILE_BYTES   ((READERS_MAX + 8) * 64) /* a reader's slot is a cache line */

/* LMDB relies on a shared memory map and on locks of one machine. What is behind FUSE is unknown: often a
 * network. */
static const char *network_file_system(const char *directory)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } known[] = {
        {0x6969, "NFS"},          {0x517b, "SMB"},        {0xff534d42, "CIFS"},  {0xfe534d42, "SMB"},
        {0x0bd00bd0, "Lustre"},   {0x47504653, "GPFS"},   {0x00c36400, "Ceph"},  {0x5346414f, "AFS"},
        {0x6b414653, "AFS"},      {0x73757245, "Coda"},   {0x564c, "NCP"},       {0x19830326, "BeeGFS"},
        {0x01021997, "9P"},       {0x013111a8, "IBRIX"},  {0xaad7aaea, "PanFS"}, {0x65735546, "FUSE"},
        {0x6a656a63, "virtiofs"}, {0x786f4256, "vboxsf"}, {0x7461636f, "OCFS2"}, {0x01161970, "GFS2"},
    };
    struct statfs info;
    if (statfs(directory, &info) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((unsigned long)info.f_type == known[i].magic)
            return known[i].name;
    return NULL;
}

static hpx_status map_bytes(size_t *out, hpx_error *error)
{
    *out = MAP_BYTES_DEFAULT;
    const char *text = getenv("HPX_MAP_SIZE");
    uint64_t bytes;
    if (!text || !*text)
        return HPX_OK;
    if (!hpx_parse_u64(&bytes, text) || bytes < (1u << 20))
        return hpx_error_set(error, HPX_USAGE, "HPX_MAP_SIZE=%s: expected a number of bytes, 1048576 or more",
                             text);
    *out = (size_t)bytes & ~(size_t)4095;
    return HPX_OK;
}

/* A truncated data file gives SIGBUS when a lost page is read: compare its size with what the meta page
 * says. */
static hpx_status check_size(hpx_store *store, hpx_error *error)
{
    MDB_envinfo info;
    MDB_stat pages;
    struct stat file;
    mdb_env_info(store->env, &info);
    mdb_env_stat(store->env, &pages);
    if (stat(store->path, &file) != 0)
        return hpx_error_errno(error, "%s", store->path);
    uint64_t expected = (uint64_t)(info.me_last_pgno + 1) * pages.ms_psize;
    if (info.me_last_txnid > 0 && (uint64_t)file.st_size < expected)
        return hpx_error_set(error, HPX_DAMAGED,
                             "%s: truncated: %llu bytes of %llu; `hpx verify` says what is lost", store->path,
                             (unsigned long long)file.st_size, (unsigned long long)expected);
    return HPX_OK;
}

/* A store without any database is one that nobody has written to yet. */
static hpx_status is_empty(bool *empty, hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    MDB_dbi names;
    MDB_stat info;
    int code = mdb_dbi_open(txn, NULL, 0, &names);
    if (code == 0)
        code = mdb_stat(txn, names, &info);
    *empty = code == 0 && info.ms_entries == 0;
    return code == 0 ? HPX_OK : hpx_lmdb_failed(store, code, error);
}

static hpx_status check_format(hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    struct key key = {.bytes = "format", .size = 6};
    const uint8_t *payload;
    size_t size;
    hpx_status status = hpx_get_sealed(&payload, &size, store, txn, DB_META, &key, error);
    if (status == HPX_NOT_FOUND)
        return hpx_error_set(error, HPX_DAMAGED, "%s: the format version is damaged", store->path);
    store->format = !status && size == 4 ? hpx_load_u32(payload) : 0;
    if (!status && (store->format == 0 || store->format > FORMAT_VERSION))
        return hpx_error_set(error, HPX_USAGE,
                             "%s: written by a newer hpx (format %u, this one knows up to %d); use that one",
                             store->path, store->format, FORMAT_VERSION);
    return status;
}

static hpx_status put_format(hpx_store *store, MDB_txn *txn, uint8_t format, hpx_error *error)
{
    const struct key key = {.bytes = "format", .size = 6};
    const uint8_t version[4] = {format};
    return hpx_put_sealed(store, txn, DB_META, &key, version, sizeof version, error);
}

hpx_status hpx_take_programs(hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    const uint32_t known = store->format;
    hpx_status status = check_format(store, txn, error); /* another process may have raised it */
    if (!status && store->format >= FORMAT_MODELS && store->format < FORMAT_VERSION)
        status = put_format(store, txn, FORMAT_VERSION, error);
    store->format = known;
    return status;
}

/* A process that has the store open may write records of its own format: nobody else may, then. */
static hpx_status upgrade(hpx_store *store, MDB_txn *txn, hpx_error *error)
{
    if (store->format >= FORMAT_MODELS || !store->alone)
        return HPX_OK;
    hpx_status status = hpx_upgrade_format_1(store, txn, error);
    if (!status)
        status = put_format(store, txn, FORMAT_MODELS, error);
    if (!status)
        store->format = FORMAT_MODELS;
    return status;
}

/* Opens the databases in a transaction. *complete false when younger ones are missing. */
static int open_all(bool *complete, hpx_store *store, MDB_txn *txn, unsigned flags)
{
    int code = 0;
    *complete = true;
    for (int db = 0; db < DATABASES && code == 0; db++) {
        code = mdb_dbi_open(txn, hpx_database_names[db], flags, &store->databases[db]);
        store->lacks[db] = code == MDB_NOTFOUND && db >= DB_YOUNGER;
        if (store->lacks[db])
            code = 0;
        *complete = *complete && !store->lacks[db];
    }
    return code;
}

/* Makes the databases of a new store, and those that an older one lacks, and upgrades that. */
static hpx_status make_databases(hpx_store *store, hpx_error *error)
{
    MDB_txn *txn;
    bool empty, complete;
    hpx_status status = hpx_begin_write(&txn, store, error);
    if (status)
        return status;
    status = is_empty(&empty, store, txn, error); /* another process may have been faster */
    if (!status) {
        int code = open_all(&complete, store, txn, MDB_CREATE);
        status = code == 0 ? HPX_OK : hpx_lmdb_failed(store, code, error);
    }
    if (!status)
        status = empty ? put_format(store, txn, FORMAT_MODELS, error) : HPX_OK;
    if (!status)
        status = check_format(store, txn, error);
    if (!status)
        status = upgrade(store, txn, error);
    return hpx_end_write(store, txn, status, error);
}

/* *complete false when there are none, or younger ones are missing. */
static hpx_status find_databases(bool *complete, hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    MDB_txn *txn;
    bool empty;
    *complete = false;
    hpx_status status = hpx_begin_read(&txn, store, error);
    if (status)
        return status;
    status = is_empty(&empty, store, txn, error);
    if (!status && empty && mode != HPX_STORE_WRITE)
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: an empty store", store->directory);
    if (!status && !empty) {
        int code = open_all(complete, store, txn, 0);
        status = code == 0 ? HPX_OK : hpx_lmdb_failed(store, code, error);
        if (!status && mode != HPX_STORE_CHECK)
            status = check_format(store, txn, error);
    }
    hpx_end_read(store, txn);
    return status;
}

/* A guest that writes has two environments. In both the databases are opened in one order, so that a handle
 * is the same number. */
static hpx_status open_databases(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    bool complete, two = store->writing && store->writing != store->env;
    hpx_status status = two ? make_databases(store, error) : HPX_OK;
    if (!status)
        status = find_databases(&complete, store, mode, error);
    if (status || mode != HPX_STORE_WRITE || (complete && (store->format >= FORMAT_MODELS || !store->alone)))
        return status;
    return make_databases(store, error);
}

static hpx_broken_fn *broken;

void hpx_store_on_broken(hpx_broken_fn *handler)
{
    broken = handler;
}

static void assertion_failed(MDB_env *env, const char *what)
{
    const char *path = "";
    char text[1024];
    mdb_env_get_path(env, &path);
    snprintf(text, sizeof text, "%s: the structure is damaged (LMDB: %s)", path, what);
    if (broken)
        broken(text);
    abort();
}

/* A failed mdb_env_open leaves an environment that can only be closed, so every attempt makes its own. */
static int try_open(MDB_env **env, const hpx_store *store, size_t map, unsigned flags)
{
    int code = mdb_env_create(env);
    if (code != 0)
        return code;
    code = mdb_env_set_assert(*env, assertion_failed);
    if (code == 0)
        code = mdb_env_set_maxdbs(*env, DATABASES);
    if (code == 0)
        code = mdb_env_set_maxreaders(*env, READERS_MAX);
    if (code == 0)
        code = mdb_env_set_mapsize(*env, map);
    if (code == 0)
        code = mdb_env_open(*env, store->path, flags | MDB_NOSUBDIR | MDB_NOTLS, 0666);
    if (code != 0) {
        mdb_env_close(*env);
        *env = NULL;
    }
    return code;
}

/* LMDB writes to its lock file through a shared map: on a full disk the first touch of a page would be a
 * SIGBUS. So the file gets its blocks before it is mapped. What else is wrong with it, LMDB finds out. */
static hpx_status allocate_locks(bool *writable, hpx_store *store, hpx_error *error)
{
    int fd = open(store->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666), code = 0;
    *writable = fd >= 0;
    if (fd < 0)
        return HPX_OK;
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOCK_FILE_BYTES) != 0)
        code = errno;
    hpx_leave_to_owner(store, fd);
    close(fd);
    return code == ENOSPC ? hpx_lmdb_failed(store, code, error) : HPX_OK;
}

/* LMDB locks the byte of the process number with the first transaction that reads. In another container a
 * process may have the same one. */
static int take_place(MDB_env *env)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (code == 0)
        mdb_txn_abort(txn);
    return code;
}

/* With LMDB's lock file where that is possible, else as a guest. */
static int open_environments(hpx_store *store, size_t map, hpx_store_mode mode, bool lock_file)
{
    const bool writes = mode == HPX_STORE_WRITE;
    int code = 0;
    store->guest = !lock_file && !writes;
    if (!store->guest) {
        code = try_open(&store->env, store, map, writes ? 0 : MDB_RDONLY);
        store->writing = writes ? store->env : NULL;
        if (code == 0)
            code = take_place(store->env);
        store->guest = code == EAGAIN || code == EACCES;
    }
    if (!store->guest)
        return code == MDB_MAP_RESIZED ? 0 : code;
    if (store->env && !writes)
        mdb_env_close(store->env);
    store->env = NULL;
    return try_open(&store->env, store, map, MDB_RDONLY | MDB_NOLOCK);
}

static hpx_status open_environment(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    size_t map;
    bool lock_file;
    hpx_status status = map_bytes(&map, error);
    if (!status)
        status = allocate_locks(&lock_file, store, error);
    if (status)
        return status;
    int code = open_environments(store, map, mode, lock_file);
    if (code == ENOMEM)
        return hpx_error_set(
            error, HPX_FAILED,
            "%s: out of memory, or of address space for a map of %zu bytes; set HPX_MAP_SIZE lower",
            store->path, map);
    if (code != 0)
        return hpx_lmdb_failed(store, code, error);
    if (store->writing || !store->guest) {
        int dead, file;
        mdb_reader_check(store->writing ? store->writing : store->env, &dead);
        mdb_env_get_fd(store->writing ? store->writing : store->env, &file);
        hpx_leave_to_owner(store, file);
        status = hpx_share_lock_file(store, error);
    }
    return status || mode == HPX_STORE_CHECK ? status : check_size(store, error);
}

/* Whether a short file is the beginning of one of LMDB's: the number of its first page, 0. Others are not
 * touched. */
static bool begins_as_ours(const char *path)
{
    uint8_t number[8] = {0}, zero[8] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ours = fd >= 0 && read(fd, number, sizeof number) >= 0 && memcmp(number, zero, sizeof zero) == 0;
    if (fd >= 0)
        close(fd);
    return ours;
}

/* LMDB begins a file with one write of two pages, and refuses for ever what a fault has left shorter. */
static hpx_status check_beginning(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    struct stat file;
    if (stat(store->path, &file) != 0 || file.st_size >= 2 * sysconf(_SC_PAGESIZE))
        return HPX_OK;
    if (hpx_is_made(store))
        return hpx_error_set(error, HPX_DAMAGED, "%s: truncated: %llu bytes; nothing is left in it",
                             store->path, (unsigned long long)file.st_size);
    if (!begins_as_ours(store->path))
        return HPX_OK; /* LMDB will refuse it */
    if (mode != HPX_STORE_WRITE)
        return hpx_error_set(error, HPX_NOT_FOUND, "%s: an empty store", store->directory);
    /* Its making did not end. */
    return truncate(store->path, 0) == 0 ? HPX_OK : hpx_error_errno(error, "%s", store->path);
}

static void note_fault(void *context, const char *what)
{
    char **first = context;
    if (!*first)
        *first = hpx_strdup(what);
}

static hpx_status check_structure(hpx_store *store, hpx_error *error)
{
    char *fault = NULL;
    hpx_status status = hpx_check_pages(store, note_fault, &fault, error);
    if (!status && fault)
        status =
            hpx_error_set(error, HPX_DAMAGED, "%s: %s; `hpx verify` says what is lost", store->path, fault);
    free(fault);
    return status;
}

static hpx_status open_files(hpx_store *store, hpx_store_mode mode, hpx_error *error)
{
    hpx_status status = check_beginning(store, mode, error);
    if (!status)
        status = open_environment(store, mode, error);
    if (!status && store->checked)
        status = check_structure(store, error);
    return status ? status : open_databases(store, mode, error);
}

static hpx_status make_files(hpx_store *store, hpx_error *error)
{
    hpx_status status = hpx_begin_making(store, error);
    if (status)
        return status;
    status = open_files(store, HPX_STORE_WRITE, error);
    hpx_end_making(store, status == HPX_OK);
    return status;
}

/* The names of the files. A data file that is a link has its locks beside what it links to. */
static void name_files(hpx_store *store, const char *directory)
{
    struct stat file;
    store->path = hpx_path_join(directory, DATA_FILE);
    char *real = lstat(store->path, &file) == 0 && S_ISLNK(file.st_mode) ? hpx_path_real(store->path) : NULL;
    if (real) {
        free(store->path);
        store->path = real;
    }
    store->directory = real ? hpx_path_directory(real) : hpx_strdup(directory);
    store->lock_path = hpx_format("%s-lock", store->path);
}

void hpx_close_environments(hpx_store *store)
{
    if (store->writing && store->writing != store->env)
        mdb_env_close(store->writing);
    if (store->env)
        mdb_env_close(store->env);
    store->env = store->writing = NULL;
}

/* Opens the store once, while no other process has it open. */
static hpx_status upgrade_alone(const char *directory, hpx_error *error)
{
    hpx_store *store;
    hpx_status status = hpx_open_locked(&store, directory, HPX_STORE_WRITE, true, false, error);
    if (!status)
        hpx_store_close(store);
    else if (status == HPX_FAILED)
        hpx_error_prefix(error, "cannot upgrade the store to format %d", FORMAT_MODELS);
    return status;
}

hpx_status hpx_open_locked(hpx_store **out, const char *directory, hpx_store_mode mode, bool alone,
                           bool checked, hpx_error *error)
{
    *out = NULL;
    hpx_store *store = hpx_alloc(sizeof *store);
    store->cells = hpx_cell_set_new();
    store->claims = -1;
    store->alone = alone;
    store->checked = checked;
    name_files(store, directory);
    hpx_status status = HPX_OK;
    if (mode != HPX_STORE_WRITE && !hpx_path_exists(store->path))
        status = hpx_error_set(error, HPX_NOT_FOUND, "%s: no store here", directory);
    else if (mode == HPX_STORE_WRITE)
        status = hpx_make_directories(directory, error);
    const char *network = status ? NULL : network_file_system(store->directory);
    if (network)
        status =
            hpx_error_set(error, HPX_FAILED,
                          "%s: a store cannot live on a network file system (%s); name a local folder with "
                          "--store or HPX_STORE",
                          directory, network);
    if (!status)
        status = hpx_open_claims(store, mode, alone, error);
    if (!status && mode == HPX_STORE_WRITE && !hpx_is_made(store))
        status = make_files(store, error);
    else if (!status)
        status = open_files(store, mode, error);
    const bool older = !status && mode == HPX_STORE_WRITE && store->format < FORMAT_MODELS;
    if (status || older)
        hpx_store_close(store);
    else
        *out = store;
    if (!older)
        return status;
    status = upgrade_alone(directory, error);
    return status ? status : hpx_open_locked(out, directory, mode, alone, checked, error);
}

/* Whether all files of the store may be written to, and those made that are not there. */
static bool may_write(const char *directory)
{
    static const char *const files[] = {DATA_FILE, DATA_FILE "-lock", "hpx.claims", "blobs"};
    bool may = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && may; i++) {
        char *path = hpx_path_join(directory, files[i]);
        const char *what = hpx_path_exists(path) ? path : directory;
        may = faccessat(AT_FDCWD, what, W_OK, AT_EACCESS) == 0;
        free(path);
    }
    return may;
}

static hpx_status open_store(hpx_store **out, const char *directory, hpx_store_mode mode, bool checked,
                             hpx_error *error)
{
    if (mode == HPX_STORE_WRITE_OR_READ)
        mode = hpx_store_exists(directory) && !may_write(directory) ? HPX_STORE_READ : HPX_STORE_WRITE;
    return hpx_open_locked(out, directory, mode, false, checked, error);
}

hpx_status hpx_store_open(hpx_store **out, const char *directory, hpx_store_mode mode, hpx_error *error)
{
    return open_store(out, directory, mode, false, error);
}

hpx_status hpx_store_open_checked(hpx_store **out, const char *directory, hpx_store_mode mode,
                                  hpx_error *error)
{
    return open_store(out, directory, mode, true, error);
}

bool hpx_store_is_writable(const hpx_store *store)
{
    return store->writing;
}

uint64_t hpx_store_changes(const hpx_store *store)
{
    MDB_envinfo info;
    mdb_env_info(store->env, &info);
    return info.me_last_txnid;
}

bool hpx_store_exists(const char *directory)
{
    char *path = hpx_path_join(directory, DATA_FILE);
    bool exists = hpx_path_exists(path);
    free(path);
    return exists;
}

void hpx_store_close(hpx_store *store)
{
    if (!store)
        return;
    hpx_close_environments(store);
    if (store->claims >= 0) {
        hpx_clear_name(store);
        close(store->claims);
    }
    for (size_t i = 0; i < store->reported_count; i++)
        free(store->reported[i]);
    free(store->reported);
    free(store->leaving);
    hpx_pages_free(store->pages);
    hpx_cell_set_free(store->cells);
    free(store->directory);
    free(store->path);
    free(store->lock_path);
    free(store);
}

void hpx_store_on_damage(hpx_store *store, hpx_damage_fn *damaged, void *context)
{
    store->damaged = damaged;
    store->damaged_context = context;
}

void hpx_store_on_remark(hpx_store *store, hpx_damage_fn *remark, void *context)
{
    store->remark = remark;
    store->remark_context = context;
}

void hpx_store_set_judge(hpx_store *store, const hpx_store_judge *judge)
{
    store->judge = judge;
}

const char *hpx_store_directory(const hpx_store *store)
{
    return store->directory;
}
