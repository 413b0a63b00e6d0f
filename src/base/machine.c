/* Control groups as cgroups(7) has them: /proc/self/cgroup names the group of each hierarchy, "0::/PATH" in
 * version 2 and "N:CONTROLLERS:/PATH" in version 1. In a container without a namespace of its own that path
 * is the host's, and the group itself is mounted where the root should be: folders that do not exist are
 * passed over on the way up. */
#include "base/machine.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/fields.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROCESSORS_MAX 65536

/* What a file says of a name, "NAME VALUE", or as a whole where the name is "". */
static bool read_value(double *out, const char *folder, const char *file, const char *name)
{
    char *path = hpx_format("%s/%s", folder, file), line[256];
    FILE *stream = fopen(path, "re");
    const size_t length = strlen(name);
    bool found = false;
    while (stream && !found && fgets(line, sizeof line, stream)) {
        char *value = line + length, *end = value;
        if (strncmp(line, name, length) == 0 && (length == 0 || *value == ' ' || *value == ':'))
            *out = hpx_strtod(value + (length > 0), &end);
        found = end > value + (length > 0);
    }
    if (stream)
        fclose(stream);
    free(path);
    return found;
}

/* "QUOTA PERIOD" in version 2, "max PERIOD" without one; two files in version 1. */
static void limit_processors(hpx_limits *limits, const char *folder)
{
    double quota, period;
    char *path = hpx_format("%s/cpu.max", folder);
    FILE *stream = fopen(path, "re");
    bool limited = stream ? fscanf(stream, "%lf %lf", &quota, &period) == 2
                          : read_value(&quota, folder, "cpu.cfs_quota_us", "") &&
                                read_value(&period, folder, "cpu.cfs_period_us", "");
    if (limited && quota > 0 && period > 0 && quota / period < limits->processors)
        limits->processors = quota / period;
    if (stream)
        fclose(stream);
    free(path);
}

/* Pages of files that nobody has used for a while count as used, and are given up first. */
static void limit_memory(hpx_limits *limits, const char *folder)
{
    static const char *const names[][3] = {
        {"memory.max", "memory.current", "inactive_file"},
        {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double most, used, idle;
        if (!read_value(&most, folder, names[i][0], "") || !read_value(&used, folder, names[i][1], ""))
            continue;
        if (!read_value(&idle, folder, "memory.stat", names[i][2]))
            idle = 0;
        const double free_bytes = fmax(0, most - fmax(0, used - idle));
        if (free_bytes < 0x1p62 && (uint64_t)free_bytes < limits->memory_bytes)
            limits->memory_bytes = (uint64_t)free_bytes;
    }
}

/* The group below this mount, and all above it. */
static void limit_by(hpx_limits *limits, const char *root, const char *mount, const char *group)
{
    char *folder = hpx_format("%s/sys/fs/cgroup%s%s", root, mount, group);
    const size_t top = strlen(root) + strlen("/sys/fs/cgroup") + strlen(mount);
    for (;;) {
        limit_processors(limits, folder);
        limit_memory(limits, folder);
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            break;
        *slash = 0;
    }
    free(folder);
}

static bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
            return true;
    return false;
}

hpx_limits hpx_limits_of_group(const char *root)
{
    hpx_limits limits = {.processors = INFINITY, .memory_bytes = UINT64_MAX};
    char *path = hpx_format("%s/proc/self/cgroup", root), line[4352];
    FILE *stream = fopen(path, "re");
    while (stream && fgets(line, sizeof line, stream)) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(++controllers, ':') : NULL;
        if (!group)
            continue;
        *group++ = 0;
        group[strcspn(group, "\n")] = 0;
        if (*controllers == 0) {
            limit_by(&limits, root, "", group);
            limit_by(&limits, root, "/unified", group);
        }
        if (has_word(controllers, "cpu"))
            limit_by(&limits, root, "/cpu", group);
        if (has_word(controllers, "memory"))
            limit_by(&limits, root, "/memory", group);
    }
    if (stream)
        fclose(stream);
    free(path);
    return limits;
}

