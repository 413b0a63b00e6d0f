/* Any bytes as a checkpoint of a program: refused, or written out as files and folders that can be packed again. */
#include "fuzz.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "program/archive.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* The only name in a folder. free() it. */
static char *only_name(const char *folder)
{
    DIR *list = opendir(folder);
    char *name = NULL;
    expect(list != NULL);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        expect(!name);
        name = hpx_strdup(entry->d_name);
    }
    closedir(list);
    expect(name != NULL);
    return name;
}

static void write_out(const hpx_blob *archive)
{
    const char *temporary = getenv("TMPDIR");
    char *folder = hpx_format("%s/hpx-fuzz-XXXXXX", temporary ? temporary : "/tmp");
    hpx_blob again;
    hpx_error error;
    expect(mkdtemp(folder) != NULL);
    if (!hpx_archive_unpack(folder, archive, &error)) {
        char *name = only_name(folder);
        expect(!hpx_blob_new(&again, &error));
        expect(!hpx_archive_pack(&again, folder, name, &error));
        expect(!hpx_archive_check(&again, &error));
        hpx_blob_close(&again);
        free(name);
    }
    hpx_folder_remove(folder);
    free(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_blob archive;
    hpx_error error;
    if (!data)
        return 0;
    expect(!hpx_blob_from_bytes(&archive, data, size, &error));
    if (!hpx_archive_check(&archive, &error))
        write_out(&archive);
    hpx_blob_close(&archive);
    return 0;
}
