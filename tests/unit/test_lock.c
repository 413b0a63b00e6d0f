/* Locks: who waits for whom, in words; turns; readers without a place; one data file under two names. */
#include "store/internal.h"
#include "store/lock.h"
#include "store/sealed.h"
#include "store/transaction.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "store/space.h"

#include "../helper/helper.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder;
static hpx_error error;
static char said[HPX_ERROR_BYTES];
static volatile sig_atomic_t interrupt;

static void note(const char *text)
{
    snprintf(said, sizeof said, "%s", text);
}

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    *said = 0;
    interrupt = 0;
    hpx_store_on_wait(note, &interrupt);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static hpx_store *open_store(const char *directory, hpx_store_mode mode)
{
    hpx_store *store;
    expect_ok(hpx_store_open(&store, directory, mode, &error), &error);
    return store;
}

static hpx_hash key_of(uint8_t first)
{
    return (hpx_hash){{first, 1, 2, 3}};
}

static hpx_status pin(hpx_store *store, uint8_t first)
{
    hpx_hash key = key_of(first);
    return hpx_store_pin(store, &key, true, &error);
}

static bool is_pinned(hpx_store *store, uint8_t first)
{
    bool pinned;
    hpx_hash key = key_of(first);
    expect_ok(hpx_store_is_pinned(&pinned, store, &key, &error), &error);
    return pinned;
}

/* Another process that has the store open, does something, says so, and waits to be told to end. */
struct other {
    pid_t pid;
    int say, told;
};

typedef void other_fn(hpx_store *store);

static struct other start(other_fn *act, hpx_store_mode mode)
{
    int say[2], told[2];
    char byte;
    assert_int_equal(pipe(say), 0);
    assert_int_equal(pipe(told), 0);
    struct other other = {.pid = fork(), .say = say[0], .told = told[1]};
    if (other.pid == 0) {
        hpx_store *store;
        close(told[1]);
        if (hpx_store_open(&store, folder, mode, &error) == HPX_OK) {
            act(store);
            if (write(say[1], "", 1) == 1 && read(told[0], &byte, 1) < 0)
                _exit(1);
        }
        _exit(0); /* with whatever it holds */
    }
    close(say[1]);
    close(told[0]);
    assert_int_equal(read(other.say, &byte, 1), 1);
    return other;
}

static void end(struct other *other)
{
    close(other->told);
    close(other->say);
    assert_int_equal(waitpid(other->pid, NULL, 0), other->pid);
}

static void expect_said(const struct other *other)
{
    char *pid = hpx_format("pid %ld, since 20", (long)other->pid);
    expect_contains(said, "waiting for test_lock (");
    expect_contains(said, pid);
    free(pid);
}

static void write_on(hpx_store *store)
{
    MDB_txn *txn;
    if (hpx_begin_write(&txn, store, &error) != HPX_OK)
        _exit(1);
}

static void end_soon(struct other *other)
{
    if (fork() == 0) {
        usleep(1300000);
        kill(other->pid, SIGKILL);
        _exit(0);
    }
}

static void test_writer_is_named(void **state)
{
    (void)state;
    struct other other = start(write_on, HPX_STORE_WRITE);
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    end_soon(&other);
    expect_ok(pin(store, 1), &error); /* once the other is dead */
    expect_said(&other);
    expect_contains(said, "whose turn it is");
    assert_true(is_pinned(store, 1));
    hpx_store_close(store);
    end(&other);
    wait(NULL);
}

/* A store of format 1, which is what it says. */
static void make_older(void)
{
    static const uint8_t version[] = {1, 0, 0, 0};
    MDB_txn *txn;
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    const struct key key = {.bytes = "format", .size = 6};
    expect_ok(hpx_begin_write(&txn, store, &error), &error);
    expect_ok(hpx_put_sealed(store, txn, DB_META, &key, version, sizeof version, &error), &error);
    expect_ok(hpx_end_write(store, txn, HPX_OK, &error), &error);
    hpx_store_close(store);
}

static void only_reads(hpx_store *store)
{
    if (store->format != 1)
        _exit(1);
}

/* Who has it open may be an hpx of before, which would go on in its own format. */
static void test_upgrade_is_alone(void **state)
{
    (void)state;
    hpx_store *store;
    make_older();
    struct other other = start(only_reads, HPX_STORE_READ);
    assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), HPX_FAILED);
    expect_contains(error.message, "cannot upgrade the store to format 2: ");
    expect_contains(error.message, "in use by ");
    end(&other);
    store = open_store(folder, HPX_STORE_READ);
    assert_int_equal(store->format, 1);
    hpx_store_close(store);
    store = open_store(folder, HPX_STORE_WRITE);
    assert_int_equal(store->format, 2);
    assert_false(store->alone);
    hpx_store_close(store);
}

