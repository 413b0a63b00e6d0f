/* The files of keys:
 *
 *     key      "hpx-private-key-1 " and the 64 hexadecimal digits of an ed25519 seed, "\n"; mode 0600
 *     trusted  lines "NAME KEY", KEY as hpx_signer_text has it; empty lines, and such that begin with '#' */
#include "inside.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium/utils.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_HEADING       "hpx-private-key-1 "
#define KEY_FILE_BYTES    (sizeof KEY_HEADING - 1 + 2 * HPX_SEED_BYTES + 1)
#define TRUSTED_BYTES_MAX ((size_t)1 << 20)
#define OWN_NAME          "own"

static hpx_status find_place(char **out, const char *name, hpx_error *error)
{
    *out = hpx_path_of_user(name);
    return *out ? HPX_OK
                : hpx_error_set(error, HPX_USAGE, "there is no place for keys; set HOME or XDG_CONFIG_HOME");
}

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Opens a file that must be the user's own, and with none of these permissions. *fd is -1, with HPX_OK, where there is
 * none. */
static hpx_status open_own(int *fd, const char *path, mode_t refused, const char *why, hpx_error *error)
{
    struct stat info;
    hpx_status status = HPX_OK;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? HPX_OK : hpx_error_errno(error, "%s", path);
    if (fstat(*fd, &info) != 0)
        status = hpx_error_errno(error, "%s", path);
    else if (!S_ISREG(info.st_mode))
        status = hpx_error_set(error, HPX_USAGE, "%s: not a regular file", path);
    else if (info.st_uid != geteuid())
        status = hpx_error_set(error, HPX_USAGE, "%s: refused, because it belongs to another user", path);
    else if (info.st_mode & refused)
        status =
            hpx_error_set(error, HPX_USAGE, "%s: refused, because others may %s it; run: chmod go-%c '%s'",
                          path, why, why[0], path);
    if (status) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

/* Up to `room` bytes; SIZE_MAX when it cannot be read. */
static size_t read_bytes(int fd, char *bytes, size_t room)
{
    size_t size = 0;
    ssize_t got = 1;
    while (size < room && got != 0) {
        got = read(fd, bytes + size, room - size);
        if (got < 0 && errno != EINTR)
            return SIZE_MAX;
        size += got > 0 ? (size_t)got : 0;
    }
    return size;
}

static hpx_status read_own(hpx_keys *out, hpx_error *error)
{
    char *path, bytes[KEY_FILE_BYTES + 1];
    const size_t heading = strlen(KEY_HEADING);
    int fd = -1;
    hpx_status status = find_place(&path, "key", error);
    if (!status)
        status = open_own(&fd, path, 077, "read", error);
    if (fd >= 0) {
        const size_t size = read_bytes(fd, bytes, sizeof bytes);
        out->can_sign =
            size == KEY_FILE_BYTES && memcmp(bytes, KEY_HEADING, heading) == 0 && bytes[size - 1] == '\n';
        bytes[KEY_FILE_BYTES - 1] = '\0';
        out->can_sign = out->can_sign && hpx_unhex(out->seed, sizeof out->seed, bytes + heading);
        if (out->can_sign)
            out->own = hpx_signer_of(out->seed);
        else
            status = hpx_error_set(error, HPX_USAGE, "%s: this is no private key of hpx; move it away", path);
        sodium_memzero(bytes, sizeof bytes);
        close(fd);
    }
    free(path);
    return status;
}

static bool is_name(const char *name)
{
    const size_t length = strlen(name);
    return length > 0 && length <= HPX_SIGNER_NAME_MAX && strcmp(name, OWN_NAME) != 0 &&
           !hpx_signer_is_text(name) && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-") == length;
}

static void add(hpx_keys *keys, const char *name, const hpx_signer *signer)
{
    size_t capacity = keys->count;
    if (hpx_keys_find(keys, signer))
        return;
    keys->trusted = hpx_grow(keys->trusted, &capacity, keys->count + 1, sizeof *keys->trusted);
    hpx_trusted *row = &keys->trusted[keys->count++];
    *row = (hpx_trusted){.signer = *signer};
    memcpy(row->name, name, strlen(name));
}

/* A line, without its end, which is changed for it. */
static hpx_status add_line(hpx_keys *out, char *line, hpx_error *error)
{
    char *rest, *name = strtok_r(line, " \t\r", &rest);
    hpx_signer signer;
    if (!name || name[0] == '#')
        return HPX_OK;
    const char *text = strtok_r(NULL, " \t\r", &rest);
    if (!text || strtok_r(NULL, " \t\r", &rest) || !is_name(name))
        return hpx_error_set(error, HPX_USAGE, "expected a name and a public key");
    if (hpx_keys_named(out, name))
        return hpx_error_set(error, HPX_USAGE, "the name %s stands here twice", name);
    hpx_status status = hpx_signer_parse(&signer, text, error);
    if (!status)
        add(out, name, &signer);
    return status;
}

static hpx_status read_trusted(hpx_keys *out, hpx_error *error)
{
    char *path, *text, *rest = NULL;
    int fd = -1;
    hpx_status status = find_place(&path, "trusted", error);
    if (!status)
        status = open_own(&fd, path, 022, "write", error);
    if (fd < 0) {
        free(path);
        return status;
    }
    text = hpx_alloc(TRUSTED_BYTES_MAX + 1);
    const size_t size = read_bytes(fd, text, TRUSTED_BYTES_MAX);
    if (size >= TRUSTED_BYTES_MAX || memchr(text, '\0', size))
        status = hpx_error_set(error, HPX_USAGE, "%s: cannot be read, or is no list of keys", path);
    size_t number = 0;
    for (char *line = text; line && !status; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        number++;
        status = add_line(out, line, error);
        if (status)
            hpx_error_prefix(error, "%s:%zu", path, number);
    }
    free(text);
    close(fd);
    free(path);
    return status;
}

hpx_status hpx_keys_read(hpx_keys *out, hpx_error *error)
{
    *out = (hpx_keys){.count = 0};
    hpx_status status = read_own(out, error);
    if (!status && out->can_sign)
        add(out, OWN_NAME, &out->own);
    return status ? status : read_trusted(out, error);
}

void hpx_keys_free(hpx_keys *keys)
{
    free(keys->trusted);
    sodium_memzero(keys, sizeof *keys);
}

const hpx_trusted *hpx_keys_find(const hpx_keys *keys, const hpx_signer *signer)
{
    for (size_t i = 0; i < keys->count; i++)
        if (hpx_signer_equal(&keys->trusted[i].signer, signer))
            return &keys->trusted[i];
    return NULL;
}

const hpx_trusted *hpx_keys_named(const hpx_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->trusted[i].name, name) == 0)
            return &keys->trusted[i];
    return NULL;
}

