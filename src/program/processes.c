#include "program/processes.h"

#include "base/memory.h"
#include "hpx/buffer.h"
#include "hpx/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENVIRONMENT_BYTES_MAX (4u << 20)
#define STUCK_SECONDS         10  /* how long a killed process may take to be gone */
#define ENDLESS_SECONDS       60  /* how long processes may start others faster than they are killed */
#define LOOKS_MAX             100 /* for new processes, before those that are known are killed */
#define PAUSE_MS              20  /* between looks at processes that are not children of this one */

void hpx_processes_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void hpx_processes_disown(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* --- what runs -------------------------------------------------------------------------------------------- */

struct process {
    pid_t pid, parent, group;
    char state;
    bool chosen;
    uint64_t started; /* since the system began, in its ticks: with the number it names a process for good */
};

struct table {
    struct process *list;
    size_t count, capacity;
};

/* What /proc/PID/NAME has, as far as it fits; false if there is no such process. */
static bool read_proc(hpx_buffer *out, pid_t pid, const char *name, size_t bytes_max)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    out->size = 0;
    ssize_t got = fd >= 0 ? 1 : -1;
    while (got > 0 && out->size < bytes_max) {
        hpx_buffer_reserve(out, 4096);
        got = read(fd, out->data + out->size, 4096);
        out->size += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    return got >= 0;
}

/* proc(5): "PID (NAME) STATE PARENT GROUP ...", of which the start is the 22nd. A name may have blanks and parentheses. */
static bool read_process(struct process *out, pid_t pid, hpx_buffer *scratch)
{
    if (!read_proc(scratch, pid, "stat", 4096))
        return false;
    const char *behind = strrchr(hpx_buffer_text(scratch), ')');
    int parent, group;
    *out = (struct process){.pid = pid};
    if (!behind ||
        sscanf(behind + 1,
               " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
               &out->state, &parent, &group, &out->started) != 4)
        return false;
    out->parent = parent;
    out->group = group;
    return true;
}

static struct table read_table(void)
{
    struct table table = {0};
    hpx_buffer scratch = {0};
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct process process;
        if (!isdigit((unsigned char)*entry->d_name) ||
            !read_process(&process, (pid_t)strtol(entry->d_name, NULL, 10), &scratch))
            continue;
        table.list = hpx_grow(table.list, &table.capacity, table.count + 1, sizeof *table.list);
        table.list[table.count++] = process;
    }
    if (folder)
        closedir(folder);
    hpx_buffer_free(&scratch);
    return table;
}

static int by_pid(const void *a, const void *b)
{
    const struct process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct process *find(const struct table *table, pid_t pid)
{
    const struct process wanted = {.pid = pid};
    return table->count ? bsearch(&wanted, table->list, table->count, sizeof wanted, by_pid) : NULL;
}

/* Chooses the descendants of all that are chosen, and of `root`. */
static void choose_descendants(struct table *table, pid_t root)
{
    bool more = table->count > 0;
    if (more)
        qsort(table->list, table->count, sizeof *table->list, by_pid);
    while (more) {
        more = false;
        for (size_t i = 0; i < table->count; i++) {
            struct process *process = &table->list[i];
            const struct process *parent = find(table, process->parent);
            if (process->chosen || process->pid == getpid() ||
                (process->parent != root && !(parent && parent->chosen)))
                continue;
            process->chosen = more = true;
        }
    }
}

static bool is_dead(const struct process *process)
{
    return process->state == 'Z' || process->state == 'X';
}

/* --- whom to end ------------------------------------------------------------------------------------------ */

/* Marks in a table the processes that are to end. */
typedef void choose_fn(struct table *table, const void *context);

static void choose_own(struct table *table, const void *context)
{
    (void)context;
    choose_descendants(table, getpid());
}

/* Whether its number has not gone to another process since the table was read. */
static bool is_still(const struct process *process, hpx_buffer *scratch)
{
    struct process now;
    return read_process(&now, process->pid, scratch) && now.started == process->started &&
           now.group == process->group;
}

/* Looks at it again while a descriptor holds the number, so that no other can have it meanwhile. Where there are no such
 * descriptors (before Linux 5.3, in some sandboxes) the look alone must do. */
static bool signal_process(const struct process *process, int number, hpx_buffer *scratch)
{
    const int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (fd < 0)
        return errno != ESRCH && is_still(process, scratch) && kill(process->pid, number) == 0;
    const bool sent = is_still(process, scratch) && syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) == 0;
    close(fd);
    return sent;
}

/* Whether all processes of the group are to end. */
static bool is_whole_group(const struct table *table, pid_t group)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->list[i].group == group && !table->list[i].chosen)
            return false;
    return group > 1;
}