static void test_interrupted_wait(void **state)
{
    (void)state;
    struct other other = start(write_on, HPX_STORE_WRITE);
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    interrupt = 1;
    double start = hpx_clock_seconds();
    assert_int_equal(pin(store, 1), HPX_INTERRUPTED);
    expect_contains(error.message, "interrupted while waiting for test_lock (");
    assert_true(hpx_clock_seconds() - start > 0.9); /* what is nearly done is not given up */
    assert_true(hpx_clock_seconds() - start < 30);
    end(&other);
    expect_ok(pin(store, 1), &error);
    hpx_store_close(store);
}

static void test_readers_do_not_wait_for_a_writer(void **state)
{
    (void)state;
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    expect_ok(pin(store, 1), &error);
    struct other other = start(write_on, HPX_STORE_WRITE);
    assert_true(is_pinned(store, 1));
    assert_string_equal(said, "");
    end(&other);
    hpx_store_close(store);
}

static void claim_one(hpx_store *store)
{
    bool claimed;
    hpx_hash key = key_of(7);
    if (hpx_store_claim(&claimed, store, &key, &error) != HPX_OK || !claimed)
        _exit(1);
}

static void test_claimant(void **state)
{
    (void)state;
    bool claimed;
    hpx_hash key = key_of(7), free_key = key_of(8);
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    assert_null(hpx_store_claimant(store, &key));
    struct other other = start(claim_one, HPX_STORE_WRITE);
    expect_ok(hpx_store_claim(&claimed, store, &key, &error), &error);
    assert_false(claimed);
    char *who = hpx_store_claimant(store, &key), *pid = hpx_format("pid %ld,", (long)other.pid);
    expect_contains(who, pid);
    assert_null(hpx_store_claimant(store, &free_key));
    end(&other);
    assert_null(hpx_store_claimant(store, &key));
    free(pid);
    free(who);
    hpx_store_close(store);
}

/* Ctrl-Z takes effect behind the turn. */
static void test_no_stop_in_a_turn(void **state)
{
    (void)state;
    MDB_txn *txn;
    sigset_t signals;
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    expect_ok(hpx_begin_write(&txn, store, &error), &error);
    pthread_sigmask(SIG_BLOCK, NULL, &signals);
    assert_int_equal(sigismember(&signals, SIGTSTP), 1);
    expect_ok(hpx_end_write(store, txn, HPX_OK, &error), &error);
    pthread_sigmask(SIG_BLOCK, NULL, &signals);
    assert_int_equal(sigismember(&signals, SIGTSTP), 0);
    hpx_store_close(store);
}

/* Takes, like a process of the same number in another container, the lock that LMDB takes for readers. */
static void take_number_of_parent(hpx_store *store)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = getppid(), .l_len = 1};
    int file = open(store->lock_path, O_RDWR | O_CLOEXEC);
    if (fcntl(file, F_SETLK, &lock) != 0)
        _exit(1);
}

static void test_equal_numbers(void **state)
{
    (void)state;
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    expect_ok(pin(store, 1), &error);
    hpx_store_close(store);
    struct other other = start(take_number_of_parent, HPX_STORE_WRITE);
    store = open_store(folder, HPX_STORE_WRITE);
    assert_true(store->guest);
    assert_true(is_pinned(store, 1));
    expect_ok(pin(store, 2), &error);
    assert_true(is_pinned(store, 2));
    hpx_store_close(store);
    store = open_store(folder, HPX_STORE_READ);
    assert_true(store->guest);
    assert_true(is_pinned(store, 2));
    hpx_store_close(store);
    end(&other);
}

static void read_as_guest(hpx_store *store)
{
    MDB_txn *txn;
    if (!store->guest || hpx_begin_read(&txn, store, &error) != HPX_OK)
        _exit(1);
}

/* A guest keeps nobody from reading, and writers only as long as it reads. */
static void test_guest_excludes_writers(void **state)
{
    (void)state;
    char *lock = hpx_path_join(folder, DATA_FILE "-lock");
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    expect_ok(pin(store, 1), &error);
    hpx_store_close(store);
    /* Nobody may open this one for writing, root neither. */
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(symlink("/dev/null", lock), 0);
    struct other other = start(read_as_guest, HPX_STORE_READ);
    assert_int_equal(unlink(lock), 0);
    store = open_store(folder, HPX_STORE_WRITE);
    interrupt = 1;
    assert_true(is_pinned(store, 1));
    assert_int_equal(pin(store, 2), HPX_INTERRUPTED);
    end(&other);
    expect_ok(pin(store, 2), &error);
    hpx_store_close(store);
    free(lock);
}