/* --- changing --------------------------------------------------------------------------------------------- */

/* The folder of keys, made if need be, for the user alone. */
static hpx_status make_folder(const char *path, hpx_error *error)
{
    char *folder = hpx_path_directory(path), *above = hpx_path_directory(folder);
    hpx_status status = hpx_make_directories(above, error);
    if (!status && mkdir(folder, 0700) != 0 && errno != EEXIST)
        status = hpx_error_errno(error, "%s", folder);
    free(above);
    free(folder);
    return status;
}

hpx_status hpx_key_new(hpx_signer *out, hpx_error *error)
{
    uint8_t seed[HPX_SEED_BYTES];
    char *path, bytes[KEY_FILE_BYTES + 1] = KEY_HEADING;
    int fd = -1;
    hpx_status status = find_place(&path, "key", error);
    if (!status)
        status = make_folder(path, error);
    if (!status && (fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) < 0)
        status = errno == EEXIST ? hpx_error_set(error, HPX_USAGE,
                                                 "%s: there is a key already, which stays as it is", path)
                                 : hpx_error_errno(error, "%s", path);
    if (!status) {
        hpx_seed_new(seed);
        *out = hpx_signer_of(seed);
        hpx_hex(bytes + strlen(KEY_HEADING), seed, sizeof seed);
        bytes[KEY_FILE_BYTES - 1] = '\n';
        if (write(fd, bytes, KEY_FILE_BYTES) != (ssize_t)KEY_FILE_BYTES || fsync(fd) != 0) {
            status = hpx_error_errno(error, "%s", path);
            unlink(path);
        }
        close(fd);
        sodium_memzero(seed, sizeof seed);
        sodium_memzero(bytes, sizeof bytes);
    }
    free(path);
    return status;
}