/* Sends a signal to all that are to end and live, and says how many. One that none can catch goes to their process groups at
 * once, too: the kernel lets none of a group start another meanwhile. A dead process still tells of its group, where the living
 * ones change faster than can be read. */
static size_t signal_chosen(const struct table *table, int number)
{
    const bool to_groups = number == SIGSTOP || number == SIGKILL;
    hpx_buffer scratch = {0};
    size_t count = 0;
    pid_t last = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct process *process = &table->list[i];
        const bool living = process->chosen && !is_dead(process);
        const bool group =
            process->chosen && to_groups && process->group != last && is_whole_group(table, process->group);
        if (group && is_still(process, &scratch)) {
            last = process->group;
            kill(-last, number);
        }
        count += living && signal_process(process, number, &scratch);
    }
    hpx_buffer_free(&scratch);
    return count;
}

static size_t signal_all(choose_fn *choose, const void *context, int number)
{
    struct table table = read_table();
    choose(&table, context);
    const size_t count = signal_chosen(&table, number);
    free(table.list);
    return count;
}

/* Whether any is to end and lives that was not to end at the look before. */
static bool has_new(const struct table *table, const struct table *before)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct process *process = &table->list[i], *known = find(before, process->pid);
        if (process->chosen && !is_dead(process) &&
            !(known && known->chosen && known->started == process->started))
            return true;
    }
    return false;
}

/* Stops them first: what is stopped starts no other. When a look finds no new ones, all are killed. */
static void kill_all(choose_fn *choose, const void *context)
{
    struct table before = {0};
    bool more = true;
    for (int look = 0; more && look < LOOKS_MAX; look++) {
        struct table table = read_table();
        choose(&table, context);
        more = has_new(&table, &before);
        signal_chosen(&table, SIGSTOP);
        free(before.list);
        before = table;
    }
    free(before.list);
    signal_all(choose, context, SIGKILL);
}

static void terminate_all(choose_fn *choose, const void *context)
{
    signal_all(choose, context, SIGTERM);
    signal_all(choose, context, SIGCONT); /* one that is stopped does not hear it */
}

/* --- descendants ------------------------------------------------------------------------------------------ */

bool hpx_processes_reap(pid_t program, bool *ended, int *how)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
        if (pid <= 0 || pid != program)
            continue;
        *ended = true;
        *how = status;
    }
    return pid == 0;
}

static sigset_t child_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    return set;
}

