/* Eight writers, four readers and a collector on one store; every 100 ms one of them, drawn at random, is
 * killed and started again. Half of a writer's 500 numbers are shared by all. When one has put all it has, it
 * puts the next epoch of each. What was acknowledged is noted in a file per writer, after the put has
 * returned; at the end all of that must be there.
 *
 *     fault_storm FOLDER SECONDS SEED HPX
 *
 * The last line of output is "KILLS kills, ACKNOWLEDGED acknowledged, READS reads, LOST lost, WRONG wrong,
 * CRASHES crashes". */
#include "numbered.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 8, READERS = 4, COLLECTOR = WRITERS + READERS, PROCESSES, PUTS = 500, SHARED = PUTS / 2 };
#define KILL_NS 100000000

static const char *folder, *hpx;
static char *store_folder;
static hpx_error error;

static struct shared {
    atomic_ulong reads, wrong, failed, collections;
} * shared;

/* SplitMix64: G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t draw_state;

static uint64_t draw(uint64_t bound)
{
    uint64_t z = draw_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % bound;
}

static uint64_t number_of(int writer, uint64_t index)
{
    return index < SHARED ? index : 1000 * (uint64_t)(writer + 1) + index;
}

static size_t size_of(uint64_t number)
{
    return number % 50 == 0 ? 1100000 : 200 + number * 37 % 20 * 1000; /* some are files */
}

struct acknowledged {
    uint64_t number;
    uint32_t epoch, padding;
};

static char *acknowledged_path(int writer)
{
    return hpx_format("%s/acknowledged-%d", folder, writer);
}

static hpx_store *open_store(hpx_store_mode mode)
{
    hpx_store *store;
    hpx_status status = hpx_store_open(&store, store_folder, mode, &error);
    if (status == HPX_OK)
        return store;
    if (status != HPX_NOT_FOUND) {
        fprintf(stderr, "open: %s\n", error.message);
        atomic_fetch_add(&shared->failed, 1);
    }
    _exit(1);
}

/* Each has an order of its own: 211 and 500 have no common factor. */
static void write_for_ever(int writer)
{
    hpx_store *store = open_store(HPX_STORE_WRITE);
    char *path = acknowledged_path(writer);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    struct stat file;
    if (fd < 0 || fstat(fd, &file) != 0 || numbered_records(store, &error))
        _exit(1);
    for (uint64_t done = (uint64_t)file.st_size / sizeof(struct acknowledged);; done++) {
        uint64_t number = number_of(writer, (done * 211 + (uint64_t)writer * 61) % PUTS);
        struct acknowledged put = {.number = number, .epoch = (uint32_t)(done / PUTS) + 1};
        if (numbered_put(store, number, put.epoch, size_of(number), &error)) {
            fprintf(stderr, "put: %s\n", error.message);
            atomic_fetch_add(&shared->failed, 1);
            _exit(1);
        }
        if (write(fd, &put, sizeof put) != sizeof put)
            _exit(1);
    }
}

static void read_for_ever(void)
{
    hpx_store *store = open_store(HPX_STORE_READ);
    for (;;) {
        uint64_t number = number_of((int)draw(WRITERS), draw(PUTS));
        uint32_t epoch = 1 + (uint32_t)draw(3);
        numbered_state state = numbered_check(store, number, epoch, size_of(number), &error);
        atomic_fetch_add(&shared->reads, 1);
        if (state == NUMBERED_WRONG) {
            fprintf(stderr, "wrong: %" PRIu64 " epoch %u\n", number, epoch);
            atomic_fetch_add(&shared->wrong, 1);
        } else if (state == NUMBERED_FAILED) {
            fprintf(stderr, "read: %s\n", error.message);
            atomic_fetch_add(&shared->failed, 1);
        }
    }
}