/* Whether `wanted` can be trusted beside what is. */
static hpx_status check_new(const hpx_keys *keys, const hpx_trusted *wanted, hpx_error *error)
{
    const hpx_trusted *there = hpx_keys_named(keys, wanted->name);
    if (there && !hpx_signer_equal(&there->signer, &wanted->signer))
        return hpx_error_set(error, HPX_USAGE,
                             "%s: the name stands for another key; forget that first, or choose another name",
                             wanted->name);
    if (keys->can_sign && hpx_signer_equal(&keys->own, &wanted->signer))
        return hpx_error_set(error, HPX_USAGE, "this is your own key, which is trusted already");
    return HPX_OK;
}

/* Appends the lines that are not of this key. */
static hpx_status copy_others(hpx_buffer *out, const char *path, const char *key, hpx_error *error)
{
    hpx_buffer bytes = {0};
    hpx_status status = hpx_file_read(&bytes, path, TRUSTED_BYTES_MAX, error);
    for (const char *line = hpx_buffer_text(&bytes); *line && !status;) {
        const size_t length = strcspn(line, "\n");
        const char *word = line + strspn(line, " \t");
        word += strcspn(word, " \t\n");
        word += strspn(word, " \t");
        if (line[strspn(line, " \t")] == '#' || strncmp(word, key, strlen(key)) != 0)
            hpx_buffer_printf(out, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    hpx_buffer_free(&bytes);
    return status;
}

/* The file is made before it is written to, so that others can never write there, whatever the umask. */
static hpx_status make_file(const char *path, hpx_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return hpx_error_errno(error, "%s", path);
    close(fd);
    return HPX_OK;
}

/* Writes the list anew: without the key's line, and then `trusted`, with one. */
static hpx_status rewrite(const char *path, const hpx_trusted *row, bool trusted, hpx_error *error)
{
    hpx_keys keys;
    hpx_buffer text = {0};
    char key[HPX_SIGNER_TEXT_BYTES];
    hpx_signer_text(key, &row->signer);
    hpx_status status = hpx_keys_read(&keys, error);
    if (!status && trusted)
        status = check_new(&keys, row, error);
    if (!status)
        status = make_file(path, error);
    if (!status)
        status = copy_others(&text, path, key, error);
    if (!status && trusted)
        hpx_buffer_printf(&text, "%s %s\n", row->name, key);
    if (!status)
        status = hpx_file_write(path, text.data, text.size, error);
    hpx_buffer_free(&text);
    hpx_keys_free(&keys);
    return status;
}

/* The same while others who do so wait. */
static hpx_status change(const hpx_trusted *row, bool trusted, hpx_error *error)
{
    char *path, *folder = NULL;
    int lock = -1;
    hpx_status status = find_place(&path, "trusted", error);
    if (!status) {
        folder = hpx_path_directory(path);
        status = make_folder(path, error);
    }
    if (!status) {
        lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (lock >= 0)
            flock(lock, LOCK_EX);
        status = rewrite(path, row, trusted, error);
    }
    if (lock >= 0)
        close(lock);
    free(folder);
    free(path);
    return status;
}

hpx_status hpx_key_trust(const char *name, const hpx_signer *signer, hpx_error *error)
{
    hpx_trusted row = {.signer = *signer};
    if (!is_name(name))
        return hpx_error_set(
            error, HPX_USAGE,
            "%s: not a name for a key; expected up to %d letters, digits and . _ @ + -, not '%s'", name,
            HPX_SIGNER_NAME_MAX, OWN_NAME);
    memcpy(row.name, name, strlen(name));
    return change(&row, true, error);
}

hpx_status hpx_key_distrust(const hpx_signer *signer, hpx_error *error)
{
    const hpx_trusted row = {.signer = *signer};
    return change(&row, false, error);
}