int hpx_processes_watch(void)
{
    const sigset_t set = child_signal();
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void hpx_processes_unwatch(int fd)
{
    const sigset_t set = child_signal();
    if (fd >= 0)
        close(fd);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* False when no child has ended for so long. SIGCHLD is blocked. */
static bool wait_for_child(double seconds)
{
    const sigset_t set = child_signal();
    const struct timespec most = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    return seconds > 0 && sigtimedwait(&set, NULL, &most) == SIGCHLD;
}

void hpx_processes_end(double grace, pid_t program, bool *ended, int *how)
{
    const sigset_t set = child_signal();
    sigset_t before;
    if (!hpx_processes_reap(program, ended, how))
        return;
    sigprocmask(SIG_BLOCK, &set, &before);
    const double start = hpx_clock_seconds();
    if (grace > 0)
        terminate_all(choose_own, NULL);
    while (hpx_processes_reap(program, ended, how) && wait_for_child(start + grace - hpx_clock_seconds()))
        continue;
    const double last = hpx_clock_seconds() + ENDLESS_SECONDS;
    double stuck = hpx_clock_seconds() + STUCK_SECONDS;
    while (hpx_processes_reap(program, ended, how) && hpx_clock_seconds() < fmin(stuck, last)) {
        kill_all(choose_own, NULL);
        if (wait_for_child(0.05))
            stuck = hpx_clock_seconds() + STUCK_SECONDS;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

uint64_t hpx_processes_memory(void)
{
    struct table table = read_table();
    hpx_buffer text = {0};
    uint64_t kilobytes = 0, more;
    choose_own(&table, NULL);
    for (size_t i = 0; i < table.count; i++) {
        if (!table.list[i].chosen || !read_proc(&text, table.list[i].pid, "smaps_rollup", 65536))
            continue;
        const char *line = strstr(hpx_buffer_text(&text), "\nPss:");
        if (line && sscanf(line, "\nPss: %" SCNu64, &more) == 1)
            kilobytes += more;
    }
    hpx_buffer_free(&text);
    free(table.list);
    return kilobytes * 1024;
}

/* --- orphans ---------------------------------------------------------------------------------------------- */

struct known {
    const pid_t *pids;
    size_t count;
};

static bool is_known(const struct known *known, pid_t pid)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->pids[i] == pid)
            return true;
    return false;
}

static void choose_orphans(struct table *table, const void *context)
{
    for (size_t i = 0; i < table->count; i++) {
        struct process *process = &table->list[i];
        process->chosen = process->parent == getpid() && !is_known(context, process->pid);
    }
    choose_descendants(table, -1);
}

/* Takes in those that have ended; whether there are others. */
static bool reap_orphans(const struct known *known)
{
    struct table table = read_table();
    size_t left = 0;
    choose_orphans(&table, known);
    for (size_t i = 0; i < table.count; i++)
        if (table.list[i].chosen && waitpid(table.list[i].pid, NULL, WNOHANG) <= 0)
            left++;
    free(table.list);
    return left > 0;
}

bool hpx_processes_adopt_orphans(void)
{
    siginfo_t ignored;
    if (waitid(P_ALL, 0, &ignored, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD)
        return false;
    hpx_processes_adopt();
    return true;
}

void hpx_processes_end_orphans(const pid_t *pids, size_t count)
{
    const struct known known = {pids, count};
    const double end = hpx_clock_seconds() + STUCK_SECONDS;
    while (reap_orphans(&known) && hpx_clock_seconds() < end) {
        kill_all(choose_orphans, &known);
        poll(NULL, 0, PAUSE_MS);
    }
}

/* --- strays ----------------------------------------------------------------------------------------------- */

/* "TRIAL@NAMESPACE.PID.START", of the process that started the program. */
#define VARIABLE "HPX_TRIAL="

static uint64_t pid_namespace(void)
{
    struct stat info;
    return stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

char *hpx_processes_mark(const char *trial)
{
    struct process self = {0};
    hpx_buffer scratch = {0};
    read_process(&self, getpid(), &scratch);
    hpx_buffer_free(&scratch);
    return hpx_format("%s@%" PRIu64 ".%d.%" PRIu64, trial, pid_namespace(), (int)getpid(), self.started);
}

/* Whether the process that the mark names is gone, as far as this one can tell. */
static bool is_stray(const struct table *table, const char *mark)
{
    uint64_t namespace, started;
    int pid;
    const char *at = strrchr(mark, '@');
    if (!at || sscanf(at, "@%" SCNu64 ".%d.%" SCNu64, &namespace, &pid, &started) != 3 ||
        namespace != pid_namespace())
        return false;
    const struct process *owner = find(table, pid);
    return !owner || owner->started != started || is_dead(owner);
}

static bool is_own(pid_t pid)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    return stat(path, &info) == 0 && info.st_uid == geteuid();
}

/* The variable's value in an environment, which ends with a NUL; NULL: it is not there. */
static const char *find_mark(const hpx_buffer *environment)
{
    const char *at = (const char *)environment->data, *end = at + environment->size;
    for (; at && at < end; at += strlen(at) + 1)
        if (strncmp(at, VARIABLE, strlen(VARIABLE)) == 0)
            return at + strlen(VARIABLE);
    return NULL;
}

static void choose_strays(struct table *table, const void *context)
{
    const char *trial = context;
    hpx_buffer environment = {0};
    if (table->count == 0)
        return;
    qsort(table->list, table->count, sizeof *table->list, by_pid);
    for (size_t i = 0; i < table->count; i++) {
        struct process *process = &table->list[i];
        if (process->pid == getpid() || is_dead(process) || !is_own(process->pid) ||
            !read_proc(&environment, process->pid, "environ", ENVIRONMENT_BYTES_MAX))
            continue;
        hpx_buffer_text(&environment);
        const char *mark = find_mark(&environment);
        process->chosen = mark && strncmp(mark, trial, strlen(trial)) == 0 && is_stray(table, mark);
    }
    hpx_buffer_free(&environment);
    choose_descendants(table, -1);
}

static size_t count_all(choose_fn *choose, const void *context)
{
    return signal_all(choose, context, 0);
}

/* They are nobody's children here, or have been left to this process: what tells of their end is a look. */
static void wait_until_gone(const char *trial, double seconds)
{
    const double end = hpx_clock_seconds() + seconds;
    while (count_all(choose_strays, trial) > 0 && hpx_clock_seconds() < end)
        poll(NULL, 0, PAUSE_MS);
}

size_t hpx_processes_end_strays(const char *trial, double grace)
{
    const size_t count = count_all(choose_strays, trial);
    if (count == 0)
        return 0;
    if (grace > 0) {
        terminate_all(choose_strays, trial);
        wait_until_gone(trial, grace);
    }
    if (count_all(choose_strays, trial) > 0) {
        kill_all(choose_strays, trial);
        wait_until_gone(trial, STUCK_SECONDS);
    }
    return count;
}