static void collect(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    usleep(50000);
    bool compact = atomic_fetch_add(&shared->collections, 1) % 4 == 3;
    if (compact)
        dup2(null, STDERR_FILENO); /* that the store is in use */
    execl(hpx, "hpx", "gc", "--store", store_folder, "-q", compact ? "--compact" : NULL, (char *)NULL);
    _exit(127);
}

static pid_t start(int process)
{
    uint64_t seed = draw(UINT64_MAX);
    pid_t child = fork();
    if (child != 0)
        return child;
    draw_state = seed;
    if (process < WRITERS)
        write_for_ever(process);
    else if (process < COLLECTOR)
        read_for_ever();
    else
        collect();
    _exit(0);
}

/* Whether this end of a process is one of those that may be: a kill; a reader before there is a store; the
 * collector when it is done, or could not compact. */
static bool is_expected(int process, int how)
{
    if (WIFSIGNALED(how))
        return WTERMSIG(how) == SIGKILL;
    return process >= WRITERS && (WEXITSTATUS(how) == 0 || WEXITSTATUS(how) == 1);
}

static size_t crashes;

static void reap(pid_t *pids)
{
    int how;
    pid_t ended;
    while ((ended = waitpid(-1, &how, WNOHANG)) > 0)
        for (int i = 0; i < PROCESSES; i++)
            if (pids[i] == ended) {
                if (!is_expected(i, how)) {
                    fprintf(stderr, "process %d ended with wait status %d\n", i, how);
                    crashes++;
                }
                pids[i] = start(i);
            }
}

static size_t storm(double seconds)
{
    pid_t pids[PROCESSES];
    size_t kills = 0;
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = start(i);
    for (double end = hpx_clock_seconds() + seconds; hpx_clock_seconds() < end; kills++) {
        nanosleep(&(struct timespec){.tv_nsec = KILL_NS}, NULL);
        reap(pids);
        kill(pids[draw(PROCESSES)], SIGKILL);
        usleep(1000);
        reap(pids);
    }
    for (int i = 0; i < PROCESSES; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    return kills;
}

static void check_acknowledged(size_t *count, size_t *lost, size_t *wrong)
{
    hpx_store *store;
    if (hpx_store_open(&store, store_folder, HPX_STORE_READ, &error)) {
        fprintf(stderr, "%s\n", error.message);
        ++*lost;
        return;
    }
    for (int writer = 0; writer < WRITERS; writer++) {
        char *path = acknowledged_path(writer);
        hpx_buffer bytes = {0};
        if (hpx_file_read(&bytes, path, SIZE_MAX, &error))
            fprintf(stderr, "%s\n", error.message);
        const struct acknowledged *puts = (const void *)bytes.data;
        for (size_t i = 0; i < bytes.size / sizeof *puts; i++) {
            uint64_t number = puts[i].number;
            numbered_state state = numbered_check(store, number, puts[i].epoch, size_of(number), &error);
            ++*count;
            if (state == NUMBERED_WHOLE)
                continue;
            fprintf(stderr, "%" PRIu64 " epoch %u is %s\n", number, puts[i].epoch,
                    numbered_state_names[state]);
            ++*(state == NUMBERED_WRONG ? wrong : lost);
        }
        hpx_buffer_free(&bytes);
        free(path);
    }
    hpx_store_close(store);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    folder = argv[1];
    hpx = argv[4];
    store_folder = hpx_path_join(folder, "store");
    draw_state = strtoull(argv[3], NULL, 10);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    size_t acknowledged = 0, lost = 0, wrong = 0, kills = storm(strtod(argv[2], NULL));
    check_acknowledged(&acknowledged, &lost, &wrong);
    wrong += shared->wrong;
    crashes += shared->failed;
    printf("%zu kills, %zu acknowledged, %lu reads, %zu lost, %zu wrong, %zu crashes\n", kills, acknowledged,
           (unsigned long)shared->reads, lost, wrong, crashes);
    return lost || wrong || crashes || acknowledged == 0 ? 1 : 0;
}
