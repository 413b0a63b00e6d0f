/* LMDB trusts the pages of its tree. Where they are damaged it may read beyond the file (SIGBUS) or beyond
 * all memory (SIGSEGV). A fault that is not the store's, by the file mapped at the address or at the
 * instruction, takes its course. */
#include "hpx/store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static const char data_file[] = "/hpx.mdb", library[] = "/liblmdb.so";
static struct sigaction old_bus, old_segv;
static hpx_crash_fn *on_crash; /* NULL: the handlers are not set */

/* One line of /proc/self/maps, "START-END ... PATH", in a handler: nothing but plain loops. */
static bool holds(const char *line, uintptr_t address)
{
    uintptr_t bounds[2] = {0, 0};
    for (int i = 0; i < 2; i++, line++)
        for (; (*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f'); line++)
            bounds[i] = bounds[i] << 4 | (uintptr_t)(*line <= '9' ? *line - '0' : *line - 'a' + 10);
    return address >= bounds[0] && address < bounds[1];
}

/* Whether the line ends with a file of this name, or of any version of the library. */
static bool names(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    return at && (at[strlen(name)] == 0 || name == library);
}

/* Whether this file is mapped at the address. */
static bool is_mapped_from(uintptr_t address, const char *name)
{
    char line[512], byte;
    size_t length = 0;
    bool found = false;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && !found && read(fd, &byte, 1) == 1) {
        if (byte != '\n') {
            if (length < sizeof line - 1)
                line[length++] = byte;
            continue;
        }
        line[length] = 0;
        found = holds(line, address) && names(line, name);
        length = 0;
    }
    if (fd >= 0)
        close(fd);
    return found;
}

static void crashed(int number, siginfo_t *info, void *context)
{
    const ucontext_t *machine = context;
    uintptr_t instruction = 0;
#if defined __x86_64__
    instruction = (uintptr_t)machine->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    instruction = machine->uc_mcontext.pc;
#else
    (void)machine;
#endif
    if (is_mapped_from((uintptr_t)info->si_addr, data_file) || is_mapped_from(instruction, library))
        on_crash();
    sigaction(number, number == SIGBUS ? &old_bus : &old_segv, NULL);
    if (info->si_code <= 0)
        raise(number); /* sent, not met: returning would not repeat it */
}

void hpx_store_on_crash(hpx_crash_fn *handler)
{
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO};
    if (handler && !on_crash) {
        sigaction(SIGBUS, &action, &old_bus);
        sigaction(SIGSEGV, &action, &old_segv);
    } else if (!handler && on_crash) {
        sigaction(SIGBUS, &old_bus, NULL);
        sigaction(SIGSEGV, &old_segv, NULL);
    }
    on_crash = handler;
}