/* Those that affinity leaves; 0: unknown. The kernel refuses a set smaller than its own. */
static size_t processors_of_affinity(void)
{
    size_t count = 0;
    for (size_t room = 1024; room <= PROCESSORS_MAX && count == 0; room *= 2) {
        cpu_set_t *set = CPU_ALLOC(room);
        if (!set)
            hpx_out_of_memory(CPU_ALLOC_SIZE(room));
        const bool known = sched_getaffinity(0, CPU_ALLOC_SIZE(room), set) == 0;
        if (known)
            count = (size_t)CPU_COUNT_S(CPU_ALLOC_SIZE(room), set);
        CPU_FREE(set);
        if (!known && errno != EINVAL)
            break;
    }
    return count;
}

size_t hpx_processors(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const double quota = ceil(hpx_limits_of_group("").processors);
    size_t count = processors_of_affinity();
    if (count == 0)
        count = online > 0 ? (size_t)online : 1;
    return quota < (double)count ? (size_t)quota : count;
}

uint64_t hpx_memory_available(void)
{
    const uint64_t limit = hpx_limits_of_group("").memory_bytes;
    double kilobytes;
    if (!read_value(&kilobytes, "/proc", "meminfo", "MemAvailable"))
        return limit;
    const uint64_t bytes = (uint64_t)kilobytes * 1024;
    return bytes < limit ? bytes : limit;
}

size_t hpx_descriptors_available(size_t wanted)
{
    struct rlimit limit;
    rlim_t used = 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    /* The lowest that is free: almost all descriptors are below it. */
    const int lowest = dup(STDIN_FILENO);
    if (lowest >= 0) {
        used = (rlim_t)lowest;
        close(lowest);
    }
    if (limit.rlim_cur < used + wanted && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = used + wanted < limit.rlim_max ? used + wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur > used ? (size_t)(limit.rlim_cur - used) : 0;
}

void hpx_host_name(char *out, size_t size)
{
    char name[256] = "";
    size_t length = 0;
    gethostname(name, sizeof name - 1);
    for (size_t at = 0, step; name[at]; at += step) {
        uint32_t code;
        step = hpx_utf8_next(&code, name + at, strlen(name + at));
        const bool good = step > 0 && hpx_is_visible(code);
        step = step > 0 ? step : 1;
        if (length + (good ? step : 1) >= size)
            break;
        if (good)
            memcpy(out + length, name + at, step);
        else
            out[length] = '?';
        length += good ? step : 1;
    }
    out[length] = 0;
}

/* Appends what a file says behind "NAME :", as far as the line goes. */
static bool add_value(hpx_buffer *out, const char *path, const char *name, const char *before)
{
    char line[512];
    FILE *stream = fopen(path, "re");
    const size_t length = strlen(name);
    bool found = false;
    while (stream && !found && fgets(line, sizeof line, stream)) {
        const char *at = line + length;
        if (strncmp(line, name, length) != 0)
            continue;
        at += strspn(at, " \t");
        if (*at++ != ':')
            continue;
        at += strspn(at, " \t");
        const size_t size = strcspn(at, "\n");
        found = size > 0 && hpx_field_is_text(at, size);
        if (found)
            hpx_buffer_printf(out, "%s%.*s", before, (int)size, at);
    }
    if (stream)
        fclose(stream);
    return found;
}

#define CPUINFO "/proc/cpuinfo"

/* On x86 it has vendor, family and model, on ARM implementer and part. */
bool hpx_processor_model(hpx_buffer *out)
{
    if (add_value(out, CPUINFO, "vendor_id", ""))
        return add_value(out, CPUINFO, "cpu family", " family ") &&
               add_value(out, CPUINFO, "model", " model ");
    if (add_value(out, CPUINFO, "CPU implementer", "implementer "))
        return add_value(out, CPUINFO, "CPU part", " part ");
    return add_value(out, CPUINFO, "cpu", "");
}

bool hpx_gpu_model(hpx_buffer *out)
{
    glob_t found;
    bool known = false;
    if (glob("/proc/driver/nvidia/gpus/*/information", 0, NULL, &found) == 0)
        known = add_value(out, found.gl_pathv[0], "Model", "");
    globfree(&found);
    return known;
}

bool hpx_gpu_driver(hpx_buffer *out)
{
    return add_value(out, "/proc/driver/nvidia/version", "NVRM version", "");
}