static void test_read_only_refuses_to_write(void **state)
{
    (void)state;
    bool claimed;
    hpx_hash key = key_of(1);
    hpx_store_close(open_store(folder, HPX_STORE_WRITE));
    hpx_store *store = open_store(folder, HPX_STORE_READ);
    assert_false(hpx_store_is_writable(store));
    assert_int_equal(pin(store, 1), HPX_FAILED);
    expect_contains(error.message, "this store can only be read");
    assert_int_equal(hpx_store_claim(&claimed, store, &key, &error), HPX_FAILED);
    assert_false(claimed);
    hpx_store_close(store);
}

static void test_deleted_meanwhile(void **state)
{
    (void)state;
    char *data = hpx_path_join(folder, DATA_FILE), *elsewhere = hpx_path_join(folder, "elsewhere");
    hpx_store *store = open_store(folder, HPX_STORE_WRITE);
    expect_ok(pin(store, 1), &error);
    assert_int_equal(rename(data, elsewhere), 0);
    assert_int_equal(pin(store, 2), HPX_FAILED);
    expect_contains(error.message, "deleted, moved or replaced");
    assert_int_equal(hpx_store_is_there(store, &error), HPX_FAILED);
    assert_int_equal(rename(elsewhere, data), 0);
    expect_ok(pin(store, 2), &error);
    hpx_store_close(store);
    free(elsewhere);
    free(data);
}

/* A second folder whose data file is the first one's. */
static char *make_second(int (*join)(const char *from, const char *to))
{
    char *second = hpx_path_join(folder, "second"), *from = hpx_path_join(folder, DATA_FILE),
         *to = hpx_path_join(second, DATA_FILE);
    assert_int_equal(mkdir(second, 0777), 0);
    assert_int_equal(join(from, to), 0);
    free(from);
    free(to);
    return second;
}

static void test_symbolic_link(void **state)
{
    (void)state;
    hpx_store_close(open_store(folder, HPX_STORE_WRITE));
    char *second = make_second(symlink), *own = hpx_path_join(second, "hpx.claims");
    struct other other = start(claim_one, HPX_STORE_WRITE);
    hpx_store *store = open_store(second, HPX_STORE_WRITE);
    hpx_hash key = key_of(7);
    char *who = hpx_store_claimant(store, &key);
    assert_non_null(who);
    assert_false(hpx_path_exists(own));
    hpx_store_close(store);
    end(&other);
    free(who);
    free(own);
    free(second);
}

static void test_hard_link(void **state)
{
    (void)state;
    hpx_store *store;
    hpx_store_close(open_store(folder, HPX_STORE_WRITE));
    char *second = make_second(link);
    struct other other = start(claim_one, HPX_STORE_WRITE);
    assert_int_equal(hpx_store_open(&store, second, HPX_STORE_WRITE, &error), HPX_FAILED);
    expect_contains(error.message, "in use under another name");
    end(&other);
    hpx_store_close(open_store(second, HPX_STORE_WRITE)); /* one after the other is fine */
    free(second);
}

/* In place of the C library's: what the folder is on. */
static long file_system;

int statfs(const char *path, struct statfs *out)
{
    (void)path;
    *out = (struct statfs){.f_type = file_system};
    return 0;
}

static void test_network_file_systems(void **state)
{
    (void)state;
    static const struct {
        long magic;
        const char *name;
    } cases[] = {{0x6969, "NFS"}, {0x65735546, "FUSE"}, {0x6a656a63, "virtiofs"}, {0xff534d42, "CIFS"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hpx_store *store;
        file_system = cases[i].magic;
        assert_int_equal(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), HPX_FAILED);
        expect_contains(error.message, "a store cannot live on a network file system");
        expect_contains(error.message, cases[i].name);
    }
    file_system = 0xef53; /* ext4 */
    hpx_store_close(open_store(folder, HPX_STORE_WRITE));
}

static void test_root_leaves_files_to_their_owner(void **state)
{
    (void)state;
    static const char *const names[] = {DATA_FILE, DATA_FILE "-lock", "hpx.claims"};
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(folder, 65534, 65534), 0);
    hpx_store_close(open_store(folder, HPX_STORE_WRITE));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct stat file;
        char *path = hpx_path_join(folder, names[i]);
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_uid, 65534);
        assert_int_equal(file.st_gid, 65534);
        free(path);
    }
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_writer_is_named),
        WITH_FOLDER(test_upgrade_is_alone),
        WITH_FOLDER(test_interrupted_wait),
        WITH_FOLDER(test_readers_do_not_wait_for_a_writer),
        WITH_FOLDER(test_claimant),
        WITH_FOLDER(test_no_stop_in_a_turn),
        WITH_FOLDER(test_equal_numbers),
        WITH_FOLDER(test_guest_excludes_writers),
        WITH_FOLDER(test_read_only_refuses_to_write),
        WITH_FOLDER(test_deleted_meanwhile),
        WITH_FOLDER(test_symbolic_link),
        WITH_FOLDER(test_hard_link),
        WITH_FOLDER(test_network_file_systems),
        WITH_FOLDER(test_root_leaves_files_to_their_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
